"""Procedures, measures and decisions drawn at random, for the procedure machine."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeVar

from hypothesis import strategies as st

from engine.decision.model import Decision, Owed
from engine.language.ir import Duration, Ladder, Objection, Policy, Procedure, Publicity, Repair, Rung, Term, Upstream
from tests.casework.build import DAY, HERE
from tests.casework.desk import MEASURES, days, decision_on, months, policy_with
from tests.decision.build import PROCEDURE as NO_STAGES

T = TypeVar("T")
RELATED = {"r1": "principal", "r2": "legal-representative"}
UPSTREAM_DAYS = {
    "notice": DAY - dt.timedelta(40),
    "decision": DAY - dt.timedelta(20),
    "service": DAY - dt.timedelta(10),
}
PROVED = {f"{stage}_date": day.toordinal() for stage, day in UPSTREAM_DAYS.items()} | {"decision_number": "县列1号"}
HERE_OR_NOT, THERE_OR_NOT = ("house", "none"), ("upstream", "none")
LADDERS = (
    None,
    Ladder("steep", "督办", True, tuple(Rung("remind", "提醒", days(n), (), HERE) for n in (1, 3, 5)), HERE),
    Ladder("short", "督办", True, (Rung("report", "通报", days(2), ("dept9",), HERE),), HERE),
)
KINDS = {**MEASURES, "favour": replace(MEASURES["standing"], id="favour", kind="incentive")}


def one_of(*options: T) -> st.SearchStrategy[T]:
    """Any of these."""
    return st.sampled_from(options)


@st.composite
def procedures(draw: st.DrawFn) -> Procedure:
    """A procedure as the language allows it: what follows on a stage in house is not done before filing."""
    decision = draw(one_of("house", "house", "house", "upstream", "none"))
    notice = draw(one_of("house", "house", "upstream", "none")) if decision == "house" else draw(one_of(*THERE_OR_NOT))
    service = draw(one_of(*HERE_OR_NOT)) if decision == "house" else draw(one_of(*THERE_OR_NOT))
    places = {"notice": notice, "decision": decision, "service": service}
    house = decision == "house"
    return replace(
        NO_STAGES,
        upstream={
            stage: Upstream(f"{stage}_date", "decision_number" if stage == "decision" else None, None, HERE)
            for stage, place in places.items()
            if place == "upstream"
        },
        notice=notice == "house",
        statement=draw(one_of(None, days(3), Duration(10, "days"))),
        hearing_request=draw(one_of(None, days(5))),
        hearing_notice=draw(one_of(None, days(7))),
        pre_publicity=draw(one_of(None, days(5))) if house and notice != "house" else None,
        decision=house,
        decided_by=draw(one_of((), (), ("dept9",))) if house else (),
        service=days(7) if service == "house" else None,
        publicity=draw(publicities()),
        term=draw(terms()),
        repair=draw(one_of(None, Repair(None, (), days(3), days(10), None),
                           Repair(months(6), ("corrected",), days(3), days(10), days(10)))),
        objection=Objection(days(3), days(7), days(3), suspends=draw(st.booleans())),
        ends=draw(one_of({}, {"expiry": days(1), "performance": days(5)})),
    )  # fmt: skip


def publicities() -> st.SearchStrategy[Publicity]:
    """A publicity clock."""
    return st.builds(
        Publicity, one_of(True, True, False), one_of(None, days(7), days(7)), one_of(None, months(3)),
        one_of(None, months(6), months(12)),
        st.just(()), st.just(()),
    )  # fmt: skip


def terms() -> st.SearchStrategy[Term]:
    """A listing clock."""
    return st.builds(
        Term, one_of(None, months(9), Duration(2, "years")), one_of(None, ("wrong", ("unpaid",))), st.none()
    )


class Versions(dict[str, Policy]):
    """Policies by version; a failing example shows what was drawn of them."""

    def __repr__(self) -> str:
        shown = {v: (p.lists["list"].procedure, list(p.ladders)) for v, p in self.items()}
        return f"{shown}"


@st.composite
def policies(draw: st.DrawFn) -> Versions:
    """Two versions of a policy whose lists differ in their clocks, not in their stages."""
    ladder, first = draw(one_of(*LADDERS)), draw(procedures())
    second = replace(first, publicity=draw(publicities()), term=draw(terms()))
    both = {"v1": first, "v2": second}
    return Versions({v: replace(policy_with(p, version=v, ladder=ladder), measures=KINDS) for v, p in both.items()})


class Universe(tuple[Owed, ...]):
    """Obligations that decisions of one case choose from; a failing example shows what needs what."""

    __slots__ = ()

    def __repr__(self) -> str:
        return f"{ {o.key: o.after for o in self} }"


@st.composite
def universes(draw: st.DrawFn) -> Universe:
    """Obligations each needing some of those before it."""
    made: dict[str, Owed] = {}
    for _ in range(draw(st.integers(3, 8))):
        measure, department = draw(one_of(*sorted(KINDS))), draw(one_of("dept1", "dept2", "dept3"))
        target = draw(one_of("s", "s", "r1", "r2"))
        key = Owed.key_for(measure, department, target)
        after = draw(st.lists(one_of(*made), max_size=2, unique=True)) if made else []
        role = RELATED.get(target, "subject")
        made.setdefault(key, Owed(key, measure, department, target, role, (), (), "implement", tuple(after)))
    return Universe(made.values())


def chosen(universe: Sequence[Owed], bits: int, version: str, *, unpaid: bool) -> Decision:
    """The decision that owes those obligations whose bits are set."""
    owed = [o for n, o in enumerate(universe) if bits >> n & 1]
    return decision_on(*owed, values={**PROVED, "wrong": "unpaid" if unpaid else "paid"}, version=version)
