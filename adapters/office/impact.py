"""What another policy would do to the cases in the ledger, worked out by the migration itself. Nothing is written.

Subjects appear by their opaque ids alone.
"""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from sqlalchemy import Connection, select

from adapters.ledger.database import read
from adapters.ledger.tables import cases, limits
from adapters.office.errors import UndecidedError
from adapters.office.impact_model import (
    Counts,
    DepartmentImpact,
    Impact,
    LimitImpact,
    ListImpact,
    OwedImpact,
    StayingCase,
    added,
)
from adapters.office.migrating import Carried, StaysError, carry, following, known
from adapters.office.ports import Context
from adapters.office.process import refreshed
from engine.casework.changing import difference
from engine.casework.events import Event
from engine.casework.model import SYSTEM, Actor, Case
from engine.language.ir import Policy
from engine.workbench.backlog import Load, Tally, pending

Progress = Callable[[int, int], None]
NOBODY = Actor(SYSTEM, "影响测算")
REASON = "影响测算"


def impact(
    context: Context,
    before: Policy | None,
    after: Policy,
    *,
    day: dt.date | None = None,
    days: int = 30,
    only_following: bool = False,
    progress: Progress | None = None,
) -> Impact:
    """Take every live case under `after` on a day, case by case.

    Args:
        context: the office's means.
        before: the policy that the cases are taken to go by; None for the one that each goes by.
        after: the policy that they would be brought under.
        day: when, by default today; the facts are those of today.
        days: how many days from then on the load is reckoned for.
        only_following: leave cases as they are that do not follow a new policy by themselves.
        progress: called with how many cases are done and how many there are.

    """
    today = context.today()
    day = day or today
    counting = _Counting(context, before, after, today, day, days, only_following=only_following)
    with read(context.engine) as conn:
        standing = select(cases.c.id).where(cases.c.state != "closed").order_by(cases.c.id)
        names = list(conn.execute(standing).scalars())
    for number, name in enumerate(names):
        if progress is not None:
            progress(number, len(names))
        counting.take(name)
    if progress is not None:
        progress(len(names), len(names))
    return counting.result()


@dataclass(slots=True)
class _PerList:
    cases: int = 0
    changed: int = 0
    refused: int = 0
    sooner: int = 0
    later: int = 0


Owing = tuple[str, str, str]
"""List, measure, department."""


