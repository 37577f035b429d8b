"""A witness of another system's log: sees to it that the log only ever grows, and says so with a signature.

It trusts nothing but what it keeps in its own file: the log's key, and the checkpoint that it countersigned last.
Without a memory that the log cannot reach, a log could show everyone another history.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from adapters.signing import Signer
from engine.proof.checkpoint import Checkpoint, countersigning, hashing_of, read_checkpoint, shrunk
from engine.proof.merkle import extends
from engine.proof.signed import ProofError, Signed, digest, signed

TIMEOUT = 30
"""Seconds for one answer of the log."""
KEYS, LATEST, CONSISTENCY, POST = (f"/v1/log/{x}" for x in ("keys", "checkpoint", "consistency", "countersignatures"))


class InconsistentLogError(Exception):
    """The log is not what it was. The message is Chinese; `evidence` is what it signed."""

    def __init__(self, message: str, evidence: Sequence[Mapping[str, Any]]) -> None:
        super().__init__(message)
        self.evidence = tuple(evidence)


class WitnessStateError(Exception):
    """The witness's own file cannot be read or written, or tells of another log. The message is Chinese."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What a witness keeps: name and keys of the log, and the checkpoint that it countersigned last."""

    origin: str | None = None
    keys: tuple[str, ...] = ()
    last: Signed | None = None


@dataclass(frozen=True, slots=True)
class Witnessed:
    """What came of a visit. `first`: the log's key was taken from the log itself, and is to be compared."""

    checkpoint: Checkpoint
    before: Checkpoint | None
    countersignature: Signed
    log_keys: tuple[str, ...]
    first: bool


def read_memory(path: Path) -> Memory:
    """What was kept, or a blank memory if there is no file yet.

    Raises:
        WitnessStateError: it cannot be read.

    """
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        last = Signed.of(document["last"]) if document["last"] is not None else None
        return Memory(document["origin"], tuple(document["keys"]), last)
    except FileNotFoundError:
        return Memory()
    except (OSError, ValueError, KeyError, TypeError, ProofError) as error:
        raise WitnessStateError(f"{path} 读不了：{error}") from error


def keep(path: Path, memory: Memory) -> None:
    """Write the memory; whoever reads it finds the old one or the new one whole.

    Raises:
        WitnessStateError: it cannot be written.

    """
    document = {
        "origin": memory.origin, "keys": list(memory.keys),
        "last": memory.last.document() if memory.last is not None else None,
    }  # fmt: skip
    fresh = path.with_name(f"{path.name}.new")
    try:
        with fresh.open("w", encoding="utf-8") as file:
            json.dump(document, file, ensure_ascii=False, indent=1)
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(path)
    except OSError as error:
        raise WitnessStateError(f"{path} 写不了：{error.strerror}") from error


def witness(
    log: httpx.Client, path: Path, *, department: str, signer: Signer, now: str, log_keys: Sequence[str] = ()
) -> Witnessed:
    """Visit a log once: check its latest checkpoint against the last one seen, remember it, and countersign it.

    `log_keys` are public keys of the log got by another way; without them the first visit takes what the log says. It
    may be repeated: the same checkpoint is countersigned again, in case the log never heard of it.

    Raises:
        InconsistentLogError: the log shrank, changed, or signs with a key it did not have; nothing is countersigned.
        WitnessStateError: the file cannot be used; nothing is countersigned.
        ProofError: what the log answers is no checkpoint.
        httpx.HTTPError: the log cannot be reached, or refuses.

    """
    memory = read_memory(path)
    first = not memory.keys and not log_keys
    keys = tuple(dict.fromkeys((*memory.keys, *log_keys))) or _keys_of(log)
    memory = replace(memory, keys=keys)
    given = Signed.of(_get(log, LATEST))
    before = Checkpoint.of(memory.last.statement) if memory.last is not None else None
    evidence = [s.document() for s in (memory.last, given) if s is not None]
    try:
        checkpoint = read_checkpoint(given, memory.keys, memory.origin)
    except ProofError as error:
        raise InconsistentLogError(f"日志的检查点不可信：{error}", evidence) from error
    if before is not None:
        _compare(log, before, checkpoint, evidence)
    keep(path, replace(memory, origin=checkpoint.origin, last=given))
    statement = countersigning(given.statement, department, now)
    made = signed(statement, signer.public_key, signer.sign)
    log.post(POST, json=made.document()).raise_for_status()
    return Witnessed(checkpoint, before, made, keys, first)


def _compare(log: httpx.Client, before: Checkpoint, after: Checkpoint, evidence: Sequence[Mapping[str, Any]]) -> None:
    old, new = before.head, after.head
    if new.size < old.size:
        raise InconsistentLogError(f"日志变短了：上次 {old.size} 条，现在 {new.size} 条", evidence)
    if after.hash != before.hash:
        raise InconsistentLogError(f"日志换了哈希算法：{before.hash} → {after.hash}", evidence)
    path: tuple[bytes, ...] = ()
    if new.size > old.size:
        answer = _get(log, CONSISTENCY, first=old.size, second=new.size)
        hashes = answer.get("path")
        if not isinstance(hashes, list):
            raise ProofError("malformed", "日志答复的不是一致性证明")
        path = tuple(bytes.fromhex(digest({"path": hash_}, "path")) for hash_ in hashes)
        evidence = [*evidence, answer]
    hashing = hashing_of(after.hash)
    if not extends(bytes.fromhex(old.root), old.size, bytes.fromhex(new.root), new.size, path, hashing):
        raise InconsistentLogError(f"日志的历史被改动：现在的 {new.size} 条不以上次副署的 {old.size} 条开头", evidence)
    fewer = shrunk(before, after)
    if fewer:
        raise InconsistentLogError(f"日志的计数变少了：{'；'.join(fewer)}", evidence)


def _keys_of(log: httpx.Client) -> tuple[str, ...]:
    keys = _get(log, KEYS).get("keys")
    if not isinstance(keys, list) or not keys:
        raise ProofError("malformed", "日志没有给出公钥")
    return tuple(digest(key if isinstance(key, Mapping) else {}, "key") for key in keys)


def _get(log: httpx.Client, path: str, **asked: Any) -> Mapping[str, Any]:
    response = log.get(path, params=asked)
    response.raise_for_status()
    try:
        found = response.json()
    except ValueError as error:
        raise ProofError("malformed", f"{path} 的答复不是 JSON") from error
    if not isinstance(found, Mapping):
        raise ProofError("malformed", f"{path} 的答复不是 JSON 对象")
    return found


def write_evidence(path: Path, error: InconsistentLogError) -> Path:
    """Keep what an inconsistent log signed, beside the memory, under a name of its own; returns where.

    Raises:
        WitnessStateError: it cannot be written.

    """
    for number in range(1, 10_000):
        beside = path.with_name(f"{path.name}.evidence-{number}.json")
        try:
            with beside.open("x", encoding="utf-8") as file:
                json.dump({"problem": str(error), "documents": error.evidence}, file, ensure_ascii=False, indent=1)
        except FileExistsError:
            continue
        except OSError as problem:
            raise WitnessStateError(f"{beside} 写不了：{problem.strerror}") from problem
        return beside
    raise WitnessStateError(f"{path} 旁边的证据文件太多")
