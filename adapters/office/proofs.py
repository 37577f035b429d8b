"""Proofs that nothing is lost, changed or put in: promises with every write, checkpoints, receipts and witnesses."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Engine, Row, func, insert, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.event import listen

from adapters.ledger import tree
from adapters.ledger.database import read, write
from adapters.ledger.proof_tables import (
    log,
    log_checkpoints,
    log_countersignatures,
    log_timestamps,
    log_witnesses,
)
from adapters.ledger.tables import events
from adapters.ledger.tree import NoCheckpointError, Sealed, Waiting
from adapters.ledger.tree_check import Checked, check_log
from adapters.office.access import case_row_of, is_auditor, is_initiator
from adapters.office.errors import ConflictError, FieldError, ForbiddenError, InvalidError, NotFoundError
from adapters.office.model import Principal
from adapters.signing import Signer
from adapters.timestamping import Timestamper
from engine.proof.checkpoint import hashing_of, publication, read_countersignature
from engine.proof.merkle import consistency_ranges, inclusion_ranges, prove
from engine.proof.receipt import Inclusion, later, make_receipt, promising
from engine.proof.signed import Json, ProofError, Signed, canonical, integer, signed

DELAY = 600
"""Seconds within which an event is promised to be in a checkpoint. It takes a few; the rest is for restarts."""
ARCHIVE = "xinheng-archive/1"
"""The type of what is signed under a whole archive of the log."""
STAMP_EVERY = 3600
"""Seconds from one timestamp to the next: a token speaks for everything before it."""
MAX_SIZE = 2**53
MAX_VERSION = 2**31 - 1
"""Events of a case; what the column holds."""


@dataclass(frozen=True, slots=True)
class Vouched:
    """A checkpoint with the countersignatures that it has."""

    sealed: Sealed
    countersignatures: tuple[Signed, ...]


@dataclass(frozen=True, slots=True)
class Consistency:
    """That one tree begins with another: their sizes, and the hashes in hex that show it."""

    first: int
    second: int
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key of the log: the size of the first and of the last checkpoint under it; `current` is in use now."""

    key: str
    first: int | None
    last: int | None
    current: bool


@dataclass(frozen=True, slots=True)
class Witness:
    """A department that countersigns checkpoints with this key, and when its key was registered and revoked."""

    department: str
    key: str
    registered_at: str
    registered_by: str
    revoked_at: str | None


@dataclass(frozen=True, slots=True)
class LogKeys:
    """What a verifier has to know of the log. `delay` is in seconds; `hash` None before the first checkpoint."""

    origin: str
    hash: str | None
    delay: int
    keys: tuple[SigningKey, ...]
    witnesses: tuple[Witness, ...]


@dataclass(frozen=True, slots=True)
class LogSettings:
    """The log's key, within how many seconds it promises to take events in, and the hash function of a new log.

    `timestamper`: the authority that says when checkpoints stood, if there is one.
    """

    signer: Signer
    delay: int = DELAY
    hash: str = "sha256"
    timestamper: Timestamper | None = None


