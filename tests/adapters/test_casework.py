"""A case through the office, from filing to closure, on both databases."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import pytest
import rfc8785
from sqlalchemy import func, select

from adapters.ledger import load_case, read
from adapters.ledger.tables import cases, decisions, idempotency, identities, obligations, subjects
from adapters.office import (
    Answer,
    ConflictError,
    FieldError,
    ForbiddenError,
    Idempotency,
    IdempotencyError,
    InvalidError,
    NotFoundError,
    Party,
    PreconditionError,
    Principal,
    RefusedError,
    Related,
    UndecidedError,
)
from adapters.pool import EngineUnavailableError
from engine.casework.graph import as_document
from engine.casework.model import Evidence
from tests.adapters.support import AUDITOR, FINANCE, HR, MARKET, TAX, TRANSPORT, Desk, arrears, enterprise, person

PROOF = (Evidence("a" * 64, "截图"),)


def work_to_force(desk: Desk, case: str) -> None:
    """Publish, then arm the procurement ban."""
    publish, ban = desk.find(case, "publish"), desk.find(case, "no-procurement")
    desk.do(HR, publish, "accept")
    desk.do(HR, publish, "respond", outcome="implemented", evidence=PROOF)
    desk.do(FINANCE, ban, "accept")
    desk.do(FINANCE, ban, "confirm")
    desk.do(FINANCE, ban, "arm", evidence=PROOF)


def count(desk: Desk, table: object) -> int:
    """Rows of a table."""
    with read(desk.engine) as conn:
        return int(conn.execute(select(func.count()).select_from(table)).scalar_one())  # type: ignore[arg-type]


def test_a_filing_is_logged_with_what_follows_from_it(desk: Desk) -> None:
    """Two obligations, one waiting for the other, under the policy in force and with the decision kept."""
    filed = desk.file(arrears(amount_owed="80 万元"))

    assert [(v.obligation.measure, v.obligation.state) for v in filed.obligations] == [
        ("no-procurement", "waiting"), ("publish", "open"),
    ]  # fmt: skip
    assert filed.case == desk.office.get_case(HR, filed.case.id)
    assert (filed.case.version, filed.case.total, filed.case.unclosed) == (3, 2, 2)
    view = desk.office.decision(HR, filed.case.id)
    assert (view.digest, view.reproduced) == (filed.case.decision, True)
    assert view.decision.facts.values["amount_owed"] == 80_000_000
    assert view.decision.canonical() == rfc8785.dumps(view.decision.document())


def test_a_case_is_worked_to_closure_and_taken_down_again(desk: Desk) -> None:
    """Every event in order, the hashes chained, nothing left unclosed."""
    case = desk.file().case.id
    work_to_force(desk, case)
    desk.clock.turn(days=30)
    ended = desk.office.end_case(HR, case, "repair", "已清偿").case

    assert (ended.state, ended.unclosed) == ("lifting", 2)

    desk.do(FINANCE, desk.find(case, "no-procurement"), "lift", evidence=PROOF)
    done = desk.do(HR, desk.find(case, "publish"), "lift", evidence=PROOF)

    assert (done.case.state, done.case.unclosed) == ("closed", 0)
    log = desk.office.events(AUDITOR, case).items
    assert [e.version for e in log] == list(range(1, done.case.version + 1))
    assert [e.prev_hash for e in log[1:]] == [e.hash for e in log[:-1]]
    assert log[-1].hash == done.case.head
    assert log[-1].type == "case-closed"


def test_a_rule_that_reacts_to_an_answer_adds_an_obligation(desk: Desk) -> None:
    """Finance finds procurement not applicable, so the tax office is to watch; under a decision of its own."""
    filed = desk.file()
    publish, ban = desk.find(filed.case.id, "publish"), desk.find(filed.case.id, "no-procurement")
    desk.do(HR, publish, "accept")
    desk.do(HR, publish, "respond", outcome="implemented", evidence=PROOF)
    answered = desk.do(FINANCE, ban, "respond", outcome="not-applicable", reason="不参加采购")

    assert answered.added == (f"{filed.case.id}.3",)
    added = desk.office.get_obligation(TAX, answered.added[0])
    assert (added.obligation.measure, added.obligation.department, added.obligation.state) == ("watch", "tax", "open")
    assert answered.case.decision != filed.case.decision
    assert desk.office.decision(HR, filed.case.id).reproduced
    assert count(desk, decisions) == 2


def test_a_referral_moves_an_obligation_to_another_department(desk: Desk) -> None:
    """And a second one to the same department is refused, though a slice does not hold the whole case."""
    case = desk.file().case.id
    publish = desk.find(case, "publish")
    answered = desk.do(HR, publish, "refer", to="market-regulation", reason="职责调整")

    assert answered.obligation.obligation.outcome == "referred"
    assert desk.office.get_obligation(MARKET, answered.added[0]).obligation.state == "open"
    with pytest.raises(RefusedError) as raised:
        desk.do(MARKET, answered.added[0], "refer", to="human-resources", reason="退回")
    assert raised.value.code == "already-owed"


def test_an_answer_out_of_turn_is_refused_with_the_domains_own_code(desk: Desk) -> None:
    """And changes nothing."""
    case = desk.file().case
    with pytest.raises(RefusedError) as raised:
        desk.do(HR, desk.find(case.id, "publish"), "lift")

    assert raised.value.code == "wrong-state"
    assert desk.office.get_case(HR, case.id) == case


@pytest.mark.parametrize("action", ["accept", "confirm", "arm", "respond", "refer", "lift"])
def test_a_foreign_obligation_is_not_found(desk: Desk, action: str) -> None:
    """Exactly like one that does not exist."""
    case = desk.file().case.id
    for obligation in (desk.find(case, "no-procurement"), f"{case}.99", "nope"):
        with pytest.raises(NotFoundError):
            desk.do(TRANSPORT, obligation, action)


def test_a_foreign_case_is_not_found(desk: Desk) -> None:
    """Not its header, graph, events, decision, and it cannot be ended."""
    case = desk.file().case.id
    for read_it in (
        lambda: desk.office.get_case(TRANSPORT, case),
        lambda: desk.office.graph(TRANSPORT, case),
        lambda: desk.office.events(FINANCE, case),
        lambda: desk.office.decision(FINANCE, case),
        lambda: desk.office.end_case(TRANSPORT, case, "repair", "x"),
        lambda: desk.office.get_obligation(TRANSPORT, desk.find(case, "publish")),
    ):
        with pytest.raises(NotFoundError):
            read_it()


def test_an_implementing_department_sees_its_part_of_the_graph(desk: Desk) -> None:
    """Its own obligations and their neighbours; the initiator sees all."""
    filed = desk.file(replace(arrears(amount_owed="80 万元"), related=(Related("legal-representative", person()),)))
    case = filed.case.id

    assert {v.obligation.measure for v in desk.office.graph(FINANCE, case).obligations} == {"publish", "no-procurement"}
    assert {v.obligation.measure for v in desk.office.graph(MARKET, case).obligations} == {"no-posts"}
    whole = desk.office.graph(HR, case)
    assert len(whole.obligations) == 3
    assert whole.departments["finance"] == "finance局"
    policy = desk.office.current_policy()
    for who in (HR, FINANCE, MARKET):
        visible = desk.office.graph(who, case)
        document = as_document(visible.as_case(), dt.date(2026, 11, 24), policy.calendars)
        assert len(document["nodes"]) == len(visible.obligations)


def test_two_equal_filings_are_one(desk: Desk) -> None:
    """The second names the first; after the listing has ended it may be filed anew."""
    filing = arrears(enterprise(), amount_owed="1 元")
    first = desk.file(filing)
    with pytest.raises(ConflictError) as raised:
        desk.file(filing)

    assert (raised.value.code, first.case.id in raised.value.detail) == ("already-listed", True)
    desk.office.end_case(HR, first.case.id, "withdrawal", "录入有误")
    assert desk.file(filing).case.id != first.case.id
    assert desk.file(arrears(filing.subject, amount_owed="2 元")).case.total == 2


def test_a_repeated_request_is_answered_from_what_the_first_brought_about(desk: Desk) -> None:
    """Filing, answering and ending, each only once."""
    idem = Idempotency("k1", "d1")
    filing = arrears(amount_owed="0.01")
    filed = desk.office.file_case(HR, filing, idempotency=idem)
    again = desk.office.file_case(HR, filing, idempotency=idem)

    assert again == replace(filed, replayed=True)
    publish = desk.find(filed.case.id, "publish")
    done = [desk.office.answer(HR, publish, Answer("accept"), idempotency=Idempotency("k2", "d2")) for _ in "ab"]
    assert done[1] == replace(done[0], replayed=True)
    ended = [desk.office.end_case(HR, filed.case.id, "repair", "x", idempotency=Idempotency("k3", "d3")) for _ in "ab"]
    assert ended[1] == replace(ended[0], replayed=True)
    assert (count(desk, cases), count(desk, idempotency)) == (1, 3)


def test_an_idempotency_key_is_bound_to_request_and_principal(desk: Desk) -> None:
    """Another request under it is refused; another principal's same key is another key."""
    desk.office.file_case(HR, arrears(), idempotency=Idempotency("k", "d"))
    with pytest.raises(IdempotencyError):
        desk.office.file_case(HR, arrears(), idempotency=Idempotency("k", "other"))

    other = Principal(HR.department, HR.roles, "another-key", "李四")
    assert not desk.office.file_case(other, arrears(), idempotency=Idempotency("k", "d")).replayed


