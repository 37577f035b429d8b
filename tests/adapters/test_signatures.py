"""What is in force is signed: whatever is changed in the ledger from outside is found, and not used."""

from __future__ import annotations

import json
import shutil
import stat
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, delete, insert, select, text, update

from adapters.ledger import open_database, read, upgrade, write
from adapters.ledger.activations import read_activations
from adapters.ledger.policies import CorruptPolicyError, PolicyStore, UntrustedPolicyError
from adapters.ledger.tables import activations, policies, proposals
from adapters.office import CheckRequest, Office, PolicyProposal, PolicyVerification
from adapters.signing import DerivedSigner, FileSigner, Signer, SigningKeyError, key_id
from engine.casework.model import Actor
from engine.language.build import version_of
from tests.adapters.bundle import FILES
from tests.adapters.databases import BACKENDS, Databases
from tests.adapters.publishing import B60, B70, B80
from tests.adapters.support import (
    APPROVER,
    AUDITOR,
    EXAMINER,
    FINANCE,
    PROPOSER,
    SECRET,
    Clock,
    Desk,
    ReferenceEvaluator,
    enterprise,
    open_desk,
)

NOW = "2026-11-24T02:00:00.000000Z"  # where the clock stands


@pytest.fixture(scope="module")
def three(databases: Databases, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A database with three versions that came into force one after the other, and its key beside it."""
    made = tmp_path_factory.mktemp("three") / "made.db"
    with databases.fresh("sqlite") as engine:
        desk = open_desk(engine, signer=FileSigner(made.with_suffix(".pem")))
        desk.publish(B60)
        desk.publish(B70)
        with engine.connect() as conn:
            conn.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)")
        shutil.copy(str(engine.url.database), made)
    return made


@pytest.fixture
def one(three: Path, tmp_path: Path) -> Iterator[Desk]:
    """An office on a copy of it."""
    shutil.copy(three, tmp_path / "copy.db")
    engine = open_database(f"sqlite:///{tmp_path / 'copy.db'}")
    yield office_on(engine, FileSigner(three.with_suffix(".pem")))
    engine.dispose()


def office_on(engine: Engine, signer: Signer | None = None) -> Desk:
    """An office on what is there."""
    clock, evaluator = Clock(), ReferenceEvaluator()
    office = Office(engine, evaluator=evaluator, clock=clock, secret=SECRET, examiner=EXAMINER, signer=signer)
    return Desk(office, engine, clock, evaluator)


def again(desk: Desk, signer: Any = None) -> Office:
    """The office as another process opens it: nothing is remembered."""
    context = desk.office.context
    return Office(
        desk.engine, evaluator=desk.evaluator, clock=desk.clock, secret=context.secret, examiner=EXAMINER,
        signer=signer or context.signer,
    )  # fmt: skip


def verified(desk: Desk) -> PolicyVerification:
    """Everything, by a process of its own."""
    return again(desk).verify_policies(AUDITOR)


def last(conn: Connection) -> int:
    """The activation in force."""
    return read_activations(conn)[-1].id


def of_last(**values: Any) -> Callable[[Connection], None]:
    """Change the activation in force."""
    return lambda conn: conn.execute(update(activations).where(activations.c.id == last(conn)).values(values)) and None


def of_proposal(**values: Any) -> Callable[[Connection], None]:
    """Change the proposal behind it."""

    def change(conn: Connection) -> None:
        number = read_activations(conn)[-1].proposal.id
        conn.execute(update(proposals).where(proposals.c.id == number).values(values))

    return change


def other_version(conn: Connection) -> None:
    """Put the first version in force, by the activation of the last."""
    first = read_activations(conn)[0].version
    conn.execute(update(activations).where(activations.c.id == last(conn)).values(version=first))


def unsigned(conn: Connection) -> None:
    """An activation of one's own, without a signature."""
    row = read_activations(conn)[0]
    conn.execute(
        insert(activations).values(
            act="approval", version=row.version, proposal_id=row.proposal.id, effective_from=NOW,
            approved_by="a/b", approved_key="k", approved_at=NOW, remark="",
        )
    )  # fmt: skip


def foreign(conn: Connection) -> None:
    """The activation in force, signed with a key of one's own."""
    signer = DerivedSigner(b"somebody else")
    row = read_activations(conn)[-1]
    mine = {"approved_by": "a/b", "signer": signer.public_key}
    conn.execute(update(activations).where(activations.c.id == row.id).values(mine))
    row = read_activations(conn)[-1]
    signature = signer.sign(row.statement(row.previous))
    conn.execute(update(activations).where(activations.c.id == row.id).values(signature=signature))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (of_last(effective_from="2026-11-24T01:59:59.000000Z"), "与签名不符"),
        (
            of_last(effective_from="2027-01-01T00:00:00.000000Z"),
            "与签名不符",
        ),  # so that the one before is in force again
        (of_last(approved_by="government-office/赵"), "与签名不符"),
        (of_last(approved_at="2026-11-20T00:00:00.000000Z"), "与签名不符"),
        (of_last(approved_key="other"), "与签名不符"),
        (of_last(remark="同意"), "与签名不符"),
        (of_last(act="rollback"), "与签名不符"),
        (of_last(previous="0" * 64), "与签名不符"),
        (of_last(signature="00" * 64), "与签名不符"),
        (of_last(signature=None), "没有签名"),
        (of_proposal(proposed_officer="赵"), "与签名不符"),
        (of_proposal(reason="另有理由"), "与签名不符"),
        (of_proposal(checks_digest="0" * 64), "与签名不符"),
        (of_proposal(migration="keep"), "与签名不符"),
        (other_version, "与签名不符"),
        (unsigned, "没有签名"),
        (foreign, "由不受信任的密钥签署"),
    ],
)
def test_a_changed_activation_is_found_and_not_used(
    one: Desk, change: Callable[[Connection], None], problem: str
) -> None:
    """Nothing is filed, checked at the counter or shown as in force by it; `verify` says what is wrong."""
    with write(one.engine) as conn:
        change(conn)
    party, fresh = enterprise(), again(one)
    for ask in (
        fresh.current_policy, fresh.describe_policy, fresh.due_cases,
        lambda: fresh.check(FINANCE, CheckRequest("procurement", "x", code=party.code)),
    ):  # fmt: skip
        with pytest.raises(UntrustedPolicyError, match=f"{problem}，不予启用"):
            ask()

    assert any(problem in f.problem for f in verified(one).findings)


