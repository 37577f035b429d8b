"""Signed statements: a JSON object, whose RFC 8785 text is signed by Ed25519 (RFC 8032), with key and signature in hex.

Every statement names its kind in `type`, so that a signature under one kind can never be passed off for another.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

Json = dict[str, Any]

MAX_INTEGER = 2**53 - 1

_DIGEST = re.compile("[0-9a-f]{64}")
_INSTANT = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}\.\d{6}Z")


class ProofError(Exception):
    """Something does not prove what it claims to. `code` is stable, the message Chinese."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Signed:
    """A statement with the public key that vouches for it and the signature."""

    statement: Mapping[str, Any]
    key: str
    signature: str

    @classmethod
    def of(cls, document: object) -> Signed:
        """From JSON.

        Raises:
            ProofError: `malformed`.

        """
        if not isinstance(document, Mapping) or not isinstance(document.get("statement"), Mapping):
            raise ProofError("malformed", "不是签名的陈述")
        key, signature = document.get("key"), document.get("signature")
        if not isinstance(key, str) or not isinstance(signature, str):
            raise ProofError("malformed", "签名的陈述缺少公钥或者签名")
        return cls(document["statement"], key, signature)

    def document(self) -> Json:
        """As JSON."""
        return {"statement": dict(self.statement), "key": self.key, "signature": self.signature}

    def opened(self, kind: str, keys: Collection[str]) -> Mapping[str, Any]:
        """The statement, if it is of this kind and signed by one of these keys.

        Raises:
            ProofError: `malformed`, `untrusted-key` or `bad-signature`.

        """
        if self.statement.get("type") != kind:
            raise ProofError("malformed", f"应为 {kind}")
        if self.key not in keys:
            raise ProofError("untrusted-key", f"由不受信任的密钥 {self.key[:16]} 签署")
        try:
            text = canonical(self.statement)
        except (RecursionError, TypeError, ValueError) as error:
            raise ProofError("malformed", "陈述不是规范的 JSON") from error
        if not verified(self.key, self.signature, text):
            raise ProofError("bad-signature", "与签名不符")
        return self.statement


def signed(statement: Mapping[str, Any], key: str, sign: Callable[[bytes], str]) -> Signed:
    """Sign a statement; `sign` gives the signature in hex under a text, by the private half of `key`."""
    return Signed(statement, key, sign(canonical(statement)))


def canonical(value: object) -> bytes:
    """RFC 8785 text of what statements are made of: text, integers below 2^53, objects with ASCII keys, null.

    For these the C encoder writes the same text as a full implementation, twenty times as fast.
    """
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return text.encode()


def verified(key: str, signature: str, message: bytes) -> bool:
    """Whether a signature is by a public key, both in hex, under a message, to the bit."""
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415 - few commands sign or verify
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey  # noqa: PLC0415 - as above

    try:
        Ed25519PublicKey.from_public_bytes(bytes.fromhex(key)).verify(bytes.fromhex(signature), message)
    except (InvalidSignature, ValueError):
        return False
    return True


# Fields of statements from outside


def integer(fields: Mapping[str, Any], name: str) -> int:
    """A number from 0 to the greatest that RFC 8785 has.

    Raises:
        ProofError: `malformed`.

    """
    value = fields.get(name)
    if type(value) is not int or not 0 <= value <= MAX_INTEGER:
        raise ProofError("malformed", f"{name} 应为非负整数")
    return value


def text(fields: Mapping[str, Any], name: str) -> str:
    """A text.

    Raises:
        ProofError: `malformed`.

    """
    value = fields.get(name)
    if not isinstance(value, str):
        raise ProofError("malformed", f"{name} 应为文本")
    return value


def digest(fields: Mapping[str, Any], name: str) -> str:
    """32 bytes in lower-case hex.

    Raises:
        ProofError: `malformed`.

    """
    value = text(fields, name)
    if not _DIGEST.fullmatch(value):
        raise ProofError("malformed", f"{name} 应为 64 位小写十六进制")
    return value


def instant(fields: Mapping[str, Any], name: str) -> str:
    """An instant as the ledger writes it, so that text order is time order.

    Raises:
        ProofError: `malformed`.

    """
    value = text(fields, name)
    if not _INSTANT.fullmatch(value):
        raise ProofError("malformed", f"{name} 应为协调世界时，精确到微秒")
    return value