def test_a_failed_request_leaves_its_key_free(desk: Desk) -> None:
    """The corrected one may use it again."""
    with pytest.raises(InvalidError):
        desk.office.file_case(HR, arrears(Party("enterprise", "x")), idempotency=Idempotency("k", "d"))

    assert not desk.office.file_case(HR, arrears(), idempotency=Idempotency("k", "d")).replayed


def test_if_match_guards_an_obligation_and_a_case(desk: Desk) -> None:
    """The ETag of an obligation moves with it, not with its neighbours in the case."""
    filed = desk.file()
    ban, publish = filed.obligations
    with pytest.raises(PreconditionError):
        desk.office.answer(HR, publish.obligation.id, Answer("accept"), if_match="old")

    accepted = desk.office.answer(HR, publish.obligation.id, Answer("accept"), if_match=publish.etag)
    assert accepted.obligation.etag != publish.etag
    assert desk.office.get_obligation(FINANCE, ban.obligation.id).etag == ban.etag
    with pytest.raises(PreconditionError):
        desk.office.end_case(HR, filed.case.id, "repair", "x", if_match=filed.case.version)
    assert desk.office.end_case(HR, filed.case.id, "repair", "x", if_match=accepted.case.version).case.state == "closed"


def test_everything_wrong_with_a_filing_is_said_at_once(desk: Desk) -> None:
    """Each with its field, and nothing is stored."""
    filing = replace(
        arrears(Party("enterprise", "91350100M000100Y44"), amount_owed=5000.5, colour="red", mass_incident="yes",
                decided_on="2026-13-01", decision_number=None),
        as_of=dt.date(2027, 1, 1), related=(Related("friend", person()),),
    )  # fmt: skip
    with pytest.raises(InvalidError) as raised:
        desk.file(filing)

    assert {e.field for e in raised.value.errors} == {
        "as_of", "facts.amount_owed", "facts.colour", "facts.mass_incident", "facts.decided_on",
        "facts.decision_number", "related.0.role", "subject.code",
    }  # fmt: skip
    assert (count(desk, subjects), count(desk, cases)) == (0, 0)


