"""The procedure over the ledger on both databases: stages, remedies, time, letters; rows are what the events make."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import Engine, select

from adapters.ledger import read, rebuild
from adapters.ledger.tables import contents, documents, events
from adapters.office import (
    Filing,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    ObligationQuery,
    PreconditionError,
    RefusedError,
    Related,
)
from adapters.office.model import CheckRequest, MessageView, Party, Step, Stepped
from engine.casework.model import Evidence
from tests.adapters.bundle import BASIS, FILES
from tests.adapters.support import (
    ALL_ROLES,
    DONE_BEFORE,
    FINANCE,
    HR,
    MARKET,
    TAX,
    Desk,
    enterprise,
    open_desk,
    person,
    principal,
)

PROOF = (Evidence("a" * 64, "送达回证.pdf"),)
CHIEF = principal("human-resources", officer="李局长")
STAFF = principal("tax", *ALL_ROLES, officer="政策员")

INHOUSE: Mapping[str, str] = {
    **FILES,
    "rules/ladders/standard.yaml": """
ladder: standard
title: 督办
default: true
rungs:
  - {act: remind, title: 提醒, after: 1 working day}
  - {act: chief, title: 报负责人, after: 3 working days, to: [tax]}
  - {act: report, title: 通报, after: 5 working days, to: [tax]}
""",
    "rules/lists/broken-promise.yaml": f"""
list: broken-promise
title: 违背承诺名单
kind: sanction
severe: true
filed_by: [human-resources]
subjects: [enterprise]
facts:
  amount: {{type: money, title: 金额, required: true, changeable: true}}
procedure:
  notice: {{}}
  statement: {{within: 5 working days}}
  decision: {{}}
  service: {{within: 7 working days}}
  publicity: {{within: 7 working days, min: 3 months, max: 1 year}}
  term: {{length: 1 year}}
  repair: {{after: 3 months, requires: [performed], accept: 1 working day, decide: 10 working days}}
  objection: {{own: 3 working days, verify: 7 working days, provider: 3 working days, suspends: true}}
basis: {BASIS}
""",
    "memoranda/broken-promise.yaml": """
memorandum: broken-promise
title: 违背承诺备忘录
valid: {from: 2000-01-01}
list: broken-promise
rules:
  - id: procurement
    when: {amount: {gte: 10 万元}}
    then:
      - {oblige: no-procurement, by: [finance]}
  - id: watch
    then:
      - {oblige: watch, by: [transport]}
  - id: posts
    then:
      - {oblige: no-posts, by: [market-regulation], target: {related: [legal-representative]}}
""",
}


def with_threshold(amount: str) -> dict[str, str]:
    """The same policy with another amount from which procurement is limited."""
    path = "memoranda/broken-promise.yaml"
    return {**INHOUSE, path: INHOUSE[path].replace("10 万元", amount)}


@pytest.fixture
def desk(engine: Engine) -> Desk:
    """An office on a policy with a list whose whole procedure is done here."""
    return open_desk(engine, INHOUSE)


def step(desk: Desk, case: str, action: Any, who: Any = HR, **fields: Any) -> Stepped:
    """One step."""
    return desk.office.step(who, case, Step(action, **fields))


def file(desk: Desk, subject: Party | None = None) -> tuple[str, Party]:
    """A case of an enterprise and its legal representative, filed and no more."""
    party = subject or enterprise()
    filing = Filing(
        "broken-promise", party, {"amount": "20 万元"}, related=(Related("legal-representative", person()),)
    )
    return desk.office.file_case(HR, filing).case.id, party


def in_force(desk: Desk) -> tuple[str, Party]:
    """The same through notice, decision and the subject's service."""
    case, party = file(desk)
    for p in desk.office.process(HR, case).parties:
        step(desk, case, "notify", party=p.id, method="直接送达", reason="失约", evidence=PROOF)
    desk.clock.turn(days=10)
    step(desk, case, "decide", CHIEF, outcome="list", number="决1号", reason="属实")
    step(desk, case, "serve", method="直接送达", evidence=PROOF)
    return case, party


def ask(desk: Desk, party: Party) -> list[tuple[str, bool]]:
    """What the procurement counter is told, and whether it is marked."""
    request = CheckRequest("procurement", "测试", code=party.code, kind=party.kind)
    return [(d.effect, d.marked) for d in desk.office.check(FINANCE, request).directives]


