"""Whether a measure may be owed, may only be advised, or may not be imposed at all, and why.

A restrictive sanction (减损权益) needs a basis in a law, an administrative regulation, a central policy document or a
provincial regulation that is in force all the time and reaches list, subjects and related roles
(国办发〔2020〕49号 第三部分).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from engine.language.ir import (
    SUBJECT_KINDS,
    All,
    Any,
    Basis,
    Compare,
    Condition,
    Constant,
    Known,
    Law,
    Measure,
    Span,
    Validity,
)

HIGH_ENOUGH = frozenset({"law", "administrative-regulation", "central-policy", "provincial-regulation"})
LEVEL_TITLES: Mapping[str, str] = {
    "law": "法律", "administrative-regulation": "行政法规", "central-policy": "中央政策文件",
    "provincial-regulation": "省级法规", "judicial-interpretation": "司法解释", "department-rule": "部门规章",
    "normative-document": "规范性文件", "memorandum": "备忘录",
}  # fmt: skip
Truth = bool | None


@dataclass(frozen=True, slots=True)
class Situation:
    """Where a measure is to be used: on which list, for which kinds and roles, on which days."""

    list: str
    kinds: tuple[str, ...]
    roles: tuple[str, ...]
    period: Validity


@dataclass(frozen=True, slots=True)
class Assessment:
    """The outcome for one consequence.

    `code` names what is wrong; `tried` says for each basis why it does not carry.
    """

    measure: str
    span: Span
    advice: str | None
    carried: tuple[Basis, ...]
    code: str | None = None
    tried: tuple[str, ...] = ()


def assess(
    measure: Measure,
    bases: Sequence[Basis],
    laws: Mapping[str, Law],
    situation: Situation,
    span: Span,
    *,
    advised: bool,
) -> Assessment:
    """What `bases` (of clause, rule and measure, in this order) allow for `measure` in `situation`."""
    restrictive = measure.cls == "restrictive" and measure.kind == "sanction"
    failures = {basis: shortcomings(basis, laws, situation, restrictive=restrictive) for basis in bases}
    good = tuple(basis for basis, why in failures.items() if not why)
    verified = tuple(basis for basis in good if basis.verified)
    optional = advised or (measure.cls == "voluntary" and measure.kind == "sanction")
    code = None
    if not good and not optional:
        code = "XH120" if not bases else "XH121" if restrictive else "XH122"
    tried = tuple(f"{_cite(basis, laws)}：{'；'.join(why)}" for basis, why in failures.items() if why)
    if advised:
        advice: str | None = "advised"
    elif measure.cls == "voluntary":
        advice = "voluntary"
    else:
        advice = None if verified or measure.kind == "incentive" else "not-verified"
    return Assessment(measure.id, span, advice, verified or good or tuple(bases), code, tried)


def shortcomings(basis: Basis, laws: Mapping[str, Law], situation: Situation, *, restrictive: bool) -> list[str]:
    """Why a basis does not carry a measure, in Chinese; empty if it does."""
    law = laws[basis.law]
    why: list[str] = []
    if restrictive and law.level not in HIGH_ENOUGH:
        why.append(f"层级为{LEVEL_TITLES[law.level]}，不足以减损权益")
    if restrictive and not law.validity.contains(situation.period):
        why.append(f"有效期为{_period(law.validity)}，不及规则有效的每一天（{_period(situation.period)}）")
    elif not restrictive and not overlap(law.validity, situation.period):
        why.append(f"有效期为{_period(law.validity)}，规则有效时（{_period(situation.period)}）无一日有效")
    if basis.lists and situation.list not in basis.lists:
        why.append(f"只及于名单 {'、'.join(basis.lists)}，不及于 {situation.list}")
    if basis.subjects and (missing := [k for k in situation.kinds if k not in basis.subjects]):
        why.append(f"不及于主体种类 {'、'.join(missing)}")
    if missing := [r for r in situation.roles if r not in basis.roles]:
        why.append(f"不及于关联人 {'、'.join(missing)}")
    return why


def overlap(one: Validity, other: Validity) -> bool:
    """Whether two periods share a day."""
    return (one.start is None or other.end is None or one.start <= other.end) and (
        other.start is None or one.end is None or other.start <= one.end
    )


def duty(measure: Measure, department: str, filed_by: Iterable[str]) -> str:
    """What `department` does: implement by its own power, assist the initiator whose power it is, or only transmit."""
    if not measure.authority or department in measure.authority:
        return "implement"
    return "assist" if set(filed_by) <= set(measure.authority) else "transmit"


def possible_kinds(condition: Condition, kinds: Iterable[str]) -> tuple[str, ...]:
    """The subject kinds for which `condition` is not certainly false."""
    return tuple(kind for kind in kinds if truth_for_kind(condition, kind) is not False)


def truth_for_kind(condition: Condition, kind: str) -> Truth:
    """Kleene truth when nothing but the subject's kind is known."""
    match condition:
        case All(parts):
            truths = [truth_for_kind(p, kind) for p in parts]
            return False if False in truths else None if None in truths else True
        case Any(parts):
            truths = [truth_for_kind(p, kind) for p in parts]
            return True if True in truths else None if None in truths else False
        case Known(fact, present) if fact.name == "subject.kind":
            return present
        case Compare(left, op, right) if left.name == "subject.kind":
            values = [o.value for o in right if isinstance(o, Constant)]
            if len(values) != len(right):
                return None
            return (kind in values) is (op in {"eq", "in"})
        case _:
            return None


def describe_kinds(kinds: Sequence[str]) -> str:
    """Subject kinds for a message."""
    return "所有主体" if set(kinds) == set(SUBJECT_KINDS) else "、".join(kinds)


def _cite(basis: Basis, laws: Mapping[str, Law]) -> str:
    return f"《{laws[basis.law].title}》{basis.article}（{basis.span}）"


def _period(validity: Validity) -> str:
    start = f"{validity.start} 起" if validity.start else "一直"
    return f"{start}至 {validity.end}" if validity.end else (start if validity.start else "不限")
