"""A policy is proposed by one person, checked, and approved by another; or refused, or withdrawn."""

from __future__ import annotations

import datetime as dt
import hashlib
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import func, select

from adapters.ledger import read
from adapters.ledger.tables import activations, policies, proposals
from adapters.office import (
    ConflictError,
    ForbiddenError,
    Idempotency,
    IdempotencyError,
    InvalidError,
    NotFoundError,
    Office,
    PolicyProposal,
    PreconditionError,
)
from adapters.policy_checks import Examiner
from adapters.policy_files import UnsettledError, read_bundle, read_settled
from tests.adapters.bundle import FILES
from tests.adapters.publishing import B60, B70, B80, THIRD, approve, now, propose, refused
from tests.adapters.support import (
    APPROVER,
    AUDITOR,
    FINANCE,
    PROPOSER,
    Desk,
)


def rows(desk: Desk) -> tuple[int, ...]:
    """How much is stored."""
    tables = (policies, proposals, activations)
    with read(desk.engine) as conn:
        return tuple(conn.execute(select(func.count()).select_from(t)).scalar_one() for t in tables)


# --- proposing and approving -------------------------------------------------------------------------------------


def test_two_persons_put_a_policy_into_force(desk: Desk) -> None:
    """Proposing changes nothing; another person's approval does, with both names, the reason and what changed."""
    before = now(desk)
    version = propose(desk, B60, reason="门槛提高")
    proposed = desk.office.get_policy(AUDITOR, version)

    assert now(desk) == before == proposed.base
    assert (proposed.state, proposed.active, proposed.approved_by) == ("proposed", False, None)

    approved = desk.office.approve_policy(APPROVER, version, remark="同意")

    assert now(desk) == version
    assert (approved.state, approved.active, approved.reason, approved.remark) == ("in-force", True, "门槛提高", "同意")
    assert (approved.proposed_by, approved.approved_by) == ("government-office/李", "government-office/王")
    assert approved.changes.changed == ("memoranda/arrears.yaml",)
    assert "修改备忘录“拖欠工资合作备忘录”（arrears）" in approved.changes.summary
    assert [v.state for v in desk.office.policy_history(AUDITOR).items] == ["in-force", "past"]


def test_nobody_approves_or_refuses_their_own_proposal(desk: Desk) -> None:
    """Neither under the same name nor with the same key."""
    version = propose(desk, B60)
    same_key = replace(PROPOSER, officer="另一人")

    for who in (PROPOSER, same_key):
        assert refused(ForbiddenError, lambda w=who: desk.office.approve_policy(w, version)) == "same-person"
        assert refused(ForbiddenError, lambda w=who: desk.office.refuse_policy(w, version, "x")) == "same-person"


@pytest.mark.parametrize(
    ("path", "old", "new", "field"),
    [
        ("rules/measures/watch.yaml", "sanction", "sanktion", "rules/measures/watch.yaml:4:"),
        ("memoranda/arrears.yaml", "list: arrears", "list: [arrears", "memoranda/arrears.yaml:6:"),
        (
            "memoranda/arrears.yaml",
            "by: [human-resources]",
            "by: [human-resources], after: [no-procurement]",
            "memoranda",
        ),
    ],
)
def test_a_bundle_with_errors_leaves_nothing_behind(one: Desk, path: str, old: str, new: str, field: str) -> None:
    """A wrong word, a file cut off, obligations that wait for each other: every place is named, nothing is stored."""
    before = rows(one)
    broken = {**FILES, path: FILES[path].replace(old, new)}
    with pytest.raises(InvalidError) as raised:
        propose(one, broken)

    assert raised.value.errors[0].field.startswith(field)
    assert rows(one) == before


def test_a_failing_test_beside_the_rules_keeps_a_bundle_out(one: Desk) -> None:
    """It says what was expected and what came instead, and where."""
    test = """
tests: arrears
cases:
  - {name: 公示, as_of: 2026-03-02, subject: enterprise, expect: {fires: [repeat]}}
"""
    before = rows(one)
    with pytest.raises(InvalidError) as raised:
        propose(one, {**B60, "memoranda/arrears.test.yaml": test})

    (error,) = raised.value.errors
    assert (error.field.rpartition(":")[0], error.code) == ("memoranda/arrears.test.yaml:4", "test")
    assert "repeat" in error.message
    assert "规则旁的测试 1 处" in raised.value.detail
    assert rows(one) == before


