"""Personal data is sealed under a key per subject, and a lawful erasure takes it away while every proof still holds."""

from __future__ import annotations

import logging
import re
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import structlog
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Engine, select, update

from adapters.ledger import open_database, read, read_events, rebuild, write
from adapters.ledger.decisions import decisions_of
from adapters.ledger.key_tables import subject_keys
from adapters.ledger.private import ERASED, WORDS, put_back, taken_out
from adapters.ledger.serial import canonical
from adapters.ledger.tables import decisions, events, metadata
from adapters.ledger.vault import CIPHERS, ErasedSubjectError, Vault, VaultError, vault_of, with_vault
from adapters.office import (
    CheckRequest,
    ConflictError,
    ErasedError,
    Filing,
    ForbiddenError,
    InvalidError,
    NotFoundError,
    Party,
    Principal,
    Related,
)
from adapters.office.erasing import note_all, reapply, rewrap, wrapped_with
from adapters.office.model import Idempotency
from adapters.vault import FileMasterKeys, MasterKeyError
from engine.casework.model import Evidence
from tests.adapters.databases import Databases
from tests.adapters.support import AUDITOR, FINANCE, HR, MARKET, Desk, enterprise, open_desk, person
from tests.adapters.test_process import CHIEF, INHOUSE, step

CUSTODIAN = Principal("human-resources", frozenset({"custodian"}), "key-custodian", "赵六")


@pytest.fixture
def desk(engine: Engine) -> Desk:
    """An office on a policy with a list whose whole procedure is done here."""
    return open_desk(engine, INHOUSE)


def worked(desk: Desk) -> tuple[str, Party, Party]:
    """A case through everything to its end, with the codes of both persons in every free text; not closed yet."""
    party, boss = enterprise(name="长垣某某建设公司"), person(name="王某某")
    said = f"{party.name}（{party.code}），{boss.name}，身份证{boss.code}"
    proof = (Evidence("a" * 64, f"送达回证（{boss.code}）"),)
    line = {
        "record": "penalty", "id": f"案-{boss.code}", "date": "2026-01-05",
        "subject": {"kind": party.kind, "code": party.code, "name": party.name},
        "fields": {"document_number": f"罚决〔2026〕1号（{boss.code}）", "amount": "5000 元"},
    }  # fmt: skip
    assert [r.status for r in desk.office.put_records(MARKET, [line])] == ["accepted"]
    filing_ = desk.office.file_case(
        HR,
        filing(party, boss),
        idempotency=Idempotency("k1", desk.office.context.code_digest(f"request {party.code}")),
    )
    case = filing_.case.id
    for p in desk.office.process(HR, case).parties:
        step(desk, case, "notify", party=p.id, method="直接送达", reason=said, evidence=proof)
        step(desk, case, "statement", party=p.id, points=(said, "请求减轻"))
    desk.clock.turn(days=10)
    for p in desk.office.process(HR, case).parties:
        step(desk, case, "answer-statement", party=p.id, statement=p.statements[0].id, answers=(said, "不予采纳"))
    step(desk, case, "decide", CHIEF, outcome="list", number="决1号", reason=said)
    for p in desk.office.process(HR, case).parties:
        step(desk, case, "serve", party=p.id, method="直接送达", evidence=proof)
    ban = desk.find(case, "no-procurement")
    for action in ("accept", "confirm"):
        desk.do(FINANCE, ban, action, remark=said if action == "confirm" else "")
    desk.do(FINANCE, ban, "arm", evidence=proof, remark=said)
    desk.do(FINANCE, ban, "apply", applied=True, occasion=said, evidence=proof)
    desk.do(MARKET, desk.find(case, "no-posts"), "accept")
    desk.do(MARKET, desk.find(case, "no-posts"), "respond", outcome="not-applicable", reason=said)
    step(desk, case, "object", points=(said,))
    step(desk, case, "answer-objection", objection="o1", outcome="rejected", reason=said)
    desk.office.check(FINANCE, CheckRequest("procurement", f"投标人 {boss.code}", code=party.code, kind=party.kind))
    desk.office.end_case(HR, case, "withdrawal", said)
    return case, party, boss


def filing(party: Party, boss: Party) -> Any:
    """A filing of an enterprise with its legal representative."""
    return Filing("broken-promise", party, {"amount": "20 万元"}, related=(Related("legal-representative", boss),))


