"""Replay: what was decided comes out again byte for byte, and whatever differs has the cause that made it differ."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update

from adapters.ledger import read, write
from adapters.ledger.decisions import count_decisions, decisions_of
from adapters.ledger.serial import facts_from_json
from adapters.ledger.tables import cases, decisions, events, obligations
from adapters.office import Filing, ForbiddenError, NotFoundError, Related
from adapters.office.model import Step
from adapters.office.replaying import Replayer, refold, refold_range, replay_range, replay_sample
from adapters.pool import EngineUnavailableError
from engine.casework.replaying import Difference
from engine.decision import reference
from engine.decision.model import Decision, Facts
from engine.language.ir import Policy
from tests.adapters.bundle import FILES
from tests.adapters.publishing import B60
from tests.adapters.support import (
    AUDITOR,
    FINANCE,
    HR,
    MARKET,
    TAX,
    Desk,
    arrears,
    enterprise,
    person,
)

ARREARS = "memoranda/arrears.yaml"


def filed(desk: Desk, **facts: Any) -> str:
    """A case with a related person; its id."""
    related = (Related("legal-representative", person(), None),)
    return desk.file(replace(arrears(**facts), related=related)).case.id


def differences(desk: Desk, case: str, question: Any) -> tuple[Difference, ...]:
    """What differs in the first decision of a case."""
    found, _ = desk.office.replay_case(AUDITOR, case, question)
    return found[0].differences


def causes(found: tuple[Difference, ...]) -> dict[tuple[str, str], set[tuple[str, str]]]:
    """(cause, source) → what it changed."""
    return {(d.cause, d.source): {(c.what, c.about) for c in d.changes} for d in found}


def test_decisions_come_out_byte_for_byte(desk: Desk) -> None:
    """After another policy came into force, after answers that led to a second decision, one by one and all."""
    one, two = filed(desk, amount_owed="80 万元"), filed(desk)
    for action in ("accept", "respond"):
        desk.do(HR, desk.find(one, "publish"), action, **({"outcome": "implemented"} if action == "respond" else {}))
    desk.do(FINANCE, desk.find(one, "no-procurement"), "accept")
    desk.do(FINANCE, desk.find(one, "no-procurement"), "respond", outcome="not-applicable", reason="无采购")
    desk.publish(B60)
    found, folded = desk.office.replay_case(AUDITOR, one, "as-decided")
    replayer = Replayer(desk.office.context)
    every = list(replay_range(desk.office.context, replayer, "", "g", batch=2))
    halves = [f for edge in (("", "8"), ("8", "g")) for f in replay_range(desk.office.context, replayer, *edge)]
    today = list(replay_range(desk.office.context, Replayer(desk.office.context, "by-todays-rules"), "", "g"))

    assert [f.outcome for f in found] == ["same", "same"]
    assert folded.same
    assert [None] * 3 == every == halves
    assert {one, two} == {f.case for f in today if f is not None}
    assert found[0] == desk.office.replay_decision(AUDITOR, found[0].digest, "as-decided")
    assert [f for f in refold_range(desk.office.context, "", "~") if not f.same] == []


def test_replay_is_for_auditors_and_on_record(one: Desk) -> None:
    """Nobody else, and nothing that does not exist."""
    case = filed(one)
    digest = one.office.replay_case(AUDITOR, case, "as-decided")[0][0].digest
    for who in (HR, FINANCE):
        with pytest.raises(ForbiddenError):
            one.office.replay_case(who, case, "as-decided")
        with pytest.raises(ForbiddenError):
            one.office.replay_decision(who, digest, "as-decided")
        with pytest.raises(ForbiddenError):
            one.office.begin_replay(who)
    for missing in ("0" * 64, "x", "\0"):
        with pytest.raises(NotFoundError):
            one.office.replay_decision(AUDITOR, missing, "as-decided")
        with pytest.raises(NotFoundError):
            one.office.replay_case(AUDITOR, missing, "as-decided")
    one.office.begin_replay(AUDITOR)
    seen = [look for look in one.office.audit_looks(AUDITOR).items if look.what == "replay"]

    assert {"", case} == {look.case for look in seen}


def test_a_program_that_decides_otherwise_is_the_code(one: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Same policy, same facts: no other cause is left."""
    case = filed(one, amount_owed="80 万元")

    def forgetful(self: reference.Interpreter, facts: Facts) -> bytes:
        decision = self.decide(facts)
        return replace(decision, obligations=decision.obligations[1:]).canonical()

    monkeypatch.setattr(reference.Interpreter, "canonical", forgetful)
    found, _ = one.office.replay_case(AUDITOR, case, "as-decided")
    dropped = json.loads(_content(one, case))["obligations"][0]["key"]

    assert found[0].outcome == "different"
    assert {("code", ""): {("obligation", dropped)}} == causes(found[0].differences)