@pytest.mark.parametrize(
    ("given", "fen"), [("5000 元", 500_000), ("5000.5", 500_050), ("0.01", 1), ("10 万元", 10_000_000), ("-1", -100)]
)
def test_money_is_read_exactly(desk: Desk, given: str, fen: int) -> None:
    """In yuan with or without its unit, never through a float."""
    case = desk.file(arrears(amount_owed=given)).case.id

    assert desk.office.decision(HR, case).decision.facts.values["amount_owed"] == fen


def test_only_the_departments_that_a_list_names_may_file_on_it(desk: Desk) -> None:
    """And only with the initiator's role."""
    with pytest.raises(ForbiddenError) as raised:
        desk.file(who=FINANCE)
    assert raised.value.code == "not-filed-by"
    with pytest.raises(ForbiddenError):
        desk.file(who=Principal("human-resources", frozenset({"implementer"}), "k", "张三"))


def test_a_human_is_named_for_every_act(desk: Desk) -> None:
    """A key alone never files or answers."""
    with pytest.raises(InvalidError) as raised:
        desk.file(who=replace(HR, officer=" "))

    assert [e.field for e in raised.value.errors] == ["officer"]


def test_a_subject_of_the_wrong_kind_or_list_is_refused(desk: Desk) -> None:
    """Kinds come from the list; a code on file keeps its kind."""
    with pytest.raises(InvalidError, match="只适用于"):
        desk.file(arrears(replace(enterprise(), kind="village")))
    party = enterprise()
    desk.file(arrears(party))
    with pytest.raises(InvalidError) as raised:
        desk.file(arrears(replace(party, kind="sole-trader")))
    assert "kind-differs" in {e.code for e in raised.value.errors}
    with pytest.raises(InvalidError, match="可列入：arrears"):
        desk.file(replace(arrears(), list="nope"))


def test_no_decision_no_case(desk: Desk) -> None:
    """When the engines do not agree, nothing at all is stored."""
    desk.evaluator.error = EngineUnavailableError("no child answers")
    with pytest.raises(UndecidedError):
        desk.file()

    assert (count(desk, cases), count(desk, subjects), count(desk, decisions)) == (0, 0, 0)