def closed(desk: Desk) -> tuple[str, str, str]:
    """The same case closed: its id, the subject's and the related person's."""
    case, _, _ = worked(desk)
    ban = desk.find(case, "no-procurement")
    desk.do(FINANCE, ban, "lift", evidence=(Evidence("b" * 64, "解除"),))
    view = desk.office.get_case(HR, case)
    assert view.state == "closed"
    (other,) = (p.id for p in desk.office.process(HR, case).parties if p.id != view.subject)
    return case, view.subject, other


def dump(engine: Engine) -> str:
    """Everything in every table."""
    with read(engine) as conn:
        return "\n".join(
            f"{table.name}: {[tuple(row) for row in conn.execute(select(table))]!r}" for table in metadata.sorted_tables
        )


# --- nothing personal in the clear -------------------------------------------------------------------------------


def test_no_identity_number_in_any_table_log_line_event_or_backup(
    desk: Desk, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """Whatever people write, wherever they write it: neither codes nor names, nor codes as bytes in the file."""
    with structlog.testing.capture_logs() as lines, caplog.at_level(logging.DEBUG):
        case, party, boss = worked(desk)
        for letter in desk.office.letters(HR, case)[:2]:
            assert desk.office.letter(HR, letter.id, "pdf")[1][:5] == b"%PDF-"
    secrets = (party.code, boss.code, party.name, boss.name)
    printed = capsys.readouterr()
    said = "\n".join((dump(desk.engine), repr(lines), caplog.text, printed.out, printed.err))
    backup = b""
    if desk.engine.dialect.name == "sqlite":
        with write(desk.engine) as conn:
            conn.exec_driver_sql("UPDATE log SET mark = mark")
        path = Path(str(desk.engine.url.database))
        backup = b"".join(p.read_bytes() for p in path.parent.glob(f"{path.name}*"))

    assert [s for s in secrets if s in said] == []
    assert [s for s in secrets if s.encode() in backup] == []


def test_what_is_sealed_is_there_for_those_who_may_see_it(desk: Desk) -> None:
    """Events, decision, process, queue, letters and the name: nothing is lost by sealing."""
    case, party, boss = worked(desk)
    stream = desk.office.events(HR, case, limit=200).items
    process = desk.office.process(HR, case)

    assert desk.office.get_subject(HR, process.case.subject).name == party.name
    assert sum(boss.code in str(e.payload) for e in stream) >= 10
    assert boss.code in process.parties[0].statements[0].points[0]
    assert boss.code in process.parties[0].statements[0].answers[0]
    posts = desk.office.get_obligation(HR, desk.find(case, "no-posts"))
    assert boss.code in str(posts.obligation.reason)
    assert desk.office.decision(HR, case).reproduced


def test_a_repeated_request_is_answered_from_what_is_sealed(desk: Desk) -> None:
    """The same answer to the same key, and no plain answer in the table."""
    party, boss = enterprise(), person()
    idem = Idempotency("again", "d" * 64)
    first = desk.office.file_case(HR, filing(party, boss), idempotency=idem)
    second = desk.office.file_case(HR, filing(party, boss), idempotency=idem)

    assert second == replace(first, replayed=True)


def test_a_changed_seal_is_found_out(desk: Desk) -> None:
    """A byte changed in what is sealed, or one subject's seal put in another's place, never opens as something else."""
    case, _, _ = worked(desk)
    with read(desk.engine) as conn:
        row = conn.execute(select(decisions).where(decisions.c.case_id == case)).first()
    assert row is not None
    with write(desk.engine) as conn:
        bad = bytearray(row.content)
        bad[40] ^= 1
        conn.execute(update(decisions).where(decisions.c.digest == row.digest).values(content=bytes(bad)))
    with read(desk.engine) as conn, pytest.raises(VaultError, match="已被改动"):
        decisions_of(conn, case)


# --- erasure -----------------------------------------------------------------------------------------------------


def test_erasure_takes_everything_away_and_every_proof_holds(desk: Desk) -> None:
    """Texts that are hashed stay byte for byte; words, facts, letters and names are gone; rebuild agrees."""
    case, subject, _ = closed(desk)
    desk.office.proofs.seal()
    with read(desk.engine) as conn:
        before = [e.text for e in read_events(conn, case)]
    done = desk.office.erase(CUSTODIAN, subject, "retention-expired", "长信〔2031〕9号")
    desk.office.proofs.seal()
    report = desk.office.proofs.verify()
    with read(desk.engine) as conn:
        stream = read_events(conn, case)
        found = decisions_of(conn, case)

    assert (done.cases, done.decisions, done.article) == (1, len(found), "第四十七条第一款（二）")
    assert [e.text for e in stream] == before
    assert all(e.computed_hash() == e.hash for e in stream)
    assert report.problems == []
    assert [d.content for d in found] == [None] * len(found)
    notified = next(e.payload for e in stream if e.payload.get("action") == "notify")
    assert notified["detail"] == {"erased": ERASED}
    own, other = desk.office.process(HR, case).parties
    assert own.statements[0].points == (ERASED,)
    assert other.statements[0].points[1] == "请求减轻"
    with pytest.raises(ErasedError):
        desk.office.decision(HR, case)
    assert desk.office.get_subject(AUDITOR, subject).name is None
    rows = desk.rows()
    rebuild(desk.engine, desk.office.context.policies)
    assert desk.rows() == rows
    assert [e.subject for e in desk.office.erasures(AUDITOR)] == [subject]


def test_a_related_persons_words_go_with_them_alone(desk: Desk) -> None:
    """Erasing the representative leaves the enterprise's facts and decision."""
    case, subject, other = closed(desk)
    desk.office.erase(CUSTODIAN, other, "purpose-served", "申请书1号")
    own, related = desk.office.process(HR, case).parties

    assert desk.office.decision(HR, case).reproduced
    assert (own.id, own.statements[0].points[1]) == (subject, "请求减轻")
    assert (related.id, related.statements[0].points) == (other, (ERASED,))
    assert desk.office.get_obligation(HR, desk.find(case, "no-posts")).obligation.reason == ERASED


def test_whoever_goes_second_is_wholly_gone_too(desk: Desk) -> None:
    """The company first, then its representative: nothing sealed is left, and every commitment is accounted for."""
    case = desk.office.file_case(HR, filing(enterprise(), person())).case.id
    subject, other = (p.id for p in desk.office.process(HR, case).parties)
    for p in (subject, other):  # heard, and then not listed: no obligation leads to either
        step(desk, case, "notify", party=p, method="直接送达", reason="失约", evidence=(Evidence("a" * 64, "回证"),))
        step(desk, case, "statement", party=p, points=("事出有因",))
        statement = desk.office.process(HR, case).parties[(subject, other).index(p)].statements[0].id
        step(desk, case, "answer-statement", party=p, statement=statement, answers=("采纳",))
    desk.clock.turn(days=10)
    step(desk, case, "decide", CHIEF, outcome="not-list", number="决1号", reason="情节轻微")
    for person_ in (subject, other):
        desk.office.erase(CUSTODIAN, person_, "retention-expired", "9号")
    with read(desk.engine) as conn:
        rows = conn.execute(select(events).where(events.c.case_id == case)).all()
        gone = [e.payload["commitments"] for s in (subject, other) for e in read_events(conn, f"subject:{s}")]
    promised = {c for row in rows for c in re.findall('"@sealed":"([0-9a-f]{64})"', row.payload)}

    assert [row.words for row in rows if row.words is not None] == []
    assert promised == {*gone[0], *gone[1]}
    assert gone[1]


def test_the_same_person_coming_back_is_a_new_subject(desk: Desk) -> None:
    """Nothing on file tells that it is the same one, and the same facts are no double."""
    case, party, boss = worked(desk)
    desk.do(FINANCE, desk.find(case, "no-procurement"), "lift", evidence=(Evidence("b" * 64, "解除"),))
    subject = desk.office.get_case(HR, case).subject
    desk.office.erase(CUSTODIAN, subject, "retention-expired", "长信〔2031〕9号")
    again = desk.office.file_case(HR, filing(party, boss))

    assert again.case.subject != subject
    with pytest.raises(NotFoundError):
        desk.office.get_subject(HR, "00000000-0000-0000-0000-000000000000")


def test_what_is_not_lawful_is_refused(desk: Desk) -> None:
    """No custodian, no ground of the law, no reference, nobody there, an open case, a second time."""
    case, _, _ = worked(desk)
    subject = desk.office.get_case(HR, case).subject
    ground = "retention-expired"
    with pytest.raises(ForbiddenError):
        desk.office.erase(HR, subject, ground, "9号")
    for wrong in ((subject, "because", "9号"), (subject, "reapplied", "9号"), (subject, ground, " ")):
        with pytest.raises(InvalidError):
            desk.office.erase(CUSTODIAN, *wrong)
    with pytest.raises(NotFoundError):
        desk.office.erase(CUSTODIAN, "x", ground, "9号")
    with pytest.raises(ConflictError) as raised:
        desk.office.erase(CUSTODIAN, subject, ground, "9号")
    assert (raised.value.code, desk.office.decision(HR, case).reproduced) == ("case-open", True)
    desk.do(FINANCE, desk.find(case, "no-procurement"), "lift", evidence=(Evidence("b" * 64, "解除"),))
    desk.office.erase(CUSTODIAN, subject, ground, "9号")
    with pytest.raises(ConflictError) as raised:
        desk.office.erase(CUSTODIAN, subject, ground, "9号")
    assert raised.value.code == "already-erased"


def test_a_restored_backup_brings_nobody_back(desk: Desk, databases: Databases, tmp_path: Path) -> None:
    """With the key still in the old file nothing opens, and the next round erases again; then all is proved."""
    if desk.engine.dialect.name != "sqlite":
        pytest.skip("a file is copied; on PostgreSQL the same rows come back by pg_restore")
    case, subject, _ = closed(desk)
    desk.office.proofs.seal()
    with desk.engine.connect() as conn:
        conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    path = Path(str(desk.engine.url.database))
    backup = tmp_path / "backup.db"
    shutil.copy(path, backup)
    desk.office.erase(CUSTODIAN, subject, "retention-expired", "9号")

    masters = FileMasterKeys(Path(f"{path}.master-keys.json"))
    restored = with_vault(open_database(f"sqlite:///{backup}"), Vault(masters))
    office = replace(desk.office.context, engine=restored)
    with read(restored) as conn:
        assert {d.content for d in decisions_of(conn, case)} == {None}
        row = conn.execute(select(subject_keys).where(subject_keys.c.subject_id == subject)).one()
        assert row.wrapped is not None
    assert (reapply(office), reapply(office)) == (1, 0)
    with read(restored) as conn:
        row = conn.execute(select(subject_keys).where(subject_keys.c.subject_id == subject)).one()
        assert (row.wrapped, row.master) == (None, None)
        assert all(e.computed_hash() == e.hash for e in read_events(conn, case))
    restored.dispose()


def test_the_master_keys_learn_of_an_erasure_that_was_cut_off(desk: Desk) -> None:
    """Committed, and then the process died before the note was made."""
    _, subject, _ = closed(desk)
    with write(desk.engine) as conn:
        assert vault_of(conn).destroy(conn, subject, "2031-01-01T00:00:00.000000Z")
    masters = desk.office.context.masters
    assert subject not in masters.forgotten()
    note_all(desk.office.context)

    assert subject in masters.forgotten()


# --- the master key ----------------------------------------------------------------------------------------------


def test_the_master_key_is_changed_under_way_and_the_old_one_retired(desk: Desk) -> None:
    """Everything opens before, between and after; what was wrapped with the old key does not open once it is gone."""
    case, _, _ = worked(desk)
    context, masters = desk.office.context, desk.office.context.masters
    old = masters.current()
    with read(desk.engine) as conn:
        row = conn.execute(select(subject_keys).limit(1)).one()
    new = masters.rotate()
    between = desk.office.file_case(HR, filing(enterprise(), person())).case.id
    assert {old, new} == set(wrapped_with(context))
    moved = sum(rewrap(context, batch=1))
    fresh = Vault(masters)
    with pytest.raises(MasterKeyError):
        masters.retire(new)
    masters.retire(old)

    assert (moved, set(wrapped_with(context))) == (2, {new})
    with with_vault(desk.engine, fresh).connect() as conn:
        for c in (case, between):
            assert all(d.content is not None for d in decisions_of(conn, c))
    with pytest.raises(MasterKeyError):
        masters.unwrap(row.master, row.wrapped, row.subject_id)


def test_two_processes_share_one_file(tmp_path: Path) -> None:
    """Each sees what the other changed; a file of anything else is refused in words."""
    path = tmp_path / "keys.json"
    one, two = FileMasterKeys(path), FileMasterKeys(path)
    name, wrapped = one.wrap(b"k" * 32, "s")
    assert two.unwrap(name, wrapped, "s") == b"k" * 32
    newer = two.rotate()
    assert (one.current(), one.known()) == (newer, (name, newer))
    one.forget(["s1", "s2"])
    assert two.forgotten() == {"s1", "s2"}
    assert path.stat().st_mode & 0o077 == 0
    with pytest.raises(MasterKeyError, match="打不开"):
        one.unwrap(name, wrapped, "t")
    path.write_text('{"keys": {"m1": "00"}}')
    with pytest.raises(MasterKeyError):
        one.current()


@pytest.mark.parametrize("cipher", CIPHERS)
def test_either_cipher_opens_what_it_sealed_and_no_one_elses(engine: Engine, tmp_path: Path, cipher: Any) -> None:
    """Also after the setting was changed; a seal moved to another place or subject does not open."""
    masters = FileMasterKeys(tmp_path / "keys.json")
    vault, other = Vault(masters, cipher), Vault(masters, next(c for c in CIPHERS if c != cipher))
    with write(with_vault(engine, vault)) as conn:
        sealed = vault.seal(conn, "s1", "身份号码".encode(), "place")
        vault.seal(conn, "s2", b"x", "place")
        assert vault.open(conn, "s1", sealed, "place").decode() == "身份号码"
        assert other.open(conn, "s1", sealed, "place").decode() == "身份号码"
        for subject, label in (("s2", "place"), ("s1", "elsewhere")):
            with pytest.raises(VaultError):
                vault.open(conn, subject, sealed, label)
        assert "身份号码".encode() not in sealed
        assert vault.destroy(conn, "s1", "t")
        with pytest.raises(ErasedSubjectError):
            vault.open(conn, "s1", sealed, "place")
        masters.forget(["s1"])
        with pytest.raises(ErasedSubjectError):  # though it has the key in memory
            other.open(conn, "s1", sealed, "place")


def test_without_the_master_key_nothing_is_read(desk: Desk) -> None:
    """A connection that was not given the keys says so instead of showing something else."""
    case, _, _ = worked(desk)
    bare = open_database(desk.engine.url.render_as_string(hide_password=False))
    with bare.connect() as conn, pytest.raises(VaultError, match="主密钥"):
        read_events(conn, case)
    bare.dispose()


# --- taking words out ---------------------------------------------------------------------------------------------

JSON_ = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "reason", "points"]), inner),
    max_leaves=8,
)
MOVES = st.fixed_dictionaries({
    "changes": st.dictionaries(st.sampled_from(["reason", "state", "shielded", "x"]), JSON_, max_size=3)
    | st.fixed_dictionaries({"party": st.fixed_dictionaries({"@party": st.fixed_dictionaries({
        "id": st.sampled_from(["p1", "p2"]), "statements": st.lists(st.fixed_dictionaries({"@statement":
            st.fixed_dictionaries({"points": st.lists(st.text(), max_size=2)})}), max_size=2)})})}),
    "detail": st.dictionaries(st.text(max_size=3), JSON_, max_size=3),
})  # fmt: skip


@given(MOVES, st.sampled_from(["system", "tax"]))
def test_words_taken_out_come_back_and_are_not_in_the_text(document: dict[str, Any], department: str) -> None:
    """Putting back is the inverse; without what was sealed only commitments are left."""
    opened, words = taken_out("case-moved", document, owner="s", department=department)

    assert put_back(opened, {w.commitment: (w.salt, w.value) for w in words}) == document
    left = canonical(put_back(opened, {}))
    for w in words:
        assert len(w.salt) == 32
        assert w.commitment not in left
    for name in WORDS & document["changes"].keys():
        kept = opened["changes"][name]
        assert not kept or kept in (ERASED, [ERASED]) or kept.keys() == {"@sealed", "of"}
    assert not document["detail"] or department == "system" or opened["detail"].keys() == {"@sealed", "of"}
    if "party" in document["changes"]:
        own = document["changes"]["party"]["@party"]["id"]
        assert {w.owner for w in words} <= {own}