class _Counting:
    """Counts up one case after the other; keeps numbers and ids, never a case."""

    def __init__(
        self,
        context: Context,
        before: Policy | None,
        after: Policy,
        today: dt.date,
        day: dt.date,
        days: int,
        *,
        only_following: bool,
    ) -> None:
        self.context, self.before, self.after = context, before, after
        self.today, self.day, self.days = today, day, days
        self.follows = following(after, day)
        self.only_following = only_following
        with read(context.engine) as conn:
            self.current = context.policies.current(conn, context.now())
        self.lists: defaultdict[str, _PerList] = defaultdict(_PerList)
        self.owed: dict[Owing, Counts] = {}
        self.limits: dict[str, LimitImpact] = {}
        self.staying: list[StayingCase] = []
        self.subjects: set[str] = set()
        self.touched: set[str] = set()
        self.restricted: tuple[set[str], set[str]] = (set(), set())
        self.desks = (Tally(day, days), Tally(day, days))
        self.titles: dict[tuple[str, str], str] = {}

    def take(self, name: str) -> None:
        """One case."""
        with read(self.context.engine) as conn:
            case, header, facts = known(conn, name)
            own = self.context.policies.get(case.policy, conn)
            limits_now = _stored_limits(conn, name)
            fresh = {
                policy.version: refreshed(conn, self.context, policy, case, facts)
                for policy in (self.before, self.after)
                if policy is not None
            }
        if case.state in {"lifting", "closed"}:  # closed since it was looked up
            self._queue(case, own, case, own)
            return
        self.titles.setdefault(("lists", case.list), header.list_title)
        self.subjects.add(case.subject)
        self.lists[case.list].cases += 1
        events: tuple[Event, ...] = ()
        moved, under, limits_then = case, own, limits_now
        try:
            if self.before is not None and self.before.version != case.policy:
                found = carry(
                    self.context, self.before, case, facts, fresh[self.before.version], NOBODY, self.today, REASON
                )
                case, own, limits_now = found.after, self.before, _suggested(found)
                moved, under, limits_then = case, own, limits_now
            if case.policy != self.after.version and (case.list in self.follows or not self.only_following):
                found = carry(
                    self.context, self.after, case, facts, fresh[self.after.version], NOBODY, self.day, REASON
                )
                moved, under, limits_then = found.after, self.after, _suggested(found)
                events = found.happened
        except (StaysError, UndecidedError) as error:
            why = str(error) if isinstance(error, StaysError) else "两个引擎未得出同一决定"
            self.lists[case.list].refused += 1
            self.staying.append(StayingCase(case.id, case.list, header.list_title, why))
        self._restrict(case, moved)
        self._queue(case, own, moved, under)
        changes = [self._owe(moved, own, events), self._limit(limits_now, limits_then), self._clocks(case, moved)]
        if any(changes):
            self.lists[case.list].changed += 1
            self.touched.add(case.subject)

    def _owe(self, moved: Case, own: Policy, events: tuple[Event, ...]) -> bool:
        found = False
        for change, names in zip((Counts(1), Counts(0, 1), Counts(0, 0, 1)), difference(events), strict=True):
            for o in map(moved.obligations.__getitem__, names):
                key = (moved.list, o.measure, o.department)
                self.owed[key] = added((self.owed.get(key, Counts()), change))
                self._name("measures", o.measure, own)
                self._name("departments", o.department, own)
                found = True
        return found

    def _name(self, kind: str, key: str, own: Policy) -> str:
        if (kind, key) not in self.titles:
            document = next((d for p in (self.after, own, self.current) if (d := getattr(p, kind).get(key))), None)
            self.titles[kind, key] = document.title if document is not None else key
        return self.titles[kind, key]

    def _limit(self, before: Mapping[str, int], after: Mapping[str, int]) -> bool:
        for table in {table for table in before.keys() | after.keys() if before.get(table) != after.get(table)}:
            was, now = before.get(table), after.get(table)
            counted = self.limits.get(table) or LimitImpact(table, self._name("tables", table, self.current))
            what = "granted" if was is None else "withdrawn" if now is None else "raised" if now > was else "lowered"
            more = {what: getattr(counted, what) + 1}
            more[SUMS[what]] = getattr(counted, SUMS[what]) + abs((now or 0) - (was or 0))
            self.limits[table] = replace(counted, **more)
        return before != after

    def _clocks(self, case: Case, moved: Case) -> bool:
        if case.listing is None or moved.listing is None:
            return False
        was, now = (clock.maximum or dt.date.max for clock in (case.listing, moved.listing))
        self.lists[case.list].sooner += now < was
        self.lists[case.list].later += now > was
        return now != was

    def _restrict(self, case: Case, moved: Case) -> None:
        for found, one in zip(self.restricted, (case, moved), strict=True):
            found.update(
                o.target for o in one.obligations.values() if o.restrictive and o.state not in {"lifting", "closed"}
            )

    def _queue(self, case: Case, own: Policy, moved: Case, under: Policy) -> None:
        """What is on desks, with the working days of the policy in force, and of the new one."""
        now, then = self.desks
        now.add(pending(case, own, (self.before or self.current).calendars, self.today))
        then.add(pending(moved, under, self.after.calendars, self.today, before=case, since=self.day))

    def result(self) -> Impact:
        """Everything counted, with titles."""
        was, now = self.restricted
        return Impact(
            before=self.before.version if self.before is not None else None,
            after=self.after.version,
            today=self.today,
            day=self.day,
            days=self.days,
            cases=sum(t.cases for t in self.lists.values()),
            changed=sum(t.changed for t in self.lists.values()),
            subjects=len(self.subjects),
            subjects_changed=len(self.touched),
            restricted=tuple(sorted(now - was)),
            released=tuple(sorted(was - now)),
            lists=tuple(
                ListImpact(
                    name, self.titles["lists", name], name in self.follows, t.cases, t.changed, t.refused, t.sooner,
                    t.later, added(c for key, c in self.owed.items() if key[0] == name),
                )
                for name, t in sorted(self.lists.items())
            ),
            owed=tuple(
                OwedImpact(
                    key[0], self.titles["lists", key[0]], key[1], self.titles["measures", key[1]], key[2],
                    self.titles["departments", key[2]], counts,
                )
                for key, counts in sorted(self.owed.items())
            ),
            departments=self._departments(),
            limits=tuple(self.limits[table] for table in sorted(self.limits)),
            staying=tuple(self.staying),
        )  # fmt: skip

    def _departments(self) -> tuple[DepartmentImpact, ...]:
        before, after = (tally.loads() for tally in self.desks)
        nothing = Load(self.day, (0,) * self.days)
        return tuple(
            DepartmentImpact(
                name, self._name("departments", name, self.current),
                added(c for key, c in self.owed.items() if key[2] == name),
                before.get(name, nothing), after.get(name, nothing),
            )
            for name in sorted({key[2] for key in self.owed} | before.keys() | after.keys())
        )  # fmt: skip


SUMS = {"granted": "granted_sum", "withdrawn": "withdrawn_sum", "raised": "raised_by", "lowered": "lowered_by"}


def _stored_limits(conn: Connection, case: str) -> dict[str, int]:
    """The limits that are suggested now, in fen by table."""
    query = select(limits.c.table_id, limits.c.amount).where(limits.c.case_id == case)
    return _highest((row.table_id, row.amount) for row in conn.execute(query))


def _suggested(found: Carried) -> dict[str, int]:
    """Those that would be: none before the listing is in force."""
    if found.after.state != "in-force":
        return {}
    return _highest((limit.table, limit.amount) for limit in found.fresh.decision.limits)


def _highest(rows: Iterable[tuple[str, int]]) -> dict[str, int]:
    found: dict[str, int] = {}
    for table, amount in rows:
        found[table] = max(amount, found.get(table, amount))
    return found