def swapped(conn: Connection) -> None:
    """The second and third activation in each other's place."""
    _, second, third = (a.id for a in read_activations(conn))
    for old, new in ((second, -1), (third, second), (-1, third)):
        conn.execute(update(activations).where(activations.c.id == old).values(id=new))


def without_second(conn: Connection) -> None:
    """The middle taken out."""
    conn.execute(delete(activations).where(activations.c.id == read_activations(conn)[1].id))


def without_last(conn: Connection) -> None:
    """The end cut off."""
    conn.execute(delete(activations).where(activations.c.id == last(conn)))


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (swapped, "接不上"),
        (without_second, "接不上"),
        (without_last, "没有启用记录"),
        (of_proposal(checks="[]"), "检查结果"),
        (of_proposal(changes="{}"), "改动说明"),
    ],
)
def test_what_signatures_do_not_show_by_themselves_is_found(
    one: Desk, change: Callable[[Connection], None], problem: str
) -> None:
    """An order, something left out, or a text of which the digest is signed."""
    assert verified(one).findings == ()

    with write(one.engine) as conn:
        change(conn)

    assert any(problem in f.problem for f in verified(one).findings)


@pytest.mark.parametrize("change", [of_last(effective_from="2027-01-01T00:00:00.000000Z"), without_last])
def test_a_running_service_is_not_led_back(one: Desk, change: Callable[[Connection], None]) -> None:
    """It knows what was in force; an earlier version does not come back by a row that is changed or gone."""
    one.office.current_policy()
    with write(one.engine) as conn:
        change(conn)

    with pytest.raises(UntrustedPolicyError):
        one.office.current_policy()