def arm(desk: Desk, case: str) -> str:
    """The procurement ban of a case in force."""
    ban = desk.find(case, "no-procurement")
    for action in ("accept", "confirm"):
        desk.do(FINANCE, ban, action)
    desk.do(FINANCE, ban, "arm", evidence=PROOF)
    return ban


def test_nothing_is_owed_before_its_stage(desk: Desk) -> None:
    """Not at filing, notice or decision; what concerns a related person only after their own service."""
    case, _ = file(desk)
    seen = [(desk.office.get_case(HR, case).state, desk.office.get_case(HR, case).total)]
    parties = desk.office.process(HR, case).parties
    for p in parties:
        step(desk, case, "notify", party=p.id, method="直接送达", reason="失约", evidence=PROOF)
    seen.append((desk.office.get_case(HR, case).state, desk.office.get_case(HR, case).total))
    with pytest.raises(RefusedError, match="陈述申辩期"):
        step(desk, case, "decide", CHIEF, outcome="list", number="决1号", reason="属实")
    desk.clock.turn(days=10)
    with pytest.raises(RefusedError) as raised:
        step(desk, case, "decide", HR, outcome="list", number="决1号", reason="属实")
    step(desk, case, "decide", CHIEF, outcome="list", number="决1号", reason="属实")
    seen.append((desk.office.get_case(HR, case).state, desk.office.get_case(HR, case).total))
    served = step(desk, case, "serve", method="直接送达", evidence=PROOF)
    posts = desk.find(case, "no-posts")

    assert raised.value.code == "same-person"
    assert seen == [("filed", 0), ("noticed", 0), ("decided", 0)]
    assert (served.process.case.state, len(served.added)) == ("in-force", 3)
    assert desk.office.get_obligation(HR, posts).obligation.state == "waiting"
    step(desk, case, "serve", party=parties[1].id, method="邮寄", evidence=PROOF)
    assert desk.office.get_obligation(HR, posts).obligation.state == "open"


def test_an_objection_marks_and_suspends_everywhere(desk: Desk) -> None:
    """While it is open the counter is not told to refuse; rejected, the measure goes on; a queue shows the mark."""
    case, party = in_force(desk)
    ban = arm(desk, case)
    before = ask(desk, party)
    raised = step(desk, case, "object", points=("数额有误",))
    during = ask(desk, party)
    queue = desk.office.list_obligations(FINANCE, ObligationQuery(case=case)).items
    step(desk, case, "answer-objection", objection="o1", outcome="rejected", reason="数额属实")

    assert (before, during, ask(desk, party)) == ([("refuse", False)], [], [("refuse", False)])
    assert (raised.process.case.marked, raised.process.case.suspended) == (True, True)
    assert [(i.obligation.id, i.marked) for i in queue] == [(ban, True)]


def test_a_correction_says_what_changed_and_undoes_only_that(desk: Desk) -> None:
    """20 万元 become 2: the ban goes, the watch stays; put right again, the ban is owed anew."""
    case, _ = in_force(desk)
    ban = arm(desk, case)
    fixed = step(desk, case, "correct", facts={"amount": "2 万元"}, reason="录入多一个零")
    desk.do(FINANCE, ban, "lift", evidence=PROOF)
    again = step(desk, case, "correct", facts={"amount": "20 万元"}, reason="原数无误")

    assert fixed.changed == ("事实“金额”：200000 元 → 20000 元",)
    assert (fixed.lifted, fixed.added, len(again.added)) == ((ban,), (), 1)
    view = desk.office.decision(HR, case)
    assert (view.reproduced, view.digest) == (True, desk.office.get_case(HR, case).decision)


def test_repair_waits_for_its_minimum_and_then_ends_everything(desk: Desk) -> None:
    """Too early it is refused with the first possible day; granted, publicity and measures end together."""
    case, party = in_force(desk)
    ban = arm(desk, case)
    earliest = desk.office.process(HR, case).earliest_repair
    with pytest.raises(RefusedError) as raised:
        step(desk, case, "apply-repair", proved=("performed",), evidence=PROOF)
    desk.clock.turn(days=95)
    step(desk, case, "apply-repair", proved=("performed",), evidence=PROOF)
    step(desk, case, "accept-repair", repair="r1")
    done = step(desk, case, "grant-repair", repair="r1")

    assert (raised.value.code, str(earliest) in raised.value.detail) == ("repair-too-early", True)
    assert (done.process.case.state, done.process.case.ground, done.lifted) == ("lifting", "repair", (ban,))
    assert ask(desk, party) == []
    desk.do(FINANCE, ban, "lift", evidence=PROOF)
    assert desk.office.get_case(HR, case).state == "closed"