def _content(desk: Desk, case: str) -> bytes:
    with read(desk.engine) as conn:
        return decisions_of(conn, case)[0].present.document


TABLE, MEASURE = "rules/tables/credit.yaml", "rules/measures/no-procurement.yaml"
RESPONSE = "response: {accept: 5 working days, arm: 20 working days}\n"
CALENDAR = "rules/calendars/2026.yaml"


@pytest.mark.parametrize(
    ("path", "old", "new", "cause", "about"),
    [
        (ARREARS, "50 万元", "100 万元", ("memorandum", "arrears"), {"obligation", "rule"}),
        (MEASURE, "mode: standing\n", f"mode: standing\n{RESPONSE}", ("rules", "measures"), {"deadline"}),
        (CALENDAR, "[2026-01-01]", "[2026-01-01, 2026-11-25]", ("calendar", "calendars"), {"deadline"}),
        ("rules/departments/tax.yaml", "title: tax局", "title: 税务局", None, set()),
    ],
)
def test_what_todays_rules_decide_otherwise_is_laid_to_what_changed(
    one: Desk, path: str, old: str, new: str, cause: tuple[str, str] | None, about: set[str]
) -> None:
    """Each alone."""
    case = filed(one, amount_owed="80 万元")
    assert causes(differences(one, case, "by-todays-rules")) == {}

    one.publish({**FILES, path: FILES[path].replace(old, new)})
    found = causes(differences(one, case, "by-todays-rules"))

    assert ({cause} if cause else set()) == found.keys()
    assert about == {what for changed in found.values() for what, _ in changed}


def test_each_of_several_changes_is_laid_to_its_own_cause(one: Desk) -> None:
    """A threshold, the terms of a measure, and a holiday at once; the measure's deadline has two causes."""
    case = filed(one, amount_owed="80 万元")
    changed = dict(FILES)
    changed[ARREARS] = changed[ARREARS].replace("50 万元", "100 万元")
    changed[MEASURE] = changed[MEASURE].replace("mode: standing\n", f"mode: standing\n{RESPONSE}")
    changed[CALENDAR] = changed[CALENDAR].replace("[2026-01-01]", "[2026-01-01, 2026-11-25]")
    one.publish(changed)
    found = causes(differences(one, case, "by-todays-rules"))
    subject = one.office.get_case(AUDITOR, case).subject
    procurement = ("deadline", f"no-procurement@finance/{subject}")

    assert {("memorandum", "arrears"), ("rules", "measures"), ("calendar", "calendars")} == found.keys()
    assert procurement in found["rules", "measures"]
    assert procurement in found["calendar", "calendars"]
    assert ("rule", "arrears/posts") in found["memorandum", "arrears"]
    assert procurement not in found["memorandum", "arrears"]


def test_what_is_known_now_is_told_by_fact(one: Desk) -> None:
    """Records that arrived later, and a correction; records of later days are not of that day."""
    subject = enterprise()
    related = (Related("legal-representative", person(), None),)
    case = one.file(replace(arrears(subject, amount_owed="80 万元"), related=related)).case.id
    one.clock.turn(days=3)
    line = {"record": "penalty", "subject": {"kind": subject.kind, "code": subject.code, "name": subject.name}}
    fields = {"document_number": "罚〔2026〕1号"}
    dates = ("2026-11-24", "2026-01-05", "2026-11-25")
    results = one.office.put_records(
        MARKET, [{**line, "id": f"p{n}", "date": day, "fields": fields} for n, day in enumerate(dates[::2])]
    )
    assert [r.status for r in results] == ["accepted", "accepted"]

    assert causes(differences(one, case, "knowing-now")) == {}  # one before that day: the rule asks for two

    one.office.put_records(MARKET, [{**line, "id": "p9", "date": dates[1], "fields": fields}])
    key = one.office.get_case(AUDITOR, case).subject
    found = causes(differences(one, case, "knowing-now"))

    assert {("facts", "records")} == found.keys()
    assert ("obligation", f"watch@transport/{key}") in found["facts", "records"]
    assert causes(differences(one, case, "by-todays-rules")) == {}

    one.office.step(HR, case, Step("correct", facts={"amount_owed": "20 万元"}, reason="数额有误"), if_match=None)
    corrected = causes(differences(one, case, "knowing-now"))

    assert {("facts", "amount_owed"), ("facts", "records")} == corrected.keys()
    assert ("rule", "arrears/posts") in corrected["facts", "amount_owed"]


