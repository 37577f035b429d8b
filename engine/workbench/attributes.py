"""Changes that need no solver: clocks, stages, measures, terms, and the rest, each with the way it weighs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from engine.decision.model import Facts
from engine.language.dates import may_exceed
from engine.language.ir import Duration, Limit, ListDef, Measure, Memorandum, Oblige, Policy
from engine.language.procedures import KINDS
from engine.workbench.normal import same
from engine.workbench.sentences import department_words
from engine.workbench.witness import KIND_TITLES

Sense = Literal["stricter", "milder", "even", "neutral"]
Area = Literal["obligation", "limit", "clock", "list", "measure", "terms", "other"]
OPPOSITE: Mapping[Sense, Sense] = {
    "stricter": "milder", "milder": "stricter", "even": "even", "neutral": "neutral",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change:
    """One change of meaning. `sense`: for the subjects of the list, `even` where it is exchanged for one as heavy.

    witness: a subject whom it concerns. advised: the measure is (or was) advice and never owed.
    """

    area: Area
    sense: Sense
    list: str
    message: str  # Chinese
    measure: str = ""
    departments: tuple[str, ...] = ()
    role: str = ""
    kinds: tuple[str, ...] = ()
    witness: Facts | None = None
    rules: tuple[str, ...] = ()
    advised: bool = False


CLOCKS: tuple[tuple[str, str, Sense], ...] = (
    ("最短公示期", "publicity.minimum", "stricter"),
    ("最长公示期", "publicity.maximum", "stricter"),
    ("列入期限", "term.length", "stricter"),
    ("可延长", "term.extension", "stricter"),
    ("申请修复前须满", "repair.after", "stricter"),
    ("受理修复", "repair.accept", "stricter"),
    ("决定修复", "repair.decide", "stricter"),
    ("修复延长", "repair.extend", "stricter"),
    ("异议答复（本部门）", "objection.own", "stricter"),
    ("异议核查", "objection.verify", "stricter"),
    ("提供单位答复", "objection.provider", "stricter"),
    ("陈述申辩", "statement", "milder"),
    ("要求听证", "hearing_request", "milder"),
    ("听证通知", "hearing_notice", "milder"),
    ("送达", "service", "stricter"),
    ("认定前公示", "pre_publicity", "neutral"),
    ("公示时限", "publicity.within", "neutral"),
)
"""Title, place in the procedure, and how the clock weighs on a subject when it gets longer."""
ENDLESS = frozenset({"publicity.maximum", "term.length"})  # no figure is for ever; no figure of others is no such term
SUFFERED = frozenset({"publicity", "term"})  # longer is worse on a sanction list, better on an incentive list


def _truths(listed: ListDef) -> dict[str, tuple[bool, Sense]]:
    """What holds of a list or not, and how it weighs on its subjects when it comes to hold."""
    procedure = listed.procedure
    suffered: Sense = "milder" if listed.kind == "incentive" else "stricter"
    return {
        "属于严重失信主体名单": (listed.severe, "stricter"),
        "向社会公示": (procedure.publicity.public, suffered),
        "在异议期间暂停措施": (procedure.objection.suspends, "milder"),
        "事先告知": (procedure.notice or "notice" in procedure.upstream, "milder"),
        "须作出决定": (procedure.decision or "decision" in procedure.upstream, "milder"),
        "允许信用修复": (procedure.repair is not None, "milder"),
    }


def _clock_of(listed: ListDef, place: str) -> Duration | None:
    found: Any = listed.procedure
    for name in place.split("."):
        found = getattr(found, name) if found is not None else None
    assert found is None or isinstance(found, Duration)
    return found


def of_policies(before: Policy, after: Policy) -> Iterator[Change]:
    """Changes of lists, measures, terms and supporting documents that both policies have, or only one."""
    titles = {**KIND_TITLES, **{d.id: d.title for p in (before, after) for d in p.departments.values()}}
    for list_id in sorted({*before.lists} & {*after.lists}):
        old_list, new_list = before.lists[list_id], after.lists[list_id]
        told = list(_list(old_list, new_list, titles))
        if not told and not same(old_list, new_list):
            told = [Change("list", "neutral", list_id, f"{new_list.title}：依据、有效期或者其他内容有变化")]
        yield from told
    for name in sorted({*before.memoranda} & {*after.memoranda}):
        yield from _memorandum(before.memoranda[name], after.memoranda[name])
    owed = {o.measure for p in (before, after) for m in p.memoranda.values() for r in m.rules for o in _obliges(r.then)}
    for measure_id in sorted({*before.measures} & {*after.measures} & owed):
        yield from _measure(before.measures[measure_id], after.measures[measure_id])
    yield from _obligations(before, after)
    kinds: tuple[tuple[str, str, Mapping[str, str]], ...] = (
        ("departments", "部门", {
            "level": "层级", "kind": "性质", "validity": "存续期间", "merged_into": "承接部门", "names": "曾用名",
        }),
        ("matters", "事项", {"departments": "办理部门", "documents": "申请材料", "verification": "核验步骤"}),
        ("laws", "法律文件", {"level": "效力层级", "validity": "有效期"}),
        ("records", "记录种类", {
            "supplied_by": "提供部门", "fields": "字段", "excluded": "不得作为依据的情形",
        }),
        ("calendars", "年历", {"holidays": "放假日", "makeup": "补班日", "provisional": "是否暂定"}),
        ("ladders", "督办阶梯", {"default": "是否通用", "rungs": "各级"}),
        ("retention", "保存期限", {"rules": "各条规则"}),
    )  # fmt: skip
    for attribute, word, fields in kinds:
        yield from _documents(getattr(before, attribute), getattr(after, attribute), word, fields)


def _list(old: ListDef, new: ListDef, titles: Mapping[str, str]) -> Iterator[Change]:
    incentive = new.kind == "incentive"
    if old.kind != new.kind:
        yield Change("list", "neutral", new.id, f"{new.title}：性质由{KINDS[old.kind]}改为{KINDS[new.kind]}")
    for title, place, longer in CLOCKS:
        was, now = _clock_of(old, place), _clock_of(new, place)
        if was != now:
            words = [d.words if d else "不限" if place in ENDLESS else "没有" for d in (was, now)]
            sense = _clock(was, now, longer, endless=place in ENDLESS)
            if incentive and place.split(".")[0] in SUFFERED:
                sense = OPPOSITE[sense]
            yield Change("clock", sense, new.id, f"{new.title}：{title}由 {words[0]} 改为 {words[1]}")
    truths = _truths(old)
    for word, (holds, sense) in _truths(new).items():
        if truths[word][0] != holds:
            own = sense if holds else OPPOSITE[sense]
            yield Change("list", own, new.id, f"{new.title}：{'改为' if holds else '不再'}{word}")
    for word, was_set, now_set in (("主体", old.subjects, new.subjects), ("发起部门", old.filed_by, new.filed_by)):
        added, gone = (
            "、".join(titles.get(i, i) for i in more if i not in less)
            for more, less in ((now_set, was_set), (was_set, now_set))
        )
        weighs: Sense = "neutral" if word != "主体" else "milder" if incentive else "stricter"
        if added:
            yield Change("list", weighs, new.id, f"{new.title}：{word}增加 {added}")
        if gone:
            yield Change("list", OPPOSITE[weighs], new.id, f"{new.title}：{word}减少 {gone}")
    was_p, now_p = old.procedure, new.procedure
    for name, word, was_part, now_part in (
        ("until_performed", "至履行完毕为止的情形", was_p.term, now_p.term),
        ("decided_by", "作出决定的部门", was_p, now_p),
        ("ends", "终止后的解除时限", was_p, now_p),
        ("ladder", "督办阶梯", was_p, now_p),
        ("upstream", "申报前已完成的阶段", was_p, now_p),
        ("limits", "各规范对公示期的限制", was_p.publicity, now_p.publicity),
        ("channels", "公示渠道", was_p.publicity, now_p.publicity),
        ("requires", "申请修复须证明的事项", was_p.repair, now_p.repair),
    ):
        if was_part is None or now_part is None:
            continue  # told already, as a right given or taken
        if not same(getattr(was_part, name), getattr(now_part, name)):
            yield Change("list", "neutral", new.id, f"{new.title}：{word}有变化")
    yield from _facts(old, new)


def _facts(old: ListDef, new: ListDef) -> Iterator[Change]:
    """What a filing on the list may and must state."""
    for names, word in (({*new.facts} - {*old.facts}, "增加"), ({*old.facts} - {*new.facts}, "取消")):
        titles = [(new.facts.get(n) or old.facts[n]).title for n in sorted(names)]
        if titles:
            yield Change("list", "neutral", new.id, f"{new.title}：申报事实{word} {'、'.join(titles)}")
    for name in sorted({*old.facts} & {*new.facts}):
        was, now = old.facts[name], new.facts[name]
        if was.type is not now.type:
            yield Change("list", "neutral", new.id, f"{new.title}：{now.title}由 {was.type} 改为 {now.type}")
        elif {*was.values} != {*now.values}:
            yield Change("list", "neutral", new.id, f"{new.title}：{now.title}可填的值有变化")
    required = [{n for n, f in listed.facts.items() if f.required} for listed in (old, new)]
    for names, word in ((required[1] - required[0], "须提供"), (required[0] - required[1], "不再必须提供")):
        titles = [(new.facts.get(n) or old.facts[n]).title for n in sorted(names)]
        if titles:
            yield Change("list", "neutral", new.id, f"{new.title}：申报{word} {'、'.join(titles)}")


def _clock(was: Duration | None, now: Duration | None, longer: Sense, *, endless: bool) -> Sense:
    """How a clock's change weighs; no figure is for ever, or nothing."""
    if was is None or now is None:
        grows = (now is None) is endless
        return longer if grows else OPPOSITE[longer]
    more, less = may_exceed(now, was), may_exceed(was, now)
    return "neutral" if more and less else longer if more else OPPOSITE[longer]