class Proofs:
    """The log as a whole. Safe to share between threads."""

    def __init__(self, engine: Engine, settings: LogSettings, clock: Callable[[], str]) -> None:
        """`clock` gives this instant as text."""
        self._engine, self._clock = engine, clock
        self._signer, self.delay, self._hash = settings.signer, settings.delay, settings.hash
        self._timestamper = settings.timestamper
        self._origin: str | None = None

    # writing

    def promise(self, conn: Connection, case: str, version: int, event: str, at: str) -> Signed:
        """The promise that goes with a write: this event and all before it of the case will be in a checkpoint.

        Made inside the write's transaction, so that nothing stands that nobody vouches for.

        Raises:
            SigningKeyError: there is no usable key.

        """
        return self._promise(conn, case, version, event, at, pin=True)

    def _promise(self, conn: Connection, case: str, version: int, event: str, at: str, *, pin: bool) -> Signed:
        origin = self._origin
        if origin is None:
            origin, known = tree.name_of(conn, self._signer, pin=pin)
            if known:
                self._origin = origin
            elif pin:  # which stands only if `conn` commits
                listen(conn, "commit", lambda _: setattr(self, "_origin", origin))
        statement = promising(origin=origin, case=case, version=version, event=event, at=at, delay=self.delay)
        return signed(statement, self._signer.public_key, self._signer.sign)

    def seal(self) -> tuple[Sealed, ...]:
        """Take all that waits into the tree and sign checkpoints; may be repeated, and done by several at once.

        Raises:
            SigningKeyError: there is no usable key.

        """
        made = []
        while found := self._seal():
            made.append(found)
        return tuple(made)

    def _seal(self) -> Sealed | None:
        return tree.seal(
            self._engine, self._signer, now=self._clock, delay=self.delay, hash_name=self._hash
        )  # fmt: skip

    def stamp(self) -> str | None:
        """Have the latest checkpoint timestamped, at most once an hour; the instant that it proves, None if not now.

        The authority is asked outside of every transaction: it may be slow or away, and nothing waits for it.

        Raises:
            TimestampError: the authority gave no token that is good.

        """
        if self._timestamper is None:
            return None
        now = self._clock()
        with read(self._engine) as conn:
            asked = conn.execute(select(func.max(log_timestamps.c.asked_at))).scalar()
            last = conn.execute(select(func.max(log_timestamps.c.size))).scalar()
            try:
                found = tree.checkpoint(conn, None)
            except NoCheckpointError:
                return None
        size = found.checkpoint.head.size
        if size == last or (asked is not None and asked > later(now, -STAMP_EVERY)):
            return None
        statement = canonical(found.signed.statement)
        token = self._timestamper.stamp(statement)
        values = {"size": size, "token": token, "asked_at": now}
        values["proved_at"] = proved = self._timestamper.time_of(token, statement)
        with write(self._engine) as conn:
            dialect: Any = postgresql if conn.dialect.name == "postgresql" else sqlite
            conn.execute(dialect.insert(log_timestamps).values(values).on_conflict_do_nothing())
        return proved

    def sign_archive(self, sha256: str) -> str:
        """The log's signature, in hex, under the digest of an archive (`adapters.audit.archive`).

        Raises:
            SigningKeyError: there is no usable key.

        """
        return self._signer.sign(canonical({"type": ARCHIVE, "sha256": sha256}))

    def countersign(self, document: Mapping[str, Any]) -> Signed:
        """Keep a witness's countersignature; its signature is all that it needs. Doing so twice keeps the first.

        Raises:
            ForbiddenError: `not-a-witness`, nobody registered this key, or it was revoked.
            NotFoundError: there is no checkpoint of this size.
            InvalidError: it is no countersignature of this checkpoint.

        """
        try:
            given = Signed.of(document)
            size = integer(given.statement, "size")
        except ProofError as error:
            raise InvalidError((FieldError("statement", error.code, str(error)),)) from error
        with read(self._engine) as conn:
            found = _checkpoint(conn, size)
            known = select(log_witnesses).where(log_witnesses.c.key == given.key)
            witness = conn.execute(known).one_or_none() if _is_hex(given.key) else None
        if witness is None or witness.revoked_at is not None:
            message = "由日志方以 xinheng log register 登记见证人的公钥"
            raise ForbiddenError(message, code="not-a-witness", title="该公钥没有登记为见证人")
        try:
            name = read_countersignature(given, found.signed.statement, {witness.key})
            if name != witness.department:
                raise ProofError("other-witness", f"该公钥登记在 {witness.department} 名下")  # noqa: TRY301 - one answer for both
        except ProofError as error:
            raise InvalidError((FieldError("statement", error.code, str(error)),)) from error
        values = {
            "size": size, "key": given.key, "statement": canonical(given.statement).decode(),
            "signature": given.signature,
        }  # fmt: skip
        with write(self._engine) as conn:
            dialect: Any = postgresql if conn.dialect.name == "postgresql" else sqlite
            conn.execute(dialect.insert(log_countersignatures).values(values).on_conflict_do_nothing())
        return given

    def register_witness(self, department: str, key: str, by: str) -> Witness:
        """Let a department's key countersign; for the command line of the host.

        Raises:
            InvalidError: it is no public key.
            ConflictError: `witness-known`, the key is registered already.

        """
        if not _is_hex(key):
            raise InvalidError((FieldError("key", "wrong-value", "应为 64 位小写十六进制的 Ed25519 公钥"),))
        made = Witness(department, key, self._clock(), by, None)
        with write(self._engine) as conn:
            if conn.execute(select(log_witnesses.c.key).where(log_witnesses.c.key == key)).scalar() is not None:
                raise ConflictError(code="witness-known", title="该公钥已经登记")
            values = {name: getattr(made, name) for name in Witness.__slots__}
            conn.execute(insert(log_witnesses), values)
        return made

    def revoke_witness(self, key: str) -> Witness:
        """Take a witness's key back from this moment on; what it countersigned before stays. Twice keeps the first."""
        with write(self._engine) as conn:
            conn.execute(
                update(log_witnesses)
                .where(log_witnesses.c.key == key, log_witnesses.c.revoked_at.is_(None))
                .values(revoked_at=self._clock())
            )
            row = conn.execute(select(log_witnesses).where(log_witnesses.c.key == key)).one_or_none()
        if row is None:
            raise NotFoundError
        return _witness(row)

    # reading

    def checkpoint(self, size: int | None = None) -> Vouched:
        """A checkpoint, the latest by default.

        Raises:
            NotFoundError: there is none of this size, or none yet.

        """
        with read(self._engine) as conn:
            return _vouched(conn, _checkpoint(conn, size))

    def inclusion(
        self, *, event: str | None = None, number: int | None = None, size: int | None = None
    ) -> tuple[str, Inclusion]:
        """The hash of an event, and the proof that it is in the tree of a size, by default the latest checkpoint's.

        Raises:
            InvalidError: not one of `event` and `number` is given, or the tree is not that large.
            NotFoundError: the event is not in the tree.

        """
        if (event is None) == (number is None):
            raise InvalidError((FieldError("event", "required", "须写明 event 或者 leaf 之一"),))
        with read(self._engine) as conn:
            latest = _checkpoint(conn, None).checkpoint
            leaf = tree.leaf(conn, number=number, event=event) if event is None or _is_hex(event) else None
            wanted = _size(size, "size", latest.head.size)
            if leaf is None or leaf[0] >= wanted:
                raise NotFoundError
            return leaf[1], _inclusion(conn, latest.hash, leaf[0], wanted)

    def consistency(self, first: int, second: int | None = None) -> Consistency:
        """The proof that the tree of the size `second`, by default the latest one, begins with that of `first`.

        Raises:
            InvalidError: the sizes are not in order, or the tree is not that large.
            NotFoundError: there is no checkpoint yet.

        """
        with read(self._engine) as conn:
            latest = _checkpoint(conn, None).checkpoint
            larger = _size(second, "second", latest.head.size)
            smaller = _size(first, "first", larger)
            hashing = hashing_of(latest.hash)
            path = prove(consistency_ranges(smaller, larger), tree.reader(conn, hashing), hashing)
        return Consistency(smaller, larger, tuple(hash_.hex() for hash_ in path))

    def keys(self) -> LogKeys:
        """The log's name, its keys, and who its witnesses are."""
        with read(self._engine) as conn:
            own = conn.execute(select(log)).one()
            spans = conn.execute(_SPANS).all()
            witnesses = conn.execute(select(log_witnesses).order_by(log_witnesses.c.registered_at)).all()
        current = self._signer.public_key
        known = [SigningKey(row.key, row.first, row.last, row.key == current) for row in spans]
        if all(key.key != current for key in known):
            known.append(SigningKey(current, None, None, True))
        return LogKeys(own.origin, own.hash, self.delay, tuple(known), tuple(map(_witness, witnesses)))

    def receipt(self, principal: Principal, case: str, version: int, size: int | None = None) -> Json:
        """The receipt of one event of a case, for its initiator, auditors, and the department that acted.

        The proof leads to the first checkpoint that has the event, or to that of `size`; so a receipt that has one
        stays as it is for ever.
        """
        with read(self._engine) as conn:
            row = case_row_of(conn, case)
            of_case = select(events).where(events.c.case_id == row.id, events.c.version == min(version, MAX_VERSION))
            event = conn.execute(of_case).one_or_none()
            if event is None or not (
                is_auditor(principal) or is_initiator(principal, row) or event.actor_department == principal.department
            ):
                raise NotFoundError
            return self._receipt(conn, event, size)

    def receipt_of(self, conn: Connection, case: str, version: int) -> Json:
        """The receipt of an event of a case, whoever asks: that is the caller's to look at."""
        of_case = select(events).where(events.c.case_id == case, events.c.version == version)
        return self._receipt(conn, conn.execute(of_case).one(), None)

    def _receipt(self, conn: Connection, event: Row[Any], size: int | None) -> Json:
        promise = self._promise(conn, event.case_id, event.version, event.hash, event.at, pin=False)
        leaf = tree.leaf(conn, event=event.hash)
        if leaf is None:
            return make_receipt(promise)
        found = tree.first_covering(conn, leaf[0]) if size is None else _checkpoint(conn, size)
        if found.checkpoint.head.size <= leaf[0]:
            raise NotFoundError
        inclusion = _inclusion(conn, found.checkpoint.hash, leaf[0], found.checkpoint.head.size)
        made = make_receipt(promise, inclusion, found.signed, _vouched(conn, found).countersignatures)
        own = log_timestamps.c.size == found.checkpoint.head.size
        token = conn.execute(select(log_timestamps.c.token).where(own)).scalar()
        return made | ({"timestamp": base64.b64encode(token).decode()} if token is not None else {})

    def first_stamped(self, principal: Principal, case: str, version: int) -> int:
        """The size of the first timestamped checkpoint that has an event which the principal may see.

        Raises:
            NotFoundError: there is none yet.

        """
        found = self.receipt(principal, case, version)
        number = found["inclusion"]["number"] if found["inclusion"] is not None else MAX_SIZE
        with read(self._engine) as conn:
            query = select(func.min(log_timestamps.c.size)).where(log_timestamps.c.size > number)
            size = conn.execute(query).scalar()
        if size is None:
            raise NotFoundError("还没有收录它而且有可信时间戳的检查点")
        return int(size)

    def publication(self, before: str | None = None) -> str:
        """The line for the newspaper, of the last checkpoint before an instant, by default of the latest.

        Raises:
            NotFoundError: there was none.

        """
        with read(self._engine) as conn:
            if before is None:
                return publication(_checkpoint(conn, None).checkpoint)
            try:
                return publication(tree.last_before(conn, before).checkpoint)
            except NoCheckpointError as error:
                raise NotFoundError from error

    def waiting(self) -> Waiting:
        """What is in no checkpoint yet."""
        with read(self._engine) as conn:
            return tree.waiting(conn)

    def overdue(self, conn: Connection) -> bool:
        """Whether a promise is not being kept: an event that should be in a checkpoint by now is in none."""
        oldest = tree.waiting(conn).oldest
        return oldest is not None and oldest < later(self._clock(), -self.delay)

    def verify(self, progress: Callable[[int, int], None] = lambda _done, _total: None) -> Checked:
        """Hold the whole log against itself."""
        time_of = self._timestamper.time_of if self._timestamper is not None else None
        due = later(self._clock(), -self.delay)
        return check_log(self._engine, self._signer.trusts, due=due, time_of=time_of, progress=progress)