@pytest.mark.parametrize("garbage", [False, True])
def test_changed_content_is_found_and_not_used(one: Desk, garbage: bool) -> None:
    """A threshold changed in the stored files, or bytes that are no files."""
    version = one.office.current_policy().version
    with write(one.engine) as conn:
        content = conn.execute(select(policies.c.content).where(policies.c.version == version)).scalar_one()
        files = json.loads(zlib.decompress(content))
        files["memoranda/arrears.yaml"] = files["memoranda/arrears.yaml"].replace("70 万元", "1 万元")
        changed = b"x" if garbage else zlib.compress(json.dumps(files, ensure_ascii=False).encode())
        conn.execute(update(policies).where(policies.c.version == version).values(content=changed))
    (found,) = verified(one).findings

    assert (found.version, found.activation) == (version, None)
    assert ("读不出来" if garbage else "已被改动") in found.problem
    with pytest.raises(CorruptPolicyError):
        again(one).current_policy()


def test_verifying_one_version_says_nothing_of_others(one: Desk) -> None:
    """The counts are its own."""
    version = one.office.current_policy().version
    with write(one.engine) as conn:
        first = read_activations(conn)[0]
        conn.execute(update(activations).where(activations.c.id == first.id).values(remark="x"))
    found = again(one).verify_policies(AUDITOR, version)
    whole = verified(one)

    assert (found.versions, found.activations, found.unsigned, found.findings) == (1, 1, (), ())
    # the signature, the one after it, and the event
    assert (whole.versions, whole.activations, len(whole.findings)) == (3, 3, 3)


# --- the key -----------------------------------------------------------------------------------------------------


def test_the_key_is_made_when_it_is_first_needed(databases: Databases, tmp_path: Path) -> None:
    """A PEM file for its owner alone; who only reads makes none."""
    path = tmp_path / "k.pem"
    with databases.fresh("sqlite") as engine:
        desk = open_desk(engine)
        with write(engine) as conn:
            for table in (activations, proposals, policies):
                conn.execute(delete(table))
        office = again(desk, FileSigner(path))
        assert office.verify_policies(AUDITOR).findings == ()
        assert not path.exists()
        bootstrapped = office.bootstrap_policy(
            FILES, proposed_by=Actor("government-office", "甲"), approved_by=Actor("government-office", "乙")
        )

    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert path.read_bytes().startswith(b"-----BEGIN PRIVATE KEY-----")
    assert bootstrapped.key == key_id(FileSigner(path).public_key)
    assert [p.name for p in tmp_path.iterdir()] == ["k.pem"]


def test_a_lost_key_is_not_replaced_in_silence(one: Desk, tmp_path: Path) -> None:
    """Nothing is in force by another key, nothing is signed with one; told of the old key, the new one goes on."""
    path = tmp_path / "k.pem"
    lost = again(one, FileSigner(path))
    version = one.office.propose_policy(PROPOSER, PolicyProposal(B80, "试验")).version
    with pytest.raises(SigningKeyError):
        lost.approve_policy(APPROVER, version)
    with pytest.raises(UntrustedPolicyError):
        lost.current_policy()

    assert not path.exists()

    old = one.office.context.signer.public_key
    path.with_name("k.pem.trusted").write_text(f"{old}\n", encoding="ascii")
    told = again(one, FileSigner(path))
    told.approve_policy(APPROVER, version)

    assert told.current_policy().version == version
    assert told.verify_policies(AUDITOR).findings == ()
    with pytest.raises(UntrustedPolicyError):  # whoever knows the old key alone
        again(one).current_policy()