def test_identity_codes_stand_in_no_table(desk: Desk) -> None:
    """Events, decisions and projections know opaque ids, and who they are is sealed."""
    party, boss = enterprise(name="长垣某某建设公司"), person(name="王某某")
    desk.file(replace(arrears(party, amount_owed="80 万元"), related=(Related("legal-representative", boss),)))
    found = []
    with read(desk.engine) as conn:
        for table in identities.metadata.sorted_tables:
            text = repr([tuple(row) for row in conn.execute(select(table))])
            if any(secret in text for secret in (party.code, boss.code, party.name, boss.name)):
                found.append(table.name)

    assert found == []


def test_many_filings_each_stand_alone(desk: Desk) -> None:
    """A bad line says what is wrong; those around it are filed."""
    results = list(desk.office.file_cases(HR, [arrears(), arrears(Party("enterprise", "x")), arrears()]))

    assert [(r.line, r.code) for r in results] == [(1, None), (2, "invalid"), (3, None)]
    assert results[1].errors[0] == FieldError("subject.code", "invalid-code", "统一社会信用代码应为18位，现为1位")


def test_other_listings_count_as_records(desk: Desk) -> None:
    """A decision knows on which lists the subject stands already."""
    party = enterprise()
    first = desk.file(arrears(party, amount_owed="1 元")).case.id
    second = desk.file(arrears(party, amount_owed="2 元")).case.id

    (record,) = desk.office.decision(HR, second).decision.facts.records
    assert (record.id, record.kind, record.fields) == (
        first, "listing", {"list": "arrears", "kind": "sanction", "severe": True},
    )  # fmt: skip


def test_why_not_says_why_a_department_owes_nothing(desk: Desk) -> None:
    """Transport would watch after two penalties; there are none."""
    case = desk.file().case.id
    view = desk.office.decision(AUDITOR, case, why_not="transport")

    assert view.why_not is not None
    assert [t.rule for t in view.why_not.rules] == ["arrears/repeat"]
    with pytest.raises(InvalidError):
        desk.office.decision(AUDITOR, case, why_not="nowhere")


def test_the_rows_are_what_the_events_fold_to(desk: Desk) -> None:
    """The case loaded from its projections equals the fold over its stream."""
    from adapters.ledger import read_events  # noqa: PLC0415
    from engine.casework import fold  # noqa: PLC0415

    case = desk.file(arrears(amount_owed="80 万元")).case.id
    work_to_force(desk, case)
    desk.office.end_case(HR, case, "repair", "x")
    with read(desk.engine) as conn:
        loaded, _ = load_case(conn, case)
        folded = fold(e.event() for e in read_events(conn, case))
        total = conn.execute(select(func.count()).select_from(obligations)).scalar_one()

    assert set(folded.edges) == set(loaded.edges)
    assert replace(folded, edges=()) == replace(loaded, edges=())
    assert total == loaded.total


@pytest.mark.parametrize("text", ["a\0b", "\ud800", "x" * 501])
def test_an_id_that_no_database_can_hold_is_not_found(desk: Desk, text: str) -> None:
    """Rather than an error of the database."""
    for look in (
        lambda: desk.office.get_case(AUDITOR, text),
        lambda: desk.office.get_obligation(AUDITOR, text),
        lambda: desk.office.events(AUDITOR, text),
        lambda: desk.office.get_subject(AUDITOR, text),
        lambda: desk.office.end_case(HR, text, "repair", "x"),
        lambda: desk.do(FINANCE, text, "accept"),
        lambda: desk.office.policy_version(text),
        lambda: desk.office.revoke_key(text),
    ):
        with pytest.raises(NotFoundError):
            look()


def test_texts_that_no_database_can_hold_are_refused(desk: Desk) -> None:
    """In facts, reasons, names, officers and keys of repetition."""
    publish = desk.find(desk.file().case.id, "publish")
    for act in (
        lambda: desk.file(arrears(decision_number="a\0b")),
        lambda: desk.file(arrears(replace(enterprise(), name="\ud800"))),
        lambda: desk.file(who=replace(HR, officer="a\0b")),
        lambda: desk.do(HR, publish, "refer", to="tax", reason="a\0b"),
        lambda: desk.do(HR, publish, "respond", outcome="not-applicable", reason="x", evidence=(Evidence("a", "x"),)),
        lambda: desk.office.file_case(HR, arrears(), idempotency=Idempotency("a\0b", "d")),
    ):
        with pytest.raises(InvalidError):
            act()