def test_time_ends_a_listing_by_itself_and_twice_is_once(desk: Desk) -> None:
    """At the first round after the last day; every rung of the escalation fires once, whoever comes second."""
    case, _ = in_force(desk)
    assert desk.office.due_cases() == ()
    desk.clock.turn(days=40)
    assert desk.office.due_cases() == (case,)
    made = desk.office.advance(case)
    assert (made > 0, desk.office.advance(case)) == (True, 0)
    desk.clock.turn(days=400)
    desk.office.advance(case)

    state = desk.office.get_case(HR, case)
    assert (state.state, state.ground) == ("closed", "expiry")
    with read(desk.engine) as conn:
        rows = conn.execute(select(events.c.payload).where(events.c.type != "x").order_by(events.c.version)).scalars()
        fired = [p for p in rows if '"action":"escalate"' in p]
    # two obligations that nobody accepted, the publication that nobody made: three rungs each
    assert len(fired) == 9
    told = desk.office.messages(TAX, limit=200).items
    assert {m.audience for m in told} == {"chief", "report"}


def test_new_calendars_wake_cases_whose_own_deadlines_are_provisional(desk: Desk) -> None:
    """A statement's period that ends in the year whose calendar is provisional, though nothing is owed yet."""
    desk.clock.turn(days=35)
    case, _ = file(desk)
    party = desk.office.process(HR, case).parties[0]
    step(desk, case, "notify", party=party.id, method="直接送达", reason="失约", evidence=PROOF)

    assert desk.office.due_cases() == ()
    assert desk.office.due_cases(fresh_calendars=True) == (case,)


def test_messages_are_delivered_once_and_failures_stay(desk: Desk) -> None:
    """What a failing sender did not take is handed over again."""
    case, _ = in_force(desk)
    desk.clock.turn(days=40)
    desk.office.advance(case)
    taken: list[str] = []

    def failing(message: MessageView, _department: str) -> None:
        if taken:
            raise ConnectionError
        taken.append(message.id)

    first = desk.office.deliver(failing)
    rest = desk.office.deliver(lambda m, _: taken.append(m.id))

    assert (first, rest, len(set(taken)), desk.office.deliver(failing)) == (1, 8, 9, 0)


def test_a_silent_worker_is_noticed_within_a_period(desk: Desk) -> None:
    """Alive after a beat, not after two periods of silence; the canary climbs the whole default ladder each day."""
    none = desk.office.health()
    new = desk.office.beat("w1", period=60)
    again = desk.office.beat("w1", period=60)
    fresh = desk.office.health()
    desk.clock.turn(seconds=121)

    assert (none.alive, fresh.alive, desk.office.health().alive) == (False, True, False)
    assert (new, again, fresh.canary, fresh.worker) == (True, False, True, "w1")


def test_letters_are_numbered_and_the_same_for_ever(desk: Desk) -> None:
    """Notice, decision and repair notice go out together; the bytes are kept by digest; no code in what is kept."""
    case, party = in_force(desk)
    found = desk.office.letters(HR, case)
    kinds = sorted(letter.kind for letter in found)
    notice = next(x for x in found if x.kind == "notice")
    first, body = desk.office.letter(HR, notice.id, "pdf")
    second, again = desk.office.letter(HR, notice.id, "pdf")
    _, docx = desk.office.letter(HR, notice.id, "docx")

    assert kinds == ["decision", "decision", "notice", "notice", "repair-notice", "repair-notice"]
    assert (body[:5], docx[:2], body == again, first == second) == (b"%PDF-", b"PK", True, True)
    assert len({x.number for x in found if x.kind != "decision"}) == 4
    assert {x.number for x in found if x.kind == "decision"} == {"决1号"}
    with pytest.raises(NotFoundError):
        desk.office.letter(FINANCE, notice.id, "pdf")
    with read(desk.engine) as conn:
        texts = conn.execute(
            select(contents.c.content).where(contents.c.digest.in_(select(documents.c.context)))
        ).scalars()
        assert not any(party.code.encode() in text for text in texts)


