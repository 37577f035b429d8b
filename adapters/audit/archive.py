"""Writing the auditor's archive: the whole log, what its decisions rest on, and the means to check it all elsewhere.

The form is in docs/archive.md, to the byte. It is read from one state of the database, and streamed: what is kept of a
million decisions in the meantime is in a temporary file.
"""

from __future__ import annotations

import hashlib
import json
import os
import sqlite3
import zipfile
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

from sqlalchemy import Connection, Row, Select, select
from sqlalchemy.exc import IntegrityError

from adapters.ledger import tree
from adapters.ledger.activations import STREAM as ACTIVATIONS
from adapters.ledger.activations import Activation, chained, read_activations
from adapters.ledger.database import VersionConflictError, retrying, write
from adapters.ledger.decisions import read_decision
from adapters.ledger.proof_tables import log_checkpoints, log_countersignatures, log_leaves
from adapters.ledger.store import append_note, stored
from adapters.ledger.tables import events
from adapters.office.access import actor_of, require_role
from adapters.office.errors import ConflictError, FieldError, InvalidError
from adapters.office.model import Principal
from adapters.office.ports import Context
from adapters.office.proofs import ARCHIVE as FORMAT
from engine.language.ir_json import to_json
from engine.proof.checkpoint import hashing_of
from engine.proof.merkle import Hashing, consistency_ranges, inclusion_ranges, prove
from engine.proof.signed import Json, canonical

STREAM, EXPORTED = "audit:exports", "archive-exported"
"""Stream and type of the event that says who took an archive."""
VERIFIER, DECIDER = (Path(__file__).with_name(name) for name in ("verify.py", "decide.py"))
SEAL = len(FORMAT) + 1 + 128
"""Bytes of the comment at the end of the file: the format, a space, and the signature in hex."""
SAMPLES = 8
"""Events whose inclusion is proved: the first of every eighth, and the last."""
BATCH = 2_000
"""Events held in memory at one time."""
EPOCH = (1980, 1, 1, 0, 0, 0)
README = """信衡审计档案（xinheng-archive/1）

档案里有整个日志的事件、检查点、政策、决定，和核对它们的程序。核对的人不必信任任何人，但有三样东西不能取自这里：

1. 核对程序 verify.py，和放在一起的 decide.py（另外实现规则的含义）：档案里附有一份，只为方便。
   请用从别处得到、自己读过的那一份；
   只用 Python 3.11 以上的标准库，各不到四百行。
2. 日志的公钥、政策的公钥：向公文、报纸、见证的部门核对。keys.json 所列的是日志方自称的，核对程序不看它。
3. 登报的存证公告，或者见证人记下的大小和根：没有它，查不出整个档案退回了从前。

运行：

    python verify.py 档案.zip --key 日志公钥 --signing-key 政策公钥 --published '信衡存证 …（整行公告）'

有一处不符，逐条指出文件和行，退出码为 1；全部相符，退出码为 0。格式见 docs/archive.md。
"""

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Exported:
    """What was written: the log's name, how many events up to which root, how many decisions, and the key that sealed.

    `erased`: decisions whose content was lawfully erased. `sha256` is of the whole file.
    """

    origin: str
    size: int
    root: str
    decisions: int
    erased: int
    key: str
    sha256: str