def _memorandum(old: Memorandum, new: Memorandum) -> Iterator[Change]:
    """Whether the cases that stand follow a new version, which says nothing of cases to come."""
    if old.existing_cases != new.existing_cases:
        follow = "改为随新版本一并调整" if new.existing_cases == "migrate" else "改为不随新版本调整"
        yield Change("other", "neutral", new.list, f"备忘录“{new.title}”：在办案件{follow}")


def _measure(old: Measure, new: Measure) -> Iterator[Change]:
    heavier: Sense = "stricter" if new.kind == "sanction" else "milder"
    if old.term != new.term:
        words = [d.words if d else "随名单" for d in (old.term, new.term)]
        sense = _clock(old.term, new.term, heavier, endless=True)
        yield Change("measure", sense, "", f"“{new.title}”最长在施由 {words[0]} 改为 {words[1]}", new.id)
    for name, word in (
        ("kind", "性质"), ("cls", "类别"), ("mode", "方式"), ("reversible", "能否恢复"), ("subjects", "适用主体"),
        ("authority", "有权部门"), ("directive", "办理事项处的指令"), ("steps", "核验步骤"), ("nature", "属性"),
        ("ladder", "督办阶梯"), ("base_list_item", "国家基础清单条目"),
    ):  # fmt: skip
        if not same(getattr(old, name), getattr(new, name)):
            yield Change("measure", "neutral", "", f"“{new.title}”的{word}有变化", new.id)


