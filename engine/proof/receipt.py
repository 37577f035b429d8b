"""Promises of inclusion, and receipts with which their holders prove offline that an event is in the log.

A receipt shows no more of an event than its hash: who may see the event itself can hold its text against that.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from engine.proof.checkpoint import Head, hashing_name, hashing_of, read_checkpoint, read_countersignature
from engine.proof.merkle import includes
from engine.proof.signed import Json, ProofError, Signed, digest, instant, integer, text

PROMISE = "xinheng-promise/1"
RECEIPT = "xinheng-receipt/1"
MAX_PATH = 64
"""Hashes in a proof of the largest tree, and some."""


def promising(*, origin: str, case: str, version: int, event: str, at: str, delay: int) -> Json:
    """What the log promises with every write: that this event will be in a checkpoint made by then.

    `event` is the hash of the last event of a case; through `prev` it stands for all before it. `delay` is in seconds.
    """
    by = later(at, delay)
    return {
        "type": PROMISE, "origin": origin, "case": case, "version": version, "event": event, "at": at,
        "included_by": by,
    }  # fmt: skip


def later(at: str, seconds: int) -> str:
    """An instant so many seconds after another."""
    moment = dt.datetime.fromisoformat(at) + dt.timedelta(seconds=seconds)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Inclusion:
    """Where an event stands in a tree, and the hashes that lead from it to the root."""

    hash: str
    number: int
    size: int
    path: tuple[bytes, ...]

    def document(self) -> Json:
        """As JSON."""
        return {
            "hash": self.hash, "number": self.number, "size": self.size, "path": [hash_.hex() for hash_ in self.path],
        }  # fmt: skip

    @classmethod
    def of(cls, document: object) -> Inclusion:
        """From JSON.

        Raises:
            ProofError: `malformed`.

        """
        if not isinstance(document, Mapping):
            raise ProofError("malformed", "不是收录证明")
        path = document.get("path")
        if not isinstance(path, Sequence) or isinstance(path, str) or len(path) > MAX_PATH:
            raise ProofError("malformed", "path 应为哈希的数组")
        hashes = tuple(bytes.fromhex(digest({"path": hash_}, "path")) for hash_ in path)
        return cls(hashing_name(document), integer(document, "number"), integer(document, "size"), hashes)

    def shows(self, event: str, root: str) -> bool:
        """Whether the tree with this root has the event (its hash in hex) at this place."""
        hashing = hashing_of(self.hash)
        leaf = hashing.leaf(bytes.fromhex(event))
        return includes(bytes.fromhex(root), self.size, self.number, leaf, self.path, hashing)


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What a receipt proves.

    Without an inclusion it proves the promise only, and `number` to `kept` are None. `kept` is whether the checkpoint
    was made in time, None if the root is from elsewhere. `witnesses` countersigned the checkpoint.
    """

    origin: str
    case: str
    version: int
    event: str
    included_by: str
    number: int | None = None
    head: Head | None = None
    at: str | None = None
    kept: bool | None = None
    witnesses: tuple[str, ...] = ()


def make_receipt(
    promise: Signed,
    inclusion: Inclusion | None = None,
    checkpoint: Signed | None = None,
    countersignatures: Sequence[Signed] = (),
) -> Json:
    """A receipt as JSON."""
    return {
        "type": RECEIPT,
        **{name: promise.statement[name] for name in ("case", "version", "event")},
        "promise": promise.document(),
        "inclusion": inclusion.document() if inclusion is not None else None,
        "checkpoint": checkpoint.document() if checkpoint is not None else None,
        "countersignatures": [c.document() for c in countersignatures],
    }


def verify(
    receipt: Mapping[str, Any],
    keys: str | Collection[str],
    *,
    witnesses: Mapping[str, Collection[str]] | None = None,
    published: Mapping[int, str] | None = None,
) -> Confirmed:
    """Check a receipt with nothing but public keys in hex: that of the log, or all that it had in its time.

    `witnesses` (name → keys) says whose countersignatures count; others are passed over. `published` (size → root in
    hex) are roots known from print, which stand in for a checkpoint that the receipt does not have, and have to agree
    with one that it has.

    Raises:
        ProofError: it does not prove what it claims.

    """
    trusted = {keys} if isinstance(keys, str) else frozenset(keys)
    if receipt.get("type") != RECEIPT:
        raise ProofError("malformed", f"应为 {RECEIPT}")
    promise = Signed.of(receipt.get("promise")).opened(PROMISE, trusted)
    case, version, event = text(receipt, "case"), integer(receipt, "version"), digest(receipt, "event")
    if (promise.get("case"), promise.get("version"), promise.get("event")) != (case, version, event):
        raise ProofError("other-event", "承诺的不是这一事件")
    found = Confirmed(text(promise, "origin"), case, version, event, instant(promise, "included_by"))
    if receipt.get("inclusion") is None:
        if receipt.get("checkpoint") is not None:
            raise ProofError("malformed", "有检查点而没有收录证明")
        return found
    return _included(receipt, found, trusted, witnesses or {}, published or {})


def _included(
    receipt: Mapping[str, Any],
    promised: Confirmed,
    trusted: Collection[str],
    witnesses: Mapping[str, Collection[str]],
    published: Mapping[int, str],
) -> Confirmed:
    inclusion = Inclusion.of(receipt["inclusion"])
    printed = published.get(inclusion.size)
    at: str | None = None
    kept: bool | None = None
    seen: tuple[str, ...] = ()
    if receipt.get("checkpoint") is not None:
        signed = Signed.of(receipt["checkpoint"])
        checkpoint = read_checkpoint(signed, trusted, promised.origin)
        if (checkpoint.head.size, checkpoint.hash) != (inclusion.size, inclusion.hash):
            raise ProofError("other-checkpoint", "收录证明与检查点的大小或者哈希算法不符")
        if printed is not None and printed != checkpoint.head.root:
            raise ProofError("other-root", "检查点与公布的根不符：日志给出了两个不同的历史")
        root, at = checkpoint.head.root, checkpoint.at
        kept = at <= promised.included_by
        seen = _witnessed(receipt, signed.statement, witnesses)
    elif printed is not None:
        root = digest({"root": printed}, "root")
    else:
        raise ProofError("no-root", f"没有大小为 {inclusion.size} 的检查点或者公布的根可以对照")
    if not inclusion.shows(promised.event, root):
        raise ProofError("not-included", "收录证明不成立：事件不在这棵树里")
    return Confirmed(
        promised.origin, promised.case, promised.version, promised.event, promised.included_by, inclusion.number,
        Head(inclusion.size, root), at, kept, seen,
    )  # fmt: skip


def _witnessed(
    receipt: Mapping[str, Any], statement: Mapping[str, Any], witnesses: Mapping[str, Collection[str]]
) -> tuple[str, ...]:
    given = receipt.get("countersignatures", ())
    if not isinstance(given, Sequence) or isinstance(given, str):
        raise ProofError("malformed", "countersignatures 应为数组")
    seen = set()
    for signed in map(Signed.of, given):
        witness = signed.statement.get("witness")
        keys = witnesses.get(witness) if isinstance(witness, str) else None
        if keys is not None and signed.key in keys:
            seen.add(read_countersignature(signed, statement, keys))
    return tuple(sorted(seen))
