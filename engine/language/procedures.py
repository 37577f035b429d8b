"""Every list's procedure as a page for people: stages, clocks, remedies, and where each comes from."""

from __future__ import annotations

import re
from collections.abc import Iterator

from engine.language.build_procedure import GROUNDS, STAGES, in_house
from engine.language.ir import Duration, Ladder, ListDef, Policy, Procedure, Stage
from engine.language.raw_procedure import REQUIREMENTS

KINDS = {"incentive": "激励", "sanction": "惩戒", "watch": "重点关注"}
HEADING = """# 名单的程序

由 `xinheng procedures --out docs/procedures.md` 按随附的政策生成，不要手改。
“本系统”：在本系统办理，缺一步就走不下去；“申报前”：申报单位已经办完，由名单的必填事实证明；“—”：没有这一阶段。
期限自括号中所写之日起算；没有写解除时限的事由，按各项措施自己的时限。
"""
NOTHING = "—"


def as_page(policy: Policy) -> str:
    """The page on all lists and ladders of a policy, in Markdown."""
    lists = [listed for _, listed in sorted(policy.lists.items())]
    parts = [HEADING, _overview(lists), *(_section(listed, policy) for listed in lists)]
    if policy.ladders:
        parts.append(_ladders(policy))
    return "\n".join(parts)


def _overview(lists: list[ListDef]) -> str:
    columns = [*STAGES.values(), "认定前公示", "公示", "列入期限", "修复"]
    rows = [
        [
            f"[{listed.title}](#{listed.id})",
            *(_where(listed.procedure, stage) for stage in STAGES),
            _words(listed.procedure.pre_publicity),
            _shown(listed.procedure),
            _term(listed.procedure),
            "有" if listed.procedure.repair else NOTHING,
        ]
        for listed in lists
    ]
    return _table(["名单", *columns], rows)


def clocks(listed: ListDef, policy: Policy) -> list[tuple[str, str, str]]:
    """Title, content and source of each stage, clock and remedy that a list has; ids stand in backquotes."""
    sources = listed.procedure.sources
    rows = _rows(listed, policy)
    return [(title, detail, sources.get(key, "")) for key, title, detail in rows if detail != NOTHING]


def _section(listed: ListDef, policy: Policy) -> str:
    severe = "，严重失信主体名单" if listed.severe else ""
    filed = "、".join(policy.departments[d].title for d in listed.filed_by)
    rows = [[title, detail, _cell(source)] for title, detail, source in clocks(listed, policy)]
    head = f'<a id="{listed.id}"></a>\n\n## {listed.title}\n'
    about = f"`{listed.id}`：{KINDS[listed.kind]}{severe}。发起：{filed}。\n"
    return "\n".join([head, about, _table(["阶段或时限", "内容", "出处"], rows)])


def _rows(listed: ListDef, policy: Policy) -> Iterator[tuple[str, str, str]]:
    """Key of the source, title and content of each row of a list's table."""
    procedure = listed.procedure
    for stage, title in STAGES.items():
        yield stage, title, _stage(stage, listed, policy)
    if procedure.pre_publicity:
        yield "pre_publicity", "认定前公示", f"本系统：至少 {procedure.pre_publicity.words}"
    yield "publicity", "公示（自决定之日）", "；".join(_publicity(procedure, policy))
    yield "term", "列入期限（自决定之日）", "；".join(_term_parts(listed))
    yield "repair", "信用修复", "；".join(_repair(procedure))
    objection = procedure.objection
    yield (
        "objection",
        "异议",
        f"自办 {objection.own.words}，须核查 {objection.verify.words}，提供单位 {objection.provider.words}；"
        + ("异议期间措施暂停" if objection.suspends else "不停止执行"),
    )
    lifted = [f"{GROUNDS[ground]} {duration.words}内" for ground, duration in procedure.ends.items()]
    yield "ends", "结束后解除措施", "；".join(lifted) or "按各项措施的时限"
    ladder = procedure.ladder or next((i for i, found in policy.ladders.items() if found.default), None)
    if ladder is not None:
        yield "ladder", "逾期督办", f"{policy.ladders[ladder].title}（`{ladder}`）"
    if "procedure" in procedure.sources:
        yield "procedure", "其他", "见出处"


def _where(procedure: Procedure, stage: Stage) -> str:
    if stage in procedure.upstream:
        return "申报前"
    return "本系统" if stage in in_house(procedure) else NOTHING