@pytest.mark.parametrize(
    "content", [b"", b"nonsense", b"-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n"]
)
def test_a_file_that_holds_no_key_is_said_to_hold_none(tmp_path: Path, content: bytes) -> None:
    """Instead of being overwritten."""
    path = tmp_path / "k.pem"
    path.write_bytes(content)
    with pytest.raises(SigningKeyError, match="不是未加密的 PEM 私钥"):
        FileSigner(path).sign(b"x")

    assert path.read_bytes() == content


# --- ledgers from before there were signatures -------------------------------------------------------------------


@pytest.fixture(params=BACKENDS)
def old(request: pytest.FixtureRequest, databases: Databases) -> Iterator[Engine]:
    """A ledger as it was before publishing: two versions in force one after the other, a third proposed only."""
    with databases.fresh(request.param, migrated=False) as engine:
        upgrade(engine, "0002")
        with write(engine) as conn:
            for number, files in enumerate((FILES, B60, B70)):
                version, content = stored(files)
                conn.execute(
                    text(
                        "INSERT INTO policies (version, content, counts, proposed_at, proposed_department, "
                        "proposed_officer, proposed_key) VALUES (:v, :c, '{}', :at, 'government-office', '甲', 'k1')"
                    ),
                    {"v": version, "c": content, "at": f"2026-11-0{number + 1}T00:00:00.000000Z"},
                )
                if number < 2:
                    conn.execute(
                        text(
                            "INSERT INTO activations (version, proposed_by, approved_by, approved_key, approved_at) "
                            "VALUES (:v, 'government-office/甲', 'government-office/乙', 'k2', :at)"
                        ),
                        {"v": version, "at": f"2026-11-1{number}T00:00:00.000000Z"},
                    )
        upgrade(engine)
        yield engine


def stored(files: Any) -> tuple[str, bytes]:
    """Version and content of a bundle."""
    return version_of(files), zlib.compress(json.dumps(files, ensure_ascii=False, sort_keys=True).encode())


def test_an_old_ledger_goes_on_and_says_what_is_not_signed(old: Engine) -> None:
    """What was in force stays so; what was proposed unchecked has to be proposed again; the next approval is signed."""
    desk = office_on(old)
    versions = [stored(f)[0] for f in (FILES, B60, B70)]
    history = desk.office.policy_history(AUDITOR).items

    assert desk.office.current_policy().version == versions[1]
    assert [(v.version, v.state, v.key) for v in reversed(history)] == [
        (versions[0], "past", None), (versions[1], "in-force", None), (versions[2], "withdrawn", None),
    ]  # fmt: skip
    assert history[1].effective_from == "2026-11-11T00:00:00.000000Z"
    assert (desk.office.verify_policies(AUDITOR).unsigned, desk.office.verify_policies(AUDITOR).findings) == (
        tuple(versions[:2]), (),
    )  # fmt: skip

    desk.publish(B70)

    assert desk.office.current_policy().version == versions[2]
    assert desk.office.verify_policies(AUDITOR).findings == ()
    assert desk.office.roll_policy_back(PROPOSER, "x").version == versions[1]


def test_the_first_signature_vouches_for_what_was_before_it(old: Engine) -> None:
    """Changed afterwards, even what was never signed itself is found; and it is not used."""
    desk = office_on(old)
    desk.publish(B70)
    with write(old) as conn:
        second = read_activations(conn)[1]
        conn.execute(update(activations).where(activations.c.id == second.id).values(approved_by="a/b"))
    with read(old) as conn:
        findings = desk.office.verify_policies(AUDITOR).findings
        with pytest.raises(UntrustedPolicyError):
            PolicyStore(old).current_version(conn, "2026-11-12T00:00:00.000000Z")

    assert [f.problem for f in findings] == ["启用记录与前一条接不上：有记录被删除、插入、改动或调换"]