def test_checks_run_in_a_child_that_is_stopped_when_it_takes_too_long(one: Desk) -> None:
    """Every check's result is kept with the proposal; a trial without an end is a failure, not a pass."""
    context = one.office.context
    strict = Office(context.engine, evaluator=context.evaluator, clock=context.clock, secret=context.secret,
                    examiner=Examiner(seconds=0.05))  # fmt: skip
    with pytest.raises(InvalidError) as raised:
        strict.propose_policy(PROPOSER, PolicyProposal(B60, "试验"))
    whole = Office(context.engine, evaluator=context.evaluator, clock=context.clock, secret=context.secret,
                   examiner=Examiner())  # fmt: skip
    view = whole.propose_policy(PROPOSER, PolicyProposal(B60, "试验"))

    assert [(e.code, e.message) for e in raised.value.errors] == [("trial", "试算超过 0.05 秒，已停止")]
    assert {c.name: c.result for c in view.checks} == {
        "compile": "passed", "tests": "unknown", "deep": "passed", "citations": "unknown",
    }  # fmt: skip


def test_a_check_that_breaks_down_has_found_nothing_out(one: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no pass, and it keeps nothing out either; whoever approves is told."""

    def broken(*_: object, **__: object) -> object:
        raise ZeroDivisionError

    monkeypatch.setattr("engine.workbench.checking.check_policy", broken)
    monkeypatch.setattr("engine.workbench.differing.summarise", broken)
    examiner = Examiner(apart=False, wanted=frozenset({"deep"}))
    found = examiner.examine(B60, FILES, one.office.context.today())
    (deep,) = (c for c in found.checks if c.name == "deep")

    assert (deep.result, found.failed) == ("unknown", ())
    assert deep.details[0].message.startswith("检查程序出错，没有得出结论：ZeroDivisionError（test_publishing.py:")
    assert "含义上的改动没有得出结论（ZeroDivisionError）" in found.changes.summary


def test_citations_are_held_against_the_texts_that_are_there(one: Desk, tmp_path: Path) -> None:
    """With the text of the law the check passes or fails; a folder that is not there leaves it open."""
    law = FILES["rules/laws/credit-law.yaml"]
    text = "第一条 可以限制。\n第二条 可以激励。\n".encode()
    (tmp_path / "credit.md").write_bytes(text)
    told = law.replace("level: law\n", f"level: law\ntext: credit.md\nsha256: {hashlib.sha256(text).hexdigest()}\n")
    files = {**B60, "rules/laws/credit-law.yaml": told}
    day = one.office.context.today()

    def result(folder: Path, given: dict[str, str]) -> str:
        found = Examiner(apart=False, wanted=frozenset({"citations"}), law_texts=folder).examine(given, FILES, day)
        return found.checks[-1].result

    assert result(tmp_path, files) == "passed"
    assert result(tmp_path / "none", files) == "unknown"
    (tmp_path / "credit.md").write_bytes(text.replace("限制".encode(), "禁止".encode()))
    assert result(tmp_path, files) == "failed"


def test_what_a_proposal_must_say(one: Desk) -> None:
    """A reason, no day that has passed, text that can be stored; and only policy staff may."""
    for wrong, field in (({"reason": " "}, "reason"), ({"start": dt.date(2026, 11, 23)}, "from")):
        with pytest.raises(InvalidError) as raised:
            propose(one, B60, **wrong)
        assert raised.value.errors[0].field == field
    with pytest.raises(InvalidError):
        propose(one, {**B60, "rules/x.yaml": "law: \ud800"})
    with pytest.raises(ForbiddenError):
        one.office.propose_policy(FINANCE, PolicyProposal(B60, "x"))
    for ask in (one.office.policy_history, one.office.verify_policies):
        with pytest.raises(ForbiddenError):
            ask(FINANCE)
    with pytest.raises(ForbiddenError):
        one.office.policy_files(FINANCE, now(one))


def test_the_same_is_not_proposed_or_approved_twice(one: Desk) -> None:
    """What is in force, what waits already, what is settled: each has its own answer."""
    version = propose(one, B60)

    assert refused(ConflictError, lambda: propose(one, FILES)) == "policy-active"
    assert refused(ConflictError, lambda: propose(one, B60)) == "policy-proposed"

    approve(one, version)

    assert refused(ConflictError, lambda: approve(one, version)) == "policy-active"
    with pytest.raises(NotFoundError):
        approve(one, "0" * 64)


def test_of_two_editors_the_second_starts_again(desk: Desk) -> None:
    """Both began with the same version: approving the second would undo the first, so it is not."""
    first, second, began = propose(desk, B60), propose(desk, B70), now(desk)
    approve(desk, first)

    assert refused(ConflictError, lambda: approve(desk, second)) == "policy-moved"
    assert refused(ConflictError, lambda: propose(desk, B80, base=began)) == "policy-moved"
    assert now(desk) == first

    approve(desk, propose(desk, B80, base=first))


def test_two_approvals_at_one_moment_make_one_activation(desk: Desk) -> None:
    """Whoever is later is told so; with one key for both requests, it gets the same answer."""
    version, before = propose(desk, B60), rows(desk)
    answers: list[object] = []

    def act(key: str) -> None:
        try:
            answers.append(desk.office.approve_policy(APPROVER, version, idempotency=Idempotency(key, "d")).replayed)
        except ConflictError as error:
            answers.append(error.code)

    threads = [threading.Thread(target=act, args=(key,)) for key in ("k1", "k1", "k1", "k2")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert rows(desk) == (*before[:2], before[2] + 1)
    assert sorted(map(str, answers)) in (["False", "True", "True", "policy-active"], ["False", *["policy-active"] * 3])


def test_a_repeated_proposal_is_answered_and_not_made_again(one: Desk) -> None:
    """Without even checking it again."""
    idem = Idempotency("key", "digest")
    first = one.office.propose_policy(PROPOSER, PolicyProposal(B60, "x"), idempotency=idem)
    again = one.office.propose_policy(PROPOSER, PolicyProposal(B60, "x"), idempotency=idem)

    assert replace(again, replayed=False) == first
    assert again.replayed
    with pytest.raises(IdempotencyError):
        one.office.propose_policy(PROPOSER, PolicyProposal(B70, "x"), idempotency=Idempotency("key", "other"))


def test_who_approves_says_what_they_saw(one: Desk) -> None:
    """A proposal that was withdrawn and made again is not the one that was looked at."""
    version = propose(one, B60)
    seen = one.office.get_policy(APPROVER, version).etag
    one.office.withdraw_policy(PROPOSER, version, "打字错误")
    propose(one, B60, reason="另有理由")

    with pytest.raises(PreconditionError):
        one.office.approve_policy(APPROVER, version, if_match=seen)

    one.office.approve_policy(APPROVER, version, if_match=one.office.get_policy(APPROVER, version).etag)


def test_a_proposal_is_refused_by_another_and_withdrawn_by_its_proposer(one: Desk) -> None:
    """Each with a reason; it cannot be approved then, and may be proposed again."""
    version = propose(one, B60)

    assert refused(ForbiddenError, lambda: one.office.withdraw_policy(THIRD, version, "x")) == "not-proposer"
    with pytest.raises(InvalidError):
        one.office.refuse_policy(APPROVER, version, "")

    no = one.office.refuse_policy(APPROVER, version, "依据不足")

    assert (no.state, no.closed_by, no.remark) == ("refused", "government-office/王", "依据不足")
    assert refused(ConflictError, lambda: approve(one, version)) == "policy-closed"

    propose(one, B60)
    gone = one.office.withdraw_policy(PROPOSER, version, "再想想")

    assert (gone.state, gone.remark) == ("withdrawn", "再想想")


# --- files that are being written --------------------------------------------------------------------------------


def test_files_that_somebody_is_writing_are_not_read(tmp_path: Path) -> None:
    """Half of an old bundle and half of a new one is neither; once they stay as they are, they are read."""
    folder = tmp_path / "rules"
    folder.mkdir()
    file, stop = folder / "x.yaml", threading.Event()
    file.write_text("law: x0\n", encoding="utf-8")

    def write_on() -> None:
        number = 0
        while not stop.wait(0.02):
            number += 1
            file.write_text(f"law: x{number}\n", encoding="utf-8")

    thread = threading.Thread(target=write_on)
    thread.start()
    try:
        with pytest.raises(UnsettledError, match="正在被改动"):
            read_settled([tmp_path])
    finally:
        stop.set()
        thread.join()

    assert read_settled([tmp_path]) == read_bundle([tmp_path])
