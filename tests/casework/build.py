"""A small policy and decisions for casework, built by hand."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence

from engine.casework import decide, fold
from engine.casework.commands import Command, FileCase
from engine.casework.model import Actor, Case
from engine.decision.model import Decision, Owed
from engine.language.ir import (
    Calendar,
    Department,
    Duration,
    ListDef,
    Measure,
    Policy,
    ResponseTerms,
    Span,
    Validity,
)
from tests.decision.build import PROCEDURE, facts_of

HERE = Span("built.yaml", 1, 1)
DAY = dt.date(2026, 3, 2)
INITIATOR = "tax"
DEPARTMENTS = ("tax", *(f"dept{n}" for n in range(60)))
TERMS = ResponseTerms(
    Duration(3, "working days"), Duration(10, "working days"), Duration(3, "working days"), "quarterly", False
)
CALENDARS: Mapping[int, Calendar] = {
    2026: Calendar(2026, frozenset({dt.date(2026, 4, 6)}), frozenset(), False, "test", HERE)
}


def measure_of(
    name: str,
    *,
    mode: str = "standing",
    restrictive: bool = False,
    reversible: bool = True,
    evidence: bool = False,
    feedback: str = "quarterly",
    term: Duration | None = None,
) -> Measure:
    """A sanction measure."""
    terms = ResponseTerms(TERMS.accept, TERMS.arm, TERMS.lift, feedback, evidence)  # type: ignore[arg-type]
    return Measure(
        id=name, title=f"措施 {name}", kind="sanction", cls="restrictive" if restrictive else "managerial",
        nature="administrative", mode=mode, reversible=reversible, subjects=(), authority=(), directive=None,  # type: ignore[arg-type]
        steps=(), response=terms, basis=(), base_list_item=None, term=term, ladder=None, validity=Validity(), span=HERE,
    )  # fmt: skip


MEASURES: Mapping[str, Measure] = {
    m.id: m
    for m in (
        measure_of("standing"),
        measure_of("restrictive", restrictive=True, evidence=True),
        measure_of("publish", mode="one-shot", feedback="none"),
        measure_of("withdraw", mode="one-shot", reversible=False, feedback="none"),
    )
}


def policy() -> Policy:
    """Sixty departments, four measures, one list filed by the tax office."""
    departments = {
        name: Department(name, f"部门{name}", "county", "administrative", (), Validity(), HERE) for name in DEPARTMENTS
    }
    gone = Department("gone", "已撤并的局", "county", "administrative", (), Validity(end=dt.date(2019, 1, 1)), HERE)
    listed = ListDef(
        "list", "严重失信主体名单", "sanction", True, (INITIATOR,), (), {}, PROCEDURE, (), Validity(), HERE
    )
    return Policy(
        "v1", {}, {**departments, "gone": gone}, {}, {"list": listed}, MEASURES, {}, {}, {}, CALENDARS, {}, (), {}
    )


POLICY = policy()


def owed(measure: str, department: str, after: Sequence[str] = (), target: str = "s") -> Owed:
    """An obligation as decided."""
    return Owed(
        Owed.key_for(measure, department, target),
        measure,
        department,
        target,
        "subject",
        (),
        (),
        "implement",
        tuple(after),
    )


def decision_of(obligations: Sequence[Owed]) -> Decision:
    """A decision that owes `obligations`."""
    ordered = tuple(sorted(obligations, key=lambda o: o.key))
    return Decision("v1", facts_of({}), ordered, (), (), (), (), ())


def run(case: Case | None, command: Command) -> Case:
    """The case after `command`."""
    return fold(decide(case, command, POLICY, CALENDARS), case)


def filed(*obligations: Owed) -> Case:
    """A case filed on `DAY`."""
    return run(None, FileCase(Actor(INITIATOR, "王芳"), DAY, "c1", decision_of(obligations)))


def by(department: str) -> Actor:
    """An officer of a department."""
    return Actor(department, "李明")


def only(case: Case, measure: str, department: str) -> str:
    """Id of the obligation of a department."""
    return next(o.id for o in case.obligations.values() if (o.measure, o.department) == (measure, department))
