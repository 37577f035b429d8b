"""The demonstration county in memory: its filings, taken through due process by the engine until each is in force."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from adapters.office.facts import parse_facts
from api.cli.demo_cases import Demo, cases
from engine.casework import decide, fold
from engine.casework.commands import Command, DecideListing, FileCase, Notify, Serve, ShowBefore
from engine.casework.model import Actor, Case, Evidence
from engine.casework.stages import what_is_missing
from engine.decision import reference
from engine.decision.model import Facts, Record, RelatedPerson
from engine.language.ir import FactType, Policy, Value

BEFORE = 60
"""Days before the start on which lists with stages of their own are filed; statement and hearing take weeks."""
PROOF = (Evidence("0" * 64, "演示"),)
DRAFTER, DECIDER = "王芳", "赵敏"


def filed(policy: Policy, start: dt.date) -> Iterator[Case]:
    """Every case of the demonstration, in force on `start`."""
    for number, demo in enumerate(cases(start), start=1):
        yield _through(policy, demo, f"demo-{number:02d}", start)


def _through(policy: Policy, demo: Demo, name: str, start: dt.date) -> Case:
    """File a case and take it through the stages of its list."""
    procedure = policy.lists[demo.list].procedure
    staged = procedure.notice or procedure.pre_publicity or procedure.decision or procedure.service
    day = start - dt.timedelta(days=BEFORE) if staged else start
    facts = _facts(policy, demo, name, day)
    drafter = Actor(demo.by, DRAFTER)
    happened = decide(None, FileCase(drafter, day, name, reference.decide(policy, facts)), policy, policy.calendars)
    case = fold(happened)
    if not staged:
        return case

    def then(command: Command) -> None:
        nonlocal case
        case = fold(decide(case, command, policy, policy.calendars), case)

    if procedure.pre_publicity is not None:
        then(ShowBefore(drafter, day))
    for party in case.parties if procedure.notice else ():
        then(Notify(drafter, day, party, day, "直接送达", "经查，符合列入条件", PROOF))
    decided = reference.decide(policy, replace(facts, as_of=start))
    if procedure.decision:
        assert not what_is_missing(case, policy, policy.calendars, start)
        decider = Actor((procedure.decided_by or (demo.by,))[0], DECIDER)
        then(DecideListing(decider, start, "list", f"演示〔{start.year}〕{name}号", "事实清楚", decided))
    if procedure.service is not None:
        then(Serve(drafter, start, case.subject, start, "直接送达", PROOF, decided))
    return case


def _facts(policy: Policy, demo: Demo, name: str, day: dt.date) -> Facts:
    """What a filing says, with proofs of the stages before it where it names none."""
    listed = policy.lists[demo.list]
    given: dict[str, Any] = dict(demo.facts)
    for stage in listed.procedure.upstream.values():
        given.setdefault(stage.date, (day - dt.timedelta(days=20)).isoformat())
        for text in filter(None, (stage.number, stage.proof)):
            given.setdefault(text, "演示")
    return Facts(
        subject=f"{name}-subject",
        subject_kind=demo.kind,
        list=demo.list,
        initiator=demo.by,
        as_of=day,
        known_at=f"{day}T00:00:00Z",
        values={**_typed(listed.facts, given), "subject.kind": demo.kind},
        records=tuple(_record(policy, n, record) for n, record in enumerate(demo.records)),
        relations=tuple(RelatedPerson(f"{name}-{n}", role) for n, (role, _, _) in enumerate(demo.related)),
    )


def _typed(declared: Mapping[str, FactType], given: Mapping[str, Any]) -> dict[str, Value]:
    values, wrong = parse_facts(declared, given, "facts")
    assert not wrong, wrong  # the demonstration files the same facts, and tests run it
    return values


def _record(policy: Policy, number: int, given: Mapping[str, Any]) -> Record:
    date = dt.date.fromisoformat(given["date"]).toordinal()
    fields = _typed(policy.records[given["record"]].fields, given["fields"])
    return Record(f"record-{number}", given["record"], date, fields)