_SPANS = (
    select(
        log_checkpoints.c.key,
        func.min(log_checkpoints.c.size).label("first"),
        func.max(log_checkpoints.c.size).label("last"),
    )
    .group_by(log_checkpoints.c.key)
    .order_by(func.min(log_checkpoints.c.size))
)


def _checkpoint(conn: Connection, size: int | None) -> Sealed:
    try:
        return tree.checkpoint(conn, size)
    except NoCheckpointError as error:
        raise NotFoundError("没有这一检查点" if size is not None else "尚无检查点") from error


def _vouched(conn: Connection, sealed: Sealed) -> Vouched:
    query = (
        select(log_countersignatures)
        .where(log_countersignatures.c.size == sealed.checkpoint.head.size)
        .order_by(log_countersignatures.c.key)
    )
    found = (Signed(json.loads(row.statement), row.key, row.signature) for row in conn.execute(query))
    return Vouched(sealed, tuple(found))


def _inclusion(conn: Connection, hash_name: str, number: int, size: int) -> Inclusion:
    hashing = hashing_of(hash_name)
    path = prove(inclusion_ranges(number, size), tree.reader(conn, hashing), hashing)
    return Inclusion(hash_name, number, size, path)


def _size(given: int | None, field: str, most: int) -> int:
    wanted = most if given is None else given
    if not 0 <= wanted <= most:
        raise InvalidError((FieldError(field, "range", f"应为 0 至 {most}"),))
    return wanted


def _witness(row: Row[Any]) -> Witness:
    return Witness(**{name: getattr(row, name) for name in Witness.__slots__})


def _is_hex(text: str) -> bool:
    """Whether a text is 32 bytes in hex, as hashes and keys are."""
    return len(text) == 64 and set(text) <= set("0123456789abcdef")  # noqa: PLR2004 - see above