def test_a_slip_belongs_to_its_department(desk: Desk) -> None:
    """With the evidence last attached; others do not find it."""
    case, _ = in_force(desk)
    ban = arm(desk, case)
    slip = desk.office.response_slip(FINANCE, ban)

    assert desk.office.letter(FINANCE, slip.id, "docx")[1][:2] == b"PK"
    for other in (MARKET, TAX):
        with pytest.raises(NotFoundError):
            desk.office.letter(other, slip.id, "docx")
    with pytest.raises(NotFoundError):
        desk.office.response_slip(MARKET, ban)


def test_a_case_migrates_by_an_explicit_simulated_and_recorded_act(desk: Desk) -> None:
    """A stricter threshold in a new policy: simulated first, nothing changes; then done, and it is in the events."""
    case, _ = in_force(desk)
    ban = arm(desk, case)
    files = {
        **INHOUSE,
        "memoranda/broken-promise.yaml": INHOUSE["memoranda/broken-promise.yaml"].replace("10 万元", "30 万元"),
    }
    version = desk.publish(files)
    (would,) = desk.office.migrate_cases(STAFF)
    untouched = desk.office.get_case(HR, case).policy
    with pytest.raises(InvalidError):
        list(desk.office.migrate_cases(STAFF, dry_run=False))
    (done,) = desk.office.migrate_cases(STAFF, dry_run=False, reason="门槛提高")
    with pytest.raises(ForbiddenError):
        desk.office.migrate_cases(HR)

    assert (would.done, would.lifted, untouched != version) == (False, ("finance局：限制政府采购",), True)
    assert (done.done, done.lifted, desk.office.get_case(HR, case).policy) == (True, would.lifted, version)
    assert list(desk.office.migrate_cases(STAFF)) == []
    assert desk.office.get_obligation(HR, ban).obligation.state == "lifting"
    desk.do(FINANCE, ban, "lift", evidence=PROOF)


def test_rows_are_what_the_events_make_after_everything(desk: Desk) -> None:
    """After stages, objection, correction, migration, escalation and repair, rebuilding gives identical rows."""
    case, _ = in_force(desk)
    ban = arm(desk, case)
    step(desk, case, "object", points=("数额有误",), own=False)
    step(desk, case, "answer-objection", objection="o1", outcome="upheld", reason="更正", facts={"amount": "2 万元"})
    desk.do(FINANCE, ban, "lift", evidence=PROOF)
    files = {
        **INHOUSE,
        "memoranda/broken-promise.yaml": INHOUSE["memoranda/broken-promise.yaml"].replace("10 万元", "1 万元"),
    }
    desk.publish(files)
    assert len(list(desk.office.migrate_cases(STAFF, dry_run=False, reason="门槛降低"))) == 1
    desk.clock.turn(days=100)
    desk.office.advance(case)
    step(desk, case, "apply-repair", proved=("performed",), evidence=PROOF)
    step(desk, case, "shield", reason="重整计划获批")
    other, _ = file(desk)
    rows = desk.rows()
    rebuild(desk.engine, desk.office.context.policies)

    assert rows == desk.rows()
    assert desk.office.get_case(HR, other).state == "filed"


def test_a_stale_or_foreign_step_is_refused(desk: Desk) -> None:
    """A version that has passed, a department that has nothing to do with it, a wrong input."""
    case, _ = file(desk)
    with pytest.raises(PreconditionError):
        desk.office.step(HR, case, Step("notify", method="x", reason="y", evidence=PROOF), if_match=99)
    with pytest.raises(NotFoundError):
        step(desk, case, "notify", FINANCE, method="x", reason="y", evidence=PROOF)
    with pytest.raises(InvalidError):
        step(desk, case, "notify", method="x", reason="y", on=dt.date(2030, 1, 1), evidence=PROOF)
    with pytest.raises(InvalidError):
        step(desk, case, "correct", reason="y", facts={"colour": "red"})
    with pytest.raises(NotFoundError):
        desk.office.process(FINANCE, case)


def test_upstream_proofs_out_of_order_are_refused(desk: Desk) -> None:
    """A service before its decision, or one in the future, files nothing."""
    for wrong in ({"service_date": "2026-11-15"}, {"service_date": "2026-11-30"}, {"notice_date": "2026-11-20"}):
        with pytest.raises(RefusedError) as raised:
            desk.office.file_case(HR, Filing("arrears", enterprise(), DONE_BEFORE | wrong))
        assert raised.value.code == "stages-out-of-order"