def test_relations_and_other_listings_of_the_day_count(one: Desk) -> None:
    """A severe listing of that day suspends nothing by itself, but is a record; one annulled since is none."""
    subject = enterprise()
    grade = one.file(Filing("a-grade", subject, {"year": 2025, "income": "50 万元"}), TAX).case.id
    later = one.file(arrears(subject, amount_owed="80 万元")).case.id
    with read(one.engine) as conn:
        (stored,) = decisions_of(conn, grade)
        replayer = Replayer(one.office.context, "knowing-now")
        policy = one.office.current_policy()
        facts = facts_from_json(stored.present.facts)
        known = replayer._known_now(conn, stored, facts, policy)

    assert ((), (later,)) == (facts.records, tuple(r.id for r in known.records))
    assert dict(known.records[0].fields) == {"list": "arrears", "kind": "sanction", "severe": True}

    one.office.end_case(HR, later, "annulment", "复议撤销", if_match=None)
    with read(one.engine) as conn:
        assert replayer._known_now(conn, stored, facts, policy).records == ()


def test_a_sample_is_drawn_by_its_seed(one: Desk) -> None:
    """Equal seeds draw the same; one of more than there is has all."""
    for _ in range(12):
        filed(one)
    context = one.office.context

    def drawn(size: int, seed: str) -> list[str]:
        return [f.digest for f in replay_sample(context, Replayer(context), size, seed)]

    with read(one.engine) as conn:
        total = count_decisions(conn)

    assert drawn(5, "a") == drawn(5, "a")
    assert len(set(drawn(5, "a"))) == 5
    assert drawn(5, "a") != drawn(5, "b")
    assert total == len(set(drawn(100, "a")))


def test_another_back_end_is_held_against_the_log(one: Desk) -> None:
    """A decider that fails is told of; one that decides otherwise differs."""
    case = filed(one)

    def fails(policy: Policy, facts: Facts) -> Decision:
        raise EngineUnavailableError("gone")

    def bare(policy: Policy, facts: Facts) -> Decision:
        return replace(reference.decide(policy, facts), fired=())

    failed, _ = one.office.replay_case(AUDITOR, case, "as-decided", fails)
    other, _ = one.office.replay_case(AUDITOR, case, "as-decided", bare)

    assert (failed[0].outcome, failed[0].error) == ("failed", "EngineUnavailableError: gone")
    assert {("rule", "arrears/publicity"), ("rule", "arrears/procurement")} == causes(other[0].differences)["code", ""]


@pytest.mark.parametrize(
    ("table", "values", "what"),
    [
        (cases, {"unclosed": 7}, "case.unclosed"),
        (cases, {"wake_on": "2031-01-01"}, "case.wake_on"),
        (cases, {"list_title": "x"}, "case.list_title"),
        (obligations, {"state": "done"}, ".state"),
        (obligations, {"due_on": "2031-01-01"}, ".due_on"),
        (obligations, {"title": "x"}, ".title"),
    ],
)
def test_rows_that_are_not_what_the_events_say_are_found(
    one: Desk, table: Any, values: dict[str, Any], what: str
) -> None:
    """Also those that say again what others say."""
    case = filed(one)
    with read(one.engine) as conn:
        assert refold(conn, one.office.context, case).same
    with write(one.engine) as conn:
        conn.execute(update(table).values(values))
    with read(one.engine) as conn:
        found = refold(conn, one.office.context, case)

    assert any(change.about.endswith(what) for change in found.changes)


def test_a_changed_or_lost_event_breaks_the_replay_of_its_case(one: Desk) -> None:
    """And a row without events is nothing."""
    case, other = filed(one), filed(one)
    with write(one.engine) as conn:
        conn.execute(update(events).where(events.c.case_id == case, events.c.version == 1).values(officer_or_type()))
        conn.execute(events.delete().where(events.c.case_id == other))
    found = {f.case: f for f in refold_range(one.office.context, "", "~")}

    assert "事件链已断" in found[case].error
    assert [c.about for c in found[other].changes] == ["case"]


def officer_or_type() -> dict[str, str]:
    """Another officer."""
    return {"actor_officer": "李四"}


def test_what_was_erased_is_told_and_is_no_difference(one: Desk) -> None:
    """The content is gone; the digest stays."""
    case = filed(one)
    with write(one.engine) as conn:
        conn.execute(update(decisions).values(content=None))
    found, _ = one.office.replay_case(AUDITOR, case, "as-decided")
    with read(one.engine) as conn:
        digest = conn.execute(select(decisions.c.digest)).scalar_one()

    assert [("erased", digest, ())] == [(f.outcome, f.digest, f.differences) for f in found]
