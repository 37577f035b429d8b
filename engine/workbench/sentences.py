"""Rules, measures and tables as Chinese sentences, from the compiled policy alone. Conditions: `wording`."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby

from engine.language.bundle import SUBJECT_KIND
from engine.language.conditions import negated
from engine.language.ir import (
    All,
    Any,
    Basis,
    Compare,
    Condition,
    Constant,
    Count,
    Derivation,
    Known,
    Limit,
    Measure,
    Memorandum,
    Oblige,
    Policy,
    Responded,
    Rule,
    Table,
    Type,
    Validity,
)
from engine.language.legality import possible_kinds
from engine.language.procedures import KINDS as LIST_KINDS
from engine.language.scalars import show
from engine.language.titles import ROLES, SUBJECTS
from engine.workbench.wording import (
    Titles,
    condition_words,
    flattened,
    money_words,
    of_those,
    records_words,
    title_of,
    titles_of,
    value_words,
)

__all__ = [
    "ROLES",
    "SUBJECTS",
    "Titles",
    "basis_words",
    "condition_words",
    "consequence_words",
    "department_words",
    "derivation_words",
    "exception_sentences",
    "kinds_words",
    "limit_words",
    "measure_name",
    "measure_words",
    "numeral",
    "period_words",
    "row_words",
    "rule_sentence",
    "situation_words",
    "terms_words",
    "titles_of",
]

ADVICE: Mapping[str | None, str] = {
    "not-verified": "依据尚未与原文核对，核对以前只是建议，不是应响应事项", "voluntary": "由其自愿决定",
}  # fmt: skip
FEEDBACK: Mapping[str, str] = {
    "monthly": "按月反馈", "quarterly": "按季度反馈", "half-yearly": "每半年反馈", "yearly": "按年反馈",
}  # fmt: skip
NEGATIVE = frozenset({"ne", "not_in", "not_contains"})


def rule_sentence(rule: Rule, memorandum: Memorandum, policy: Policy) -> str:
    """The whole rule: about whom, when, who does what about whom and by when, on which basis, and the exceptions."""
    parts = [consequence_words(consequence, memorandum, policy) for consequence in rule.then]
    head = situation_words(rule, memorandum, policy)
    if len(parts) == 1:
        said = f"{head}，{parts[0]}。"
    else:
        said = f"{head}：" + "；".join(f"（{numeral(n)}）{part}" for n, part in enumerate(parts, 1)) + "。"
    return said + "".join(exception_sentences(rule, memorandum))


def situation_words(rule: Rule, memorandum: Memorandum, policy: Policy) -> str:
    """About whom and when, up to `的`; rules that override this one are left to `exception_sentences`."""
    titles, listed = titles_of(policy, memorandum), policy.lists[memorandum.list]
    parts = _own_parts(rule, memorandum)
    kinds = possible_kinds(All(tuple(parts), rule.span), listed.subjects)
    who = f"列入“{listed.title}”的" + ("主体" if len(kinds) == len(listed.subjects) else kinds_words(kinds))
    parts = [part for part in parts if not _says_kind(part)]
    without = [part for part in parts if _is_exception(part)]
    when = [part for part in parts if part not in without]
    if when:
        who += f"，{of_those(condition_words(All(tuple(when), rule.span), titles))}"
    for part in without:
        who += f"，但{of_those(condition_words(negated(part), titles))}除外"
    return who


def exception_sentences(rule: Rule, memorandum: Memorandum) -> tuple[str, ...]:
    """Which rules go before this one, and the days between which it is in force."""
    others = {other.id: other for other in memorandum.rules}
    found = [f"符合“{others[other].title}”一条的，适用该条，不适用本条。" for other in rule.overridden_by]
    if period := period_words(rule.validity):
        found.append(f"本条{period}。")
    return tuple(found)


def _own_parts(rule: Rule, memorandum: Memorandum) -> list[Condition]:
    """What the rule asks itself, without the exceptions that the compiler put in for the rules overriding it."""
    others = {other.id: other.when for other in memorandum.rules}
    taken: list[Condition] = []
    for other in rule.overridden_by:
        exception = negated(others[other])
        taken += exception.parts if isinstance(exception, All) else [exception]
    parts = flattened(rule.when) if isinstance(rule.when, All) else [rule.when]
    return [part for part in parts if part not in taken]


def _says_kind(part: Condition) -> bool:
    return (
        isinstance(part, Compare)
        and part.left.name == SUBJECT_KIND.name
        and all(isinstance(operand, Constant) for operand in part.right)
    )


def _is_exception(part: Condition) -> bool:
    """Whether a part reads best as `但…的除外`: it denies something, as `unless` does once it is compiled."""
    if isinstance(part, Count):
        return (part.op, part.number) == ("lt", 1)
    if isinstance(part, Compare):
        return part.op == "ne" and part.left.type is Type.BOOLEAN
    signs = [_sign(leaf) for leaf in _leaves(part)] if isinstance(part, Any) else []
    return -1 in signs and 1 not in signs


def _leaves(condition: Condition) -> Iterable[Condition]:
    if isinstance(condition, All | Any):
        for part in condition.parts:
            yield from _leaves(part)
    else:
        yield condition


def _sign(leaf: Condition) -> int:
    """-1 for a test that denies, 1 for one that asserts, 0 for one on a figure, where neither reads better."""
    match leaf:
        case Compare(_, op, right, _):
            if op in {"lt", "lte", "gt", "gte"}:
                return 0
            denies = op in NEGATIVE or (isinstance(right[0], Constant) and right[0].value is False)
            return -1 if denies else 1
        case Known(_, present):
            return 1 if present else -1
        case Count(_, op, number):
            return -1 if (op, number) in {("eq", 0), ("lt", 1)} else 1 if op in {"gt", "gte"} else 0
        case Responded():
            return 1 if leaf.holds else -1
        case _:
            return 0


def consequence_words(
    consequence: Oblige | Limit, memorandum: Memorandum, policy: Policy, *, with_basis: bool = True
) -> str:
    """What follows, without a full stop: departments, duty, measure, target, order, terms and perhaps basis."""
    who = department_words(consequence.by, policy)
    if isinstance(consequence, Limit):
        return f"建议{who}{limit_words(policy.tables[consequence.table], memorandum, policy, with_basis=with_basis)}"
    measure = policy.measures[consequence.measure]
    roles, authority = consequence.target.roles, department_words(measure.authority, policy)
    whom = f"对其{'、'.join(ROLES[role] for role in roles)}" if roles else ""
    what = f"采取{measure_name(measure)}"
    deed = {
        "implement": what,
        "assist": f"协助{authority}{what}",
        "transmit": f"将情况转送{authority}，由其决定是否{what}",
    }[consequence.duty]
    said = f"{who}应当{whom}{deed}" if consequence.advice is None else f"建议{who}{whom}{deed}"
    if consequence.after:
        said += f"，待{''.join(f'“{policy.measures[other].title}”' for other in consequence.after)}办结后开始"
    if consequence.advice is None:
        said += f"，{terms_words(consequence, measure)}"
    notes = [ADVICE[consequence.advice]] if consequence.advice in ADVICE else []
    notes += [f"依据：{basis_words(consequence.basis, policy)}"] if with_basis and consequence.basis else []
    return said + (f"（{'；'.join(notes)}）" if notes else "")


def terms_words(consequence: Oblige, measure: Measure) -> str:
    """By when, and with what, a department answers."""
    terms = consequence.response
    done = "落实" if measure.mode == "standing" else "完成"
    said = f"{terms.accept.words}内接收、{terms.arm.words}内{done}"
    if terms.feedback != "none":
        said += f"，{FEEDBACK[terms.feedback]}"
    if terms.evidence:
        said += "，须附证据"
    if measure.term is not None:
        said += f"，最长实施 {measure.term.words}"
    lifted = measure.mode == "standing" or measure.reversible
    return said + (f"，名单终止后 {terms.lift.words}内解除" if lifted else "")


def limit_words(table: Table, memorandum: Memorandum, policy: Policy, *, with_basis: bool = True) -> str:
    """How a suggested limit comes about, row by row."""
    titles = titles_of(policy, memorandum)
    said = f"参考按“{table.title}”得出的额度"
    if table.limit is not None:
        parts = [title_of(table.outputs[table.limit.amount])]
        parts += [
            f"{title_of(titles.fact(ratio.of, Type.MONEY))}的 {show(Type.RATIO, ratio.basis_points)}"
            for ratio in table.limit.plus
        ]
        said += f"：{'加'.join(parts)}，最低 {money_words(table.limit.floor)}，最高 {money_words(table.limit.cap)}"
    said += f"。其中，{'；'.join(row_words(table, policy))}"
    return said + (f"（依据：{basis_words(table.basis, policy)}）" if with_basis and table.basis else "")


def row_words(table: Table, policy: Policy) -> tuple[str, ...]:
    """Each row of a table as a clause."""
    titles = titles_of(policy, table=table)
    return tuple(
        f"{of_those(condition_words(row.when, titles))}，"
        + "、".join(
            f"{title_of(table.outputs[name])}为{value_words(table.outputs[name], v)}" for name, v in row.then.items()
        )
        for row in table.rows
    )


def derivation_words(derivation: Derivation, titles: Titles) -> str:
    """What a derived fact means, as a sentence."""
    fact = titles.fact(derivation.fact.name, derivation.fact.type)
    head = f"“{title_of(fact)}”"
    if derivation.count is not None:
        within, what = records_words(derivation.count, titles)
        return f"{head}，指{within}{what}的条数。"
    if derivation.truth is not None:
        return f"{head}，指{condition_words(derivation.truth, titles)}。"
    rows = [
        f"{of_those('其余' if choice.when == All((), choice.when.span) else condition_words(choice.when, titles))}，"
        f"为{value_words(fact, choice.value)}"
        for choice in derivation.choices
    ]
    return f"{head}，按先后顺序判定：{'；'.join(rows)}。"


def measure_name(measure: Measure) -> str:
    """A measure in a sentence: its title in quotation marks, and the word 措施 once."""
    return f"“{measure.title}”" + ("" if measure.title.endswith("措施") else "措施")


def kinds_words(kinds: Iterable[str]) -> str:
    """Subject kinds, for a sentence."""
    return "、".join(SUBJECTS[kind] for kind in kinds)


def department_words(departments: Iterable[str], policy: Policy) -> str:
    """The titles of departments, for a sentence."""
    return "、".join(policy.departments[department].title for department in departments)


def measure_words(measure: Measure, policy: Policy) -> str:
    """What a measure is: how it works, who may take it, and where a clerk meets it."""
    kind = {"restrictive": "减损权益", "managerial": "管理性", "voluntary": "自愿性"}[measure.cls]
    mode = "持续实施" if measure.mode == "standing" else "一次完成" + ("" if measure.reversible else "，不再恢复")
    said = f"{LIST_KINDS[measure.kind]}措施，{kind}，{mode}"
    if measure.subjects:
        said += f"，适用于{kinds_words(measure.subjects)}"
    if measure.authority:
        said += f"，只能由{department_words(measure.authority, policy)}作出"
    if measure.directive is not None:
        said += f"，窗口办理“{policy.matters[measure.directive.matter].title}”时核查"
    return said


def basis_words(basis: Iterable[Basis], policy: Policy) -> str:
    """Legal bases, the articles of one law together."""
    ordered = [(law, [b.article for b in group]) for law, group in groupby(basis, key=lambda b: b.law)]
    return "；".join(
        f"《{policy.laws[law].title}》" + "、".join(a for a in dict.fromkeys(articles) if a != "全文")
        for law, articles in ordered
    )


def period_words(validity: Validity) -> str:
    """The days of a validity, empty when it is unbounded."""
    start = f"自 {validity.start} 起" if validity.start else ""
    end = f"至 {validity.end} " if validity.end else ""
    return f"{start}{end}有效" if start or end else ""


def numeral(number: int) -> str:
    """1–9999 as Chinese numerals: 一, 十, 二十一, 一百零三, 一千二百六十."""
    digits, said, rest, skipped = "零一二三四五六七八九", "", number, False
    for size, unit in ((1000, "千"), (100, "百"), (10, "十"), (1, "")):
        digit, rest = divmod(rest, size)
        if digit:
            said += ("零" if said and skipped else "") + digits[digit] + unit
        skipped = not digit
    return said.removeprefix("一") if said.startswith("一十") else said