def _stage(stage: Stage, listed: ListDef, policy: Policy) -> str:
    procedure = listed.procedure
    if (before := procedure.upstream.get(stage)) is not None:
        proofs = [listed.facts[name].title for name in (before.date, before.number, before.proof) if name]
        return f"申报前：以{'、'.join(proofs)}证明"
    detail = {
        "notice": "书面告知" if procedure.notice else "",
        "statement": f"告知后 {_words(procedure.statement)}内",
        "hearing": f"告知后 {_words(procedure.hearing_request)}内要求"
        + (f"，举行 {procedure.hearing_notice.words}前通知" if procedure.hearing_notice else ""),
        "decision": "由"
        + ("、".join(policy.departments[d].title for d in procedure.decided_by) or "发起部门")
        + "作出",
        "service": f"决定后 {_words(procedure.service)}内",
    }
    return f"本系统：{detail[stage]}" if _where(procedure, stage) == "本系统" else NOTHING


def _shown(procedure: Procedure) -> str:
    shown = procedure.publicity
    if not shown.public:
        return "不公示"
    if shown.maximum is None:
        return "至名单结束"
    return f"{shown.minimum.words}至 {shown.maximum.words}" if shown.minimum else f"最长 {shown.maximum.words}"


def _publicity(procedure: Procedure, policy: Policy) -> Iterator[str]:
    shown = procedure.publicity
    yield _shown(procedure)
    if shown.minimum and not shown.public:
        yield f"满 {shown.minimum.words}方可修复"
    if shown.within:
        yield f"{shown.within.words}内公示"
    if shown.channels:
        yield "渠道：" + "、".join(f"`{channel}`" for channel in shown.channels)
    for limit in shown.limits:
        allowed = [f"最短 {limit.minimum.words}"] if limit.minimum else []
        allowed += [f"最长 {limit.maximum.words}"] if limit.maximum else []
        article = "" if limit.article in {None, "全文"} else limit.article
        yield f"《{policy.laws[limit.law].title}》{article}：{'、'.join(allowed)}"


def _term(procedure: Procedure) -> str:
    length = procedure.term.length
    until = "或至履行完毕" if procedure.term.until_performed else ""
    return (length.words if length else "无固定期限") + until


def _term_parts(listed: ListDef) -> Iterator[str]:
    term = listed.procedure.term
    yield term.length.words if term.length else "无固定期限"
    if term.until_performed:
        fact, values = term.until_performed
        yield f"{listed.facts[fact].title}为 {'、'.join(f'`{value}`' for value in values)} 的，至履行完毕"
    if term.extension:
        yield f"最多延长 {term.extension.words}"


def _repair(procedure: Procedure) -> Iterator[str]:
    repair = procedure.repair
    if repair is None:
        yield NOTHING
        return
    yield f"满 {repair.after.words}方可申请" if repair.after else "随时可以申请"
    if repair.requires:
        yield "须证明" + "、".join(REQUIREMENTS[word] for word in repair.requires)
    extended = f"，复杂的延长一次 {repair.extend.words}" if repair.extend else ""
    yield f"{repair.accept.words}内决定受理，受理后 {repair.decide.words}内办结{extended}"


def _ladders(policy: Policy) -> str:
    rows = [
        [
            f"{ladder.title}（`{ladder.id}`）" + ("，缺省" if ladder.default else ""),
            f"逾期 {rung.after.words}",
            rung.title,
            "、".join(policy.departments[d].title for d in rung.to) or "逾期的部门",
        ]
        for ladder in _sorted(policy)
        for rung in ladder.rungs
    ]
    return f"## 逾期督办\n\n{_table(['阶梯', '何时', '做什么', '告知谁'], rows)}"


def _sorted(policy: Policy) -> list[Ladder]:
    return sorted(policy.ladders.values(), key=lambda ladder: (not ladder.default, ladder.id))


def _words(duration: Duration | None) -> str:
    return duration.words if duration else NOTHING


def _cell(text: str) -> str:
    """A text on one line, without the blanks that folding a YAML scalar leaves behind Chinese punctuation."""
    return re.sub(r"(?<=[，。；：、）])\s+", "", text).replace("|", "\\|")


def _table(columns: list[str], rows: list[list[str]]) -> str:
    lines = [columns, ["---"] * len(columns), *rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)