def export(
    context: Context,
    principal: Principal,
    target: Path,
    *,
    until: int | None = None,
    personal: bool = True,
    progress: Progress = lambda _done, _total: None,
) -> Exported:
    """Write the archive of the log up to now, or up to the checkpoint of the size `until`.

    That it was taken is logged first. Without `personal`, decisions and sealed words are left out; then decisions are
    not derived again by whoever verifies it. `progress` receives events and decisions done, and how many there are.

    Raises:
        ForbiddenError: the principal is no auditor.
        InvalidError: no officer is named, or there is no checkpoint of this size.
        ConflictError: somebody's data were erased meanwhile.
        OSError: the file cannot be written.

    """
    require_role(principal, "auditor")
    actor_of(principal)
    if until is not None:  # before it is logged that there was an export
        with _snapshot(context) as conn:
            _head(conn, until)
    enclosed = {"README.txt": README.encode(), "keys.json": _keys(context)}
    enclosed |= {path.name: path.read_bytes() for path in (VERIFIER, DECIDER)}
    part = target.with_name(f"{target.name}.part")
    with os.fdopen(os.open(part, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o600), "w+b") as file:
        try:
            note = {
                "files": {name: hashlib.sha256(content).hexdigest() for name, content in enclosed.items()},
                "personal": personal, "until": until,
            }  # fmt: skip
            retrying(lambda: _log(context, principal, note))
            context.proofs.seal()
            with _snapshot(context) as conn, closing(sqlite3.connect("")) as spool:
                head = _head(conn, until)
                writing = _Writing(context, conn, spool, file, head, personal=personal, progress=progress)
                found = writing.write(enclosed, until)
            sha256 = _seal(context, file)
        except BaseException:
            part.unlink()
            raise
    part.replace(target)
    return Exported(
        head.checkpoint.origin, head.checkpoint.head.size, head.checkpoint.head.root, *found,
        context.proofs.keys().keys[-1].key, sha256,
    )  # fmt: skip


def _keys(context: Context) -> bytes:
    """The keys as the log itself names them, for whoever looks for the right ones elsewhere."""
    found = context.proofs.keys()
    with _snapshot(context) as conn:
        signers = [row.signer for row in read_activations(conn) if row.signer is not None]
    witnesses: dict[str, list[str]] = {}
    for witness in found.witnesses:
        witnesses.setdefault(witness.department, []).append(witness.key)
    return canonical({
        "origin": found.origin, "log": [key.key for key in found.keys], "policy": list(dict.fromkeys(signers)),
        "witnesses": witnesses,
    })  # fmt: skip


def _log(context: Context, principal: Principal, note: Json) -> None:
    try:
        with write(context.engine) as conn:
            append_note(
                conn, STREAM, EXPORTED, note, on=context.today(), actor=actor_of(principal), key_id=principal.key_id,
                at=context.now(),
            )  # fmt: skip
    except IntegrityError as error:  # another auditor exports at this moment
        raise VersionConflictError(STREAM) from error


@contextmanager
def _snapshot(context: Context) -> Iterator[Connection]:
    """One state of the database for all that is read."""
    with context.engine.connect() as found:
        level = {"isolation_level": "REPEATABLE READ"} if found.dialect.name == "postgresql" else {}
        conn = found.execution_options(**level)
        with conn.begin():
            yield conn


def _head(conn: Connection, until: int | None) -> tree.Sealed:
    try:
        return tree.checkpoint(conn, until)
    except tree.NoCheckpointError as error:
        size = log_checkpoints.c.size
        below = conn.execute(select(size).where(size < until).order_by(size.desc()).limit(1)).scalar()
        above = conn.execute(select(size).where(size > until).order_by(size).limit(1)).scalar()
        near = " 或者 ".join(str(size) for size in (below, above) if size is not None)
        problem = FieldError("until", "no-checkpoint", f"没有大小为 {until} 的检查点；最近的是 {near}")
        raise InvalidError((problem,)) from error


def _seal(context: Context, file: IO[bytes]) -> str:
    """Sign every byte before the comment, put the signature there, and hash the whole."""
    end = file.seek(-SEAL, os.SEEK_END)
    digest = _hashed(file, end)
    comment = f"{FORMAT} {context.proofs.sign_archive(digest.hexdigest())}".encode()
    file.seek(end)
    file.write(comment)
    file.flush()
    os.fsync(file.fileno())
    digest.update(comment)
    return str(digest.hexdigest())


def _hashed(file: IO[bytes], end: int) -> Any:
    digest = hashlib.sha256()
    file.seek(0)
    while block := file.read(min(1 << 20, end - file.tell())):
        digest.update(block)
    return digest


