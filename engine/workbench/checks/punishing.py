"""Restrictions that nobody confirms by name, and one conduct punished twice in kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any as Anything

import z3

from engine.decision.model import Facts
from engine.language.build_procedure import in_house
from engine.language.ir import ADVERSE, Policy, Type
from engine.workbench.findings import Finding, finding, owing
from engine.workbench.views import Due, ListView

Kind = tuple[str, str, str, str]
MANAGERIAL_ITEMS = frozenset(
    {
        "限制申请财政性资金项目",
        "限制参加评先评优",
        "限制享受优惠政策和便利措施",
        "纳入重点监管范围",
        "推送政府采购、招标等相关部门参考",
    }
)
"""What the national base list of sanctions (全国失信惩戒措施基础清单) counts as management, not as loss of rights."""


def check(view: ListView) -> Iterator[Finding]:
    """Findings about the sanctions of one list."""
    if view.list.kind != "incentive":
        yield from _unconfirmed(view)
        yield from _twice_on_one_list(view)


def _unconfirmed(view: ListView) -> Iterator[Finding]:
    """A refusal declared managerial escapes confirmation, unless the national list has it so; no decision, no name."""
    decided = "decision" in in_house(view.list.procedure) or "decision" in view.list.procedure.upstream
    told: set[str] = set()
    for due in view.dues:
        measure = due.measure
        refuses = measure.directive is not None and measure.directive.effect == "refuse"
        escapes = refuses and measure.cls == "managerial" and measure.base_list_item not in MANAGERIAL_ITEMS
        nobody = measure.cls == "restrictive" and not decided
        owed = due.oblige.advice is None and due.oblige.duty == "implement" and measure.kind == "sanction"
        if not owed or not (escapes or nobody) or measure.id in told:
            continue
        case = owing(view, [due], question=f"“{measure.title}”是否不经具名的人确认即实施")
        if isinstance(case, Finding):
            told.add(measure.id)
            yield case
        elif case is not None:
            told.add(measure.id)
            why = (
                "拒绝办理，却定为管理性措施（managerial），不经具名的人确认即实施"
                if escapes
                else f"减损权益，而名单 {view.list.id} 没有作出决定的阶段，列入无人具名负责"
            )
            notes = (f"措施在 {measure.span}", f"名单在 {view.list.span}")
            yield finding(view.policy, "XH209", due.oblige.span, f"“{measure.title}”{why}", [case], notes=notes)


def _twice_on_one_list(view: ListView) -> Iterator[Finding]:
    """Two memoranda for one list, one department, one person, one matter, one effect, and two measures."""
    groups: defaultdict[Kind, list[Due]] = defaultdict(list)
    for due in view.dues:
        if (kind := _in_kind(due)) is not None:
            groups[kind].append(due)
    told: set[tuple[str, str]] = set()
    for dues in groups.values():
        for one in dues:
            for other in dues:
                pair = (one.measure.id, other.measure.id)
                apart = one.firing.memorandum.id < other.firing.memorandum.id and pair[0] != pair[1]
                if not apart or pair in told:
                    continue
                question = f"“{one.measure.title}”与“{other.measure.title}”是否就同一行为对同一人采取"
                case = owing(view, [one, other], question=question)
                if case is not None:
                    told.add(pair)
                    yield case if isinstance(case, Finding) else _twice(view.policy, one, other, [case])


def check_lists(views: Mapping[str, ListView]) -> Iterator[Finding]:
    """Two sanction lists of one department, and the same conduct among the facts of both: no measure from each."""
    sanctions = [v for v in views.values() if v.list.kind == "sanction"]
    for number, one in enumerate(sanctions):
        for other in sanctions[number + 1 :]:
            if set(one.list.filed_by) & set(other.list.filed_by) and set(one.list.subjects) & set(other.list.subjects):
                told: set[str] = set()
                for conduct, mine, theirs in _shared(one, other):
                    yield from _twice_on_two(one, other, conduct, mine, theirs, told)


def _shared(one: ListView, other: ListView) -> Iterator[tuple[str, Anything, Anything]]:
    """Values of enums that both lists know by one title: the title, and the formula of either list."""
    titles: dict[str, Anything] = dict(_conducts(one))
    for title, formula in _conducts(other):
        if title in titles:
            yield title, titles[title], formula


def _conducts(view: ListView) -> Iterator[tuple[str, Anything]]:
    for name, fact in view.list.facts.items():
        cell = view.situation.base[name]
        for value in fact.values if fact.type is Type.ENUM and fact.required else ():
            yield fact.titles.get(value, value), z3.And(cell.present, cell.value == view.world.text(value))


def _twice_on_two(
    one: ListView, other: ListView, conduct: str, mine: Anything, theirs: Anything, told: set[str]
) -> Iterator[Finding]:
    """What both lists bring about for one conduct; measures in `told` have been reported for another one."""
    twins: defaultdict[Kind, list[Due]] = defaultdict(list)
    for due in other.dues:
        if (kind := _in_kind(due)) is not None:
            twins[kind].append(due)
    for due in one.dues:
        for twin in twins[kind] if (kind := _in_kind(due)) is not None else ():
            if twin.measure.id in told:
                continue
            question = f"“{conduct}”是否在两个名单上受到“{due.measure.title}”和“{twin.measure.title}”"
            first = owing(one, [due], mine, question=question)
            if first is None or isinstance(first, Finding):
                second: Facts | Finding | None = first
            else:
                same = other.situation.kind == other.world.text(first.subject_kind)
                second = owing(other, [twin], theirs, same, question=question)
            if isinstance(second, Finding):
                told.add(twin.measure.id)
                yield second
            elif isinstance(first, Facts) and second is not None:
                told.add(twin.measure.id)
                yield _twice(one.policy, due, twin, [first, second], conduct)


def _twice(policy: Policy, one: Due, other: Due, witness: list[Facts], conduct: str | None = None) -> Finding:
    department = policy.departments[one.department].title
    once = f"“{conduct}”可以列入两个名单，" if conduct else "一次列入，两份备忘录使"
    both = f"既采取“{one.measure.title}”又采取“{other.measure.title}”"
    if one.measure.id == other.measure.id:
        both = f"两次采取“{one.measure.title}”"
    matter = other.measure.directive.matter if other.measure.directive else ""
    message = f"{once}{department}就事项“{policy.matters[matter].title}”对同一人{both}"
    notes = (f"前一项在 {one.oblige.span}",)
    return finding(policy, "XH210", other.oblige.span, message, witness, notes=notes)


def _in_kind(due: Due) -> Kind | None:
    """What makes two sanctions the same in kind: matter, effect, department, and the person's role."""
    directive = due.measure.directive
    if directive is None or directive.effect not in ADVERSE or due.oblige.advice is not None:
        return None
    return directive.matter, directive.effect, due.department, due.role
