"""Checkpoints: what the log says of itself at one size, signed; and what witnesses say of it."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from engine.proof.merkle import SHA256, Hashing, chunks, root_over
from engine.proof.signed import Json, ProofError, Signed, canonical, digest, instant, integer, text

CHECKPOINT = "xinheng-checkpoint/1"
COUNTERSIGNATURE = "xinheng-countersignature/1"
HASHES = ("sha256", "sm3")
"""Hash functions of trees; both have 32 bytes."""
CHINA = ZoneInfo("Asia/Shanghai")
_PUBLISHED = re.compile(
    r"信衡存证 (?P<day>\d{4}-\d{2}-\d{2}) 日志 (?P<origin>\S+) 共 (?P<size>\d{1,16}) 条 (?P<hash>sha256|sm3) "
    r"(?P<root>[0-9a-f ]{64,})"
)

Counts = Mapping[str, Mapping[str, int]]
"""department → type of event → how many."""


@dataclass(frozen=True, slots=True)
class Head:
    """A tree: how many leaves, and the root in hex."""

    size: int
    root: str


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The statement that is signed.

    `counts` and `lists` (list → filings) are over all leaves, so that whoever keeps count of their own events notices
    one that was left out. `previous` is the checkpoint before, None for the first.
    """

    origin: str
    hash: str
    head: Head
    at: str
    counts: Counts
    lists: Mapping[str, int]
    previous: Head | None

    def statement(self) -> Json:
        """As it is signed."""
        before = self.previous
        return {
            "type": CHECKPOINT, "origin": self.origin, "hash": self.hash, "size": self.head.size,
            "root": self.head.root, "at": self.at, "counts": {d: dict(n) for d, n in self.counts.items()},
            "lists": dict(self.lists), "previous": {"size": before.size, "root": before.root} if before else None,
        }  # fmt: skip

    @classmethod
    def of(cls, statement: Mapping[str, Any]) -> Checkpoint:
        """From a statement.

        Raises:
            ProofError: `malformed`, also if the counts do not add up to the size.

        """
        before = statement.get("previous")
        if before is not None and not isinstance(before, Mapping):
            raise ProofError("malformed", "previous 应为对象")
        found = cls(
            text(statement, "origin"), hashing_name(statement), head_of(statement), instant(statement, "at"),
            {name: _numbers(kinds) for name, kinds in _object(statement.get("counts")).items()},
            _numbers(statement.get("lists")), head_of(before) if before is not None else None,
        )  # fmt: skip
        if sum(n for kinds in found.counts.values() for n in kinds.values()) != found.head.size:
            raise ProofError("malformed", "分部门计数之和与总数不符")
        return found


def _object(value: object) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise ProofError("malformed", "计数应为对象")
    return value


def _numbers(value: object) -> dict[str, int]:
    numbers = _object(value)
    return {name: integer(numbers, name) for name in numbers}


def hashing_name(fields: Mapping[str, Any]) -> str:
    """The hash function that something names.

    Raises:
        ProofError: `malformed`, it is none of ours.

    """
    name = text(fields, "hash")
    if name not in HASHES:
        raise ProofError("malformed", f"hash 应为 {'、'.join(HASHES)}")
    return name


def hashing_of(name: str) -> Hashing:
    """How a tree is hashed.

    Raises:
        ProofError: `no-such-hash`, this machine does not have it.

    """
    try:
        return SHA256 if name == SHA256.name else Hashing(name)
    except ValueError as error:
        raise ProofError("no-such-hash", f"本机没有哈希算法 {name}") from error


def head_of(fields: Mapping[str, Any]) -> Head:
    """Size and root that something names.

    Raises:
        ProofError: `malformed`.

    """
    return Head(integer(fields, "size"), digest(fields, "root"))


def read_checkpoint(signed: Signed, keys: Collection[str], origin: str | None = None) -> Checkpoint:
    """A checkpoint signed by one of these keys, and of this log if one is named.

    Raises:
        ProofError: it is not.

    """
    found = Checkpoint.of(signed.opened(CHECKPOINT, keys))
    if origin is not None and found.origin != origin:
        raise ProofError("other-log", f"出自另一日志 {found.origin}")
    return found


def root_of_events(texts: Iterable[bytes], hashing: Hashing = SHA256) -> tuple[int, bytes]:
    """Number and root of a log over the RFC 8785 texts of its events, each read once.

    What is in a tree is the hash of an event, SHA-256 in hex elsewhere; see decision 0012.
    """
    sha256 = hashlib.sha256
    hashed = (hashing.leaves([sha256(text).digest() for text in chunk]) for chunk in chunks(texts))
    return root_over(hashed, hashing)


def name_of(statement: Mapping[str, Any]) -> str:
    """What a checkpoint is called where it is countersigned: SHA-256 in hex over the text that was signed."""
    return hashlib.sha256(canonical(statement)).hexdigest()


def countersigning(statement: Mapping[str, Any], witness: str, at: str) -> Json:
    """What a witness states after it has seen that the checkpoint extends the one it saw before."""
    return {
        "type": COUNTERSIGNATURE, "origin": statement["origin"], "size": statement["size"], "root": statement["root"],
        "checkpoint": name_of(statement), "witness": witness, "at": at,
    }  # fmt: skip


def read_countersignature(signed: Signed, statement: Mapping[str, Any], keys: Collection[str]) -> str:
    """The witness that countersigned this checkpoint with one of these keys.

    Raises:
        ProofError: it did not.

    """
    given = signed.opened(COUNTERSIGNATURE, keys)
    wanted = countersigning(statement, text(given, "witness"), instant(given, "at"))
    if given != wanted:
        raise ProofError("other-checkpoint", "副署的不是这一检查点")
    return text(given, "witness")


def shrunk(before: Checkpoint, after: Checkpoint) -> tuple[str, ...]:
    """Counts that a later checkpoint has lower, in words; a log that only grows has none."""
    lower = [
        f"{department} {kind} {n} → {after.counts.get(department, {}).get(kind, 0)}"
        for department, kinds in before.counts.items()
        for kind, n in kinds.items()
        if after.counts.get(department, {}).get(kind, 0) < n
    ]
    lower += [f"名单 {name} {n} → {after.lists.get(name, 0)}" for name, n in before.lists.items()
              if after.lists.get(name, 0) < n]  # fmt: skip
    return tuple(lower)


# In print


def publication(checkpoint: Checkpoint) -> str:
    """One line for a newspaper: day in China, log, size, hash function and root in groups of eight."""
    day = dt.datetime.fromisoformat(checkpoint.at).astimezone(CHINA).date()
    root = checkpoint.head.root
    groups = " ".join(root[i : i + 8] for i in range(0, len(root), 8))
    return f"信衡存证 {day} 日志 {checkpoint.origin} 共 {checkpoint.head.size} 条 {checkpoint.hash} {groups}"


def read_publication(line: str) -> tuple[str, Head]:
    """Log and head of a printed line; blanks and line breaks may be anywhere among them.

    Raises:
        ProofError: `malformed`, it is no such line.

    """
    found = _PUBLISHED.search(" ".join(line.split()))
    root = found["root"].replace(" ", "") if found else ""
    if found is None or len(root) != 64:  # noqa: PLR2004 - 32 bytes in hex
        raise ProofError("malformed", "不是存证公告")
    return found["origin"], Head(int(found["size"]), root)
