"""What in events and cases is personal: words that people wrote about someone. They are taken out and sealed.

In the text that is hashed, a commitment stands in place of each: SHA-256 over 32 random bytes and the value as
canonical JSON. Random bytes and value are sealed together under the key of the person whom the words are about. When
that key is destroyed nothing can be learned from the commitment, and every hash still holds.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection

from adapters.ledger.serial import canonical
from adapters.ledger.vault import ErasedSubjectError, VaultError, vault_of
from engine.casework.model import SYSTEM

ERASED = "〔已依法删除〕"
"""What is shown in place of erased words."""
SEALED, SHAPE = "@sealed", "of"
SALT_BYTES = 32
WORDS = frozenset({"points", "answers", "reason", "shielded"})
"""Fields of statements, objections, obligations and cases that hold words of people."""
OWNERS: Mapping[str, str] = {"@party": "id", "@objection": "party", "@repair": "party"}
"""Parts of a case that belong to one of its parties, and the field that names it."""
EVENT, ROW = "event", "row"
"""Where a value is sealed; what was sealed for the one does not open as the other."""


@dataclass(frozen=True, slots=True)
class Words:
    """A value that was taken out: what it says, and whom it is about."""

    commitment: str
    salt: bytes
    value: Any
    owner: str


def taken_out(
    kind: str, document: Mapping[str, Any], *, owner: str, department: str
) -> tuple[dict[str, Any], list[Words]]:
    """An event's payload without what is personal, and that.

    `owner` is whom the event is about; what it says of other parties is theirs. What the system writes by itself
    (`department` is `SYSTEM`) has no words of people but those that it repeats from a case.
    """
    taker = _Taker()
    result = dict(document)
    if kind == "obligations-added":
        result["obligations"] = [
            o | {"reason": taker.take(o["reason"], o["target"])} if o["reason"] else o for o in document["obligations"]
        ]
    elif kind in {"obligation-moved", "case-moved"}:
        owner = _named(document["changes"]) or owner
        result["changes"] = taker.walk(document["changes"], owner)
        if document["detail"] and department != SYSTEM:
            result["detail"] = taker.take(document["detail"], owner)
    elif kind == "listing-ended" and document["reason"] and department != SYSTEM:
        result["reason"] = taker.take(document["reason"], owner)
    return result, taker.found


def _named(changes: Mapping[str, Any]) -> str | None:
    """The one party that a step of the procedure is about."""
    for key, tag in (("party", "@party"), ("objection", "@objection"), ("repair", "@repair")):
        if isinstance(changes.get(key), Mapping) and tag in changes[key]:
            return str(changes[key][tag][OWNERS[tag]])
    return None


class _Taker:
    """Takes words out of a document. In rows, which nobody hashes, they are numbered instead of committed to."""

    def __init__(self, *, numbered: bool = False) -> None:
        self.found: list[Words] = []
        self._numbered = numbered

    def walk(self, value: Any, owner: str) -> Any:
        """A copy without the words in it."""
        if isinstance(value, list):
            return [self.walk(v, owner) for v in value]
        if not isinstance(value, dict):
            return value
        for tag, name in OWNERS.items():
            if tag in value:
                return {tag: self.walk(value[tag], str(value[tag][name]))}
        return {
            key: self.take(part, owner) if key in WORDS and part else self.walk(part, owner)
            for key, part in value.items()
        }

    def take(self, value: Any, owner: str) -> Any:
        """What stands in place of a value."""
        if value in (ERASED, [ERASED]):
            return value
        salt = b"" if self._numbered else secrets.token_bytes(SALT_BYTES)
        name = str(len(self.found)) if self._numbered else commitment_of(salt, value)
        self.found.append(Words(name, salt, value, owner))
        shape = "object" if isinstance(value, dict) else "list" if isinstance(value, list) else "text"
        return {SEALED: name, SHAPE: shape}


def commitment_of(salt: bytes, value: object) -> str:
    """What stands in the hashed text for a value."""
    return hashlib.sha256(salt + canonical(value).encode()).hexdigest()


def put_back(value: Any, opened: Mapping[str, tuple[bytes, Any]]) -> Any:
    """A payload with what was taken out put back; in place of what is erased, `ERASED` in the shape that it had."""
    if isinstance(value, list):
        return [put_back(v, opened) for v in value]
    if not isinstance(value, dict):
        return value
    commitment = value.get(SEALED)
    if isinstance(commitment, str):
        if commitment in opened:
            return opened[commitment][1]
        return {"object": {"erased": ERASED}, "list": [ERASED]}.get(value[SHAPE], ERASED)
    return {key: put_back(part, opened) for key, part in value.items()}


def sealed_text(conn: Connection, words: list[Words], where: str) -> str | None:
    """What was taken out, sealed, as a column keeps it: JSON, commitment → owner and sealed bytes in base64."""
    if not words:
        return None
    vault = vault_of(conn)
    sealed = {}
    for w in words:
        content = vault.seal(conn, w.owner, w.salt + canonical(w.value).encode(), f"{where} {w.commitment}")
        sealed[w.commitment] = [w.owner, base64.b64encode(content).decode()]
    return canonical(sealed)


def opened_text(conn: Connection, text: str | None, where: str) -> dict[str, tuple[bytes, Any]]:
    """The inverse of `sealed_text`: commitment → salt and value, of what can still be opened.

    Raises:
        VaultError: something does not open though it should, or is not what was committed to.

    """
    found: dict[str, tuple[bytes, Any]] = {}
    for commitment, owner, sealed in _entries(text):
        try:
            content = vault_of(conn).open(conn, owner, sealed, f"{where} {commitment}")
        except ErasedSubjectError:
            continue
        if where == ROW:
            found[commitment] = b"", json.loads(content)
            continue
        if hashlib.sha256(content).hexdigest() != commitment:
            message = f"封存的内容与其承诺 {commitment[:12]} 不符"
            raise VaultError(message)
        found[commitment] = content[:SALT_BYTES], json.loads(content[SALT_BYTES:])
    return found


def without(text: str, owner: str) -> tuple[str | None, tuple[str, ...]]:
    """A column without what belongs to one person, and the commitments to that."""
    entries: dict[str, list[str]] = json.loads(text)
    gone = tuple(c for c, (whose, _) in entries.items() if whose == owner)
    kept = {c: entry for c, entry in entries.items() if c not in gone}
    return (canonical(kept) if kept else None), gone


def _entries(text: str | None) -> Iterator[tuple[str, str, bytes]]:
    for commitment, (owner, sealed) in json.loads(text or "{}").items():
        yield commitment, owner, base64.b64decode(sealed)


# --- in rows -----------------------------------------------------------------------------------------------------


def walked_process(document: Mapping[str, Any], owner: str) -> tuple[dict[str, Any], list[Words]]:
    """What a case's row keeps of its procedure, without the words of people, and those."""
    taker = _Taker(numbered=True)
    return taker.walk(dict(document), owner), taker.found


def sealed_reason(conn: Connection, reason: str | None, owner: str) -> str | None:
    """The reason of an obligation as its row keeps it."""
    if reason is None or reason == ERASED:
        return reason
    return base64.b64encode(vault_of(conn).seal(conn, owner, reason.encode(), "reason")).decode()


def opened_reason(conn: Connection, kept: str | None, owner: str) -> str | None:
    """The inverse of `sealed_reason`."""
    if kept is None or kept == ERASED:
        return kept
    try:
        return vault_of(conn).open(conn, owner, base64.b64decode(kept), "reason").decode()
    except ErasedSubjectError:
        return ERASED