def _obliges(consequences: tuple[Oblige | Limit, ...]) -> list[Oblige]:
    return [c for c in consequences if isinstance(c, Oblige)]


def _obligations(before: Policy, after: Policy) -> Iterator[Change]:
    """Terms, duty, order and basis of obligations that both policies have."""
    old, new = _by_key(before), _by_key(after)
    grouped: dict[tuple[str, str, Sense, str], list[str]] = {}
    for key in sorted({*old} & {*new}):
        list_id, measure, department, _ = key
        kind = after.measures[measure].kind
        for sense, words in _terms(old[key], new[key], kind):
            grouped.setdefault((list_id, measure, sense, words), []).append(department)
    for (list_id, measure, sense, words), departments in grouped.items():
        names = tuple(dict.fromkeys(departments))
        who = department_words(names, after)
        message = f"{after.lists[list_id].title}：{who}的“{after.measures[measure].title}”{words}"
        yield Change("terms", sense, list_id, message, measure, names)


def _by_key(policy: Policy) -> dict[tuple[str, str, str, str], list[Oblige]]:
    found: dict[tuple[str, str, str, str], list[Oblige]] = {}
    memorandum: Memorandum
    for memorandum in policy.memoranda.values():
        for rule in memorandum.rules:
            for oblige in _obliges(rule.then):
                for department in oblige.by:
                    for role in oblige.target.roles or ("subject",):
                        found.setdefault((memorandum.list, oblige.measure, department, role), []).append(oblige)
    return found


def _terms(old: list[Oblige], new: list[Oblige], kind: str) -> Iterator[tuple[Sense, str]]:
    sooner: Sense = "stricter" if kind == "sanction" else "milder"
    for name, word, faster in (
        ("accept", "接收时限", sooner), ("arm", "落实时限", sooner), ("lift", "解除时限", OPPOSITE[sooner]),
    ):  # fmt: skip
        was, now = _durations(old, name), _durations(new, name)
        if was != now:
            one = len(was) == len(now) == 1
            sense = _clock(next(iter(was)), next(iter(now)), OPPOSITE[faster], endless=False) if one else "neutral"
            texts = ["、".join(sorted(d.words for d in side)) for side in (was, now)]
            yield sense, f"{word}由 {texts[0]} 改为 {texts[1]}"
    rest: tuple[tuple[str, Callable[[Oblige], Any]], ...] = (
        ("反馈周期", lambda o: o.response.feedback), ("证据要求", lambda o: o.response.evidence),
        ("职责", lambda o: o.duty), ("先后次序", lambda o: tuple(sorted(o.after))),
        ("依据", lambda o: tuple(sorted((b.law, b.article) for b in o.basis))),
    )  # fmt: skip
    for word, read in rest:
        if {read(o) for o in old} != {read(o) for o in new}:
            yield "neutral", f"的{word}有变化"


def _durations(obliges: list[Oblige], name: str) -> frozenset[Duration]:
    return frozenset(getattr(o.response, name) for o in obliges)


def _documents(
    old: Mapping[Any, Any], new: Mapping[Any, Any], word: str, fields: Mapping[str, str]
) -> Iterator[Change]:
    """Supporting documents that changed, appeared or went; what they bring about is told with the obligations."""
    for key in sorted({*old} | {*new}):
        title = getattr(new.get(key) or old.get(key), "title", key)
        if key not in old or key not in new:
            if word in {"年历", "督办阶梯"}:
                yield Change("other", "neutral", "", f"{'新增' if key in new else '删去'}{word} {title}")
            continue
        changed = [w for f, w in fields.items() if not same(getattr(old[key], f), getattr(new[key], f))]
        if changed:
            yield Change("other", "neutral", "", f"{word}“{title}”的{'、'.join(changed)}有变化")
