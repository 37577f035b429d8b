"""A receipt's promise, and its inclusion if it has one, as text short enough for a QR code.

`XH1:` and the bytes below in base 45 (RFC 9285), whose characters QR codes hold in five and a half bits each. What is
left out, checkpoint and countersignatures, is the same for all and printed or served elsewhere.
"""

from __future__ import annotations

import datetime as dt
import struct
from collections.abc import Mapping
from typing import Any

from engine.proof.checkpoint import HASHES
from engine.proof.receipt import MAX_PATH, PROMISE, Inclusion, make_receipt
from engine.proof.signed import Json, ProofError, Signed, digest, instant, text

PREFIX = "XH1:"
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ $%*+-./:"
EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
FIXED = struct.Struct(">32s64s32sIQQ")  # key, signature, event, version, at, included_by (microseconds since 1970)
PLACE = struct.Struct(">BQQB")  # hash function, number, size, length of the path
WIDTH = 32


def pack(receipt: Mapping[str, Any]) -> str:
    """The short form of a receipt.

    Raises:
        ProofError: `malformed`, it is no receipt, or names something too long.

    """
    promise = Signed.of(receipt.get("promise"))
    said = promise.statement
    try:
        content = FIXED.pack(
            bytes.fromhex(promise.key), bytes.fromhex(promise.signature), bytes.fromhex(digest(said, "event")),
            said["version"], _micros(instant(said, "at")), _micros(instant(said, "included_by")),
        )  # fmt: skip
        for name in ("origin", "case"):
            written = text(said, name).encode()
            content += bytes([len(written)]) + written
    except (KeyError, ValueError, struct.error) as error:
        raise ProofError("malformed", "凭证写不成短码") from error
    if receipt.get("inclusion") is not None:
        inclusion = Inclusion.of(receipt["inclusion"])
        content += PLACE.pack(HASHES.index(inclusion.hash), inclusion.number, inclusion.size, len(inclusion.path))
        content += b"".join(inclusion.path)
    return PREFIX + base45(content)


def unpack(short: str) -> Json:
    """The receipt of a short form, to be verified like any other; without checkpoint it needs a published root.

    Raises:
        ProofError: `malformed`.

    """
    if not short.startswith(PREFIX):
        raise ProofError("malformed", f"凭证的短码以 {PREFIX} 开头")
    try:
        rest = unbase45(short.removeprefix(PREFIX))
        key, signature, event, version, at, by = FIXED.unpack_from(rest)
        origin, rest = _prefixed(rest[FIXED.size :])
        case, rest = _prefixed(rest)
        inclusion = _inclusion(rest) if rest else None
        statement = {
            "type": PROMISE, "origin": origin, "case": case, "version": version, "event": event.hex(),
            "at": _instant(at), "included_by": _instant(by),
        }  # fmt: skip
    except (ValueError, OverflowError, struct.error) as error:
        raise ProofError("malformed", "不是凭证的短码") from error
    return make_receipt(Signed(statement, key.hex(), signature.hex()), inclusion)


def _inclusion(content: bytes) -> Inclusion:
    code, number, size, length = PLACE.unpack_from(content)
    path = content[PLACE.size :]
    if code >= len(HASHES) or length > MAX_PATH or len(path) != length * WIDTH:
        raise ValueError(content)
    hashes = tuple(path[i : i + WIDTH] for i in range(0, len(path), WIDTH))
    return Inclusion(HASHES[code], number, size, hashes)


def _prefixed(content: bytes) -> tuple[str, bytes]:
    if not content or len(content) < 1 + content[0]:
        raise ValueError(content)
    return content[1 : 1 + content[0]].decode(), content[1 + content[0] :]


def _micros(moment: str) -> int:
    return (dt.datetime.fromisoformat(moment) - EPOCH) // dt.timedelta(microseconds=1)


def _instant(micros: int) -> str:
    moment = EPOCH + dt.timedelta(microseconds=micros)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def base45(content: bytes) -> str:
    """Two bytes as three characters, a last one as two."""
    found = []
    for i in range(0, len(content), 2):
        pair = content[i : i + 2]
        value = int.from_bytes(pair, "big")
        for _ in range(len(pair) + 1):
            value, character = divmod(value, 45)
            found.append(ALPHABET[character])
    return "".join(found)


def unbase45(written: str) -> bytes:
    """The inverse of `base45`.

    Raises:
        ValueError: the text is not the form of any bytes.

    """
    if len(written) % 3 == 1:
        raise ValueError(written)
    parts = [written[i : i + 3] for i in range(0, len(written), 3)]
    values = [sum(ALPHABET.index(character) * 45**place for place, character in enumerate(part)) for part in parts]
    try:
        pairs = [value.to_bytes(len(part) - 1, "big") for value, part in zip(values, parts, strict=True)]
    except OverflowError as error:
        raise ValueError(written) from error
    return b"".join(pairs)