@dataclass(slots=True)
class _Writing:
    """An archive while it is written."""

    context: Context
    conn: Connection
    spool: sqlite3.Connection
    file: IO[bytes]
    head: tree.Sealed
    personal: bool
    progress: Progress
    members: dict[str, Json] = field(default_factory=dict)
    done: int = 0
    total: int = 0  # events, and decisions as soon as it is known how many

    @property
    def size(self) -> int:
        return self.head.checkpoint.head.size

    def write(self, enclosed: Mapping[str, bytes], until: int | None) -> tuple[int, int]:
        """All members; how many decisions there are, and how many of them were erased."""
        self.spool.executescript(
            "CREATE TABLE named (place INTEGER PRIMARY KEY, digest TEXT UNIQUE);"
            "CREATE TABLE opened (commitment TEXT PRIMARY KEY, line BLOB) WITHOUT ROWID;"
            "CREATE TABLE gone (digest TEXT PRIMARY KEY) WITHOUT ROWID;"
            "CREATE TABLE active (activation INTEGER PRIMARY KEY)"
        )
        with zipfile.ZipFile(self.file, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, content in enclosed.items():
                self._put(archive, name, (content,))
            self.total = self.size
            self._lines(archive, "events.jsonl", self._events())
            self.total += self.spool.execute("SELECT count(*) FROM named").fetchone()[0]
            self._policies(archive)
            self._lines(archive, "checkpoints.jsonl", self._checkpoints())
            opened = (row[0] for row in self.spool.execute("SELECT line FROM opened ORDER BY commitment"))
            self._lines(archive, "opened.jsonl", opened)
            counts = [0, 0]
            self._lines(archive, "decisions.jsonl", self._decisions(counts))
            self._proofs(archive)
            checkpoint = self.head.checkpoint
            manifest = {
                "format": FORMAT, "origin": checkpoint.origin, "hash": checkpoint.hash, "size": self.size,
                "root": checkpoint.head.root, "until": until, "personal": self.personal, "members": self.members,
            }  # fmt: skip
            self._put(archive, "manifest.json", (canonical(manifest),))
            archive.comment = FORMAT.encode() + b" " + b"0" * 128
        return counts[0], counts[1]

    def _put(self, archive: zipfile.ZipFile, name: str, blocks: Iterable[bytes]) -> None:
        info = zipfile.ZipInfo(name, EPOCH)
        info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o644 << 16
        digest, length = hashlib.sha256(), 0
        with archive.open(info, "w", force_zip64=True) as member:
            for block in blocks:
                member.write(block)
                digest.update(block)
                length += len(block)
        self.members[name] = {"bytes": length, "sha256": digest.hexdigest()}
        if name == "manifest.json":
            del self.members[name]

    def _lines(self, archive: zipfile.ZipFile, name: str, lines: Iterable[bytes]) -> None:
        self._put(archive, name, (line + b"\n" for line in lines))

    def _step(self) -> None:
        self.done += 1
        if self.done % BATCH == 0:
            self.progress(self.done, self.total)

    def _events(self) -> Iterator[bytes]:
        query = (
            select(log_leaves.c.number, log_leaves.c.event, events)
            .join(events, events.c.position == log_leaves.c.position)
            .order_by(log_leaves.c.number)
            .limit(BATCH)
        )
        last = -1
        while rows := self.conn.execute(query.where(log_leaves.c.number > last, log_leaves.c.number < self.size)).all():
            for row in rows:
                yield self._event(row)
                self._step()
            last = rows[-1].number

    def _event(self, row: Row[Any]) -> bytes:
        event = stored(row, self.conn if self.personal else None)
        if event.case == ACTIVATIONS:
            self.spool.execute("INSERT INTO active VALUES (?)", (event.payload["activation"],))
        elif event.type == "personal-data-erased":
            gone = [(digest,) for digest in event.payload["decisions"]]
            self.spool.executemany("INSERT OR IGNORE INTO gone VALUES (?)", gone)
        elif ":" not in event.case and isinstance(event.payload.get("decision"), str):
            self.spool.execute("INSERT OR IGNORE INTO named (digest) VALUES (?)", (event.payload["decision"],))
        opened = [
            (commitment, canonical({"commitment": commitment, "salt": salt.hex(), "value": value}))
            for commitment, (salt, value) in event.opened.items()
        ]
        self.spool.executemany("INSERT OR IGNORE INTO opened VALUES (?, ?)", opened)
        return event.canonical_text().encode()

    def _policies(self, archive: zipfile.ZipFile) -> None:
        active = {row[0] for row in self.spool.execute("SELECT activation FROM active")}
        at = self.head.checkpoint.at
        lines: list[bytes] = []
        compiled: dict[str, str | None] = {}
        for row, before, _ in chained(read_activations(self.conn)):
            if row.id in active if row.ir is not None else row.approved_at <= at:
                lines.append(_activation(row, before))
                compiled[row.version] = compiled.get(row.version) or row.ir
        self._lines(archive, "activations.jsonl", lines)
        policies = self.context.policies
        for version, digest in compiled.items():
            files = policies.files(self.conn, version)
            self._put(archive, f"policies/{version}.json", (canonical(files),))
            text = policies.ir(self.conn, version, digest) if digest else to_json(policies.get(version, self.conn))
            self._put(archive, f"policies/{version}.ir.json", (text.encode(),))

    def _checkpoints(self) -> Iterator[bytes]:
        last = 0
        checkpoints = log_checkpoints.c.size
        query = select(log_checkpoints).where(checkpoints <= self.size).order_by(checkpoints).limit(BATCH)
        while rows := self.conn.execute(query.where(checkpoints > last)).all():
            beside = _countersignatures(last, rows[-1].size)
            given: dict[int, list[Json]] = {}
            for row in self.conn.execute(beside):
                given.setdefault(row.size, []).append(_signed(row))
            for row in rows:
                yield canonical(_signed(row) | {"countersignatures": given.get(row.size, [])})
            last = rows[-1].size

    def _decisions(self, counts: list[int]) -> Iterator[bytes]:
        lawful = "SELECT 1 FROM gone WHERE digest = ?"
        for (digest,) in self.spool.execute("SELECT digest FROM named ORDER BY place"):
            found = read_decision(self.conn, digest)
            counts[0] += 1
            if found.content is None:
                counts[1] += 1
                if self.spool.execute(lawful, (digest,)).fetchone() is None:
                    raise ConflictError("有主体的个人信息正在依法删除，请重新导出")
                yield canonical({"decision": digest, "erased": found.subject})
            elif self.personal:
                document = found.content.document
                yield b'{"decision":"%b","document":%b,"facts":%b}' % (
                    digest.encode(), document, found.content.facts.encode(),
                )  # fmt: skip
            else:
                yield canonical({"decision": digest, "withheld": found.subject})
            self._step()

    def _proofs(self, archive: zipfile.ZipFile) -> None:
        hashing = hashing_of(self.head.checkpoint.hash)
        sizes = select(log_checkpoints.c.size).where(log_checkpoints.c.size <= self.size)
        found = self.conn.execute(sizes.order_by(log_checkpoints.c.size)).scalars().all()
        numbers = sorted({self.size * n // SAMPLES for n in range(SAMPLES)} | {self.size - 1})
        consistency = (
            {"first": n, "second": self.size, "path": self._path(consistency_ranges(n, self.size), hashing)}
            for n in found
        )
        inclusion = (
            {
                "hash": hashing.name, "number": n, "size": self.size,
                "path": self._path(inclusion_ranges(n, self.size), hashing),
            }
            for n in numbers
        )  # fmt: skip
        self._lines(archive, "proofs/consistency.jsonl", map(canonical, consistency))
        self._lines(archive, "proofs/inclusion.jsonl", map(canonical, inclusion))

    def _path(self, ranges: list[tuple[int, int]], hashing: Hashing) -> list[str]:
        return [hash_.hex() for hash_ in prove(ranges, tree.reader(self.conn, hashing), hashing)]


def _countersignatures(after: int, until: int) -> Select[Any]:
    size = log_countersignatures.c.size
    return select(log_countersignatures).where(size > after, size <= until).order_by(size, log_countersignatures.c.key)


def _signed(row: Row[Any]) -> Json:
    return {"statement": json.loads(row.statement), "key": row.key, "signature": row.signature}


def _activation(row: Activation, before: str | None) -> bytes:
    statement = json.loads(row.statement(before if row.signature is None else row.previous))
    return canonical({"statement": statement, "key": row.signer, "signature": row.signature})


__all__ = ["DECIDER", "EXPORTED", "FORMAT", "STREAM", "VERIFIER", "Exported", "export"]
