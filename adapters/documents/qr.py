"""QR codes for the short form of a receipt (`engine.proof.compact.pack`), to be printed on what a party is handed."""

from __future__ import annotations

import io
import struct
import zlib
from functools import lru_cache
from itertools import groupby
from typing import Literal

import segno

CORRECTION = "m"
"""A seventh of the code may be soiled or torn; the short form then still fits on two centimetres and a half."""
PIXELS = 8
"""Pixels of a module in PNG: 300 dots an inch at two and a half centimetres take five, screens like more; at one bit
each, eight are a byte."""
PNG = b"\x89PNG\r\n\x1a\n"
MAX_STORED = 0xFFFF
"""Bytes in one stored block of a zlib stream."""


def draw(short: str, form: Literal["svg", "png"]) -> bytes:
    """A QR code over a text in the alphabet of base 45, black on white with its quiet zone.

    Raises:
        ValueError: the text is too long for any code.

    """
    code = segno.make_qr(short, error=CORRECTION)
    out = io.BytesIO()
    if form == "png":
        code.save(out, kind="png", scale=PIXELS)
    else:
        code.save(out, kind="svg", omitsize=True, svgclass=None, lineclass=None)
    return out.getvalue()


@lru_cache(16)
def modules(short: str) -> tuple[tuple[bool, ...], ...]:
    """The code's rows from the top, dark or light, with its quiet zone.

    Raises:
        ValueError: the text is too long for any code.

    """
    code = segno.make_qr(short, error=CORRECTION)
    return tuple(tuple(bool(module) for module in row) for row in code.matrix_iter(border=code.default_border_size))


def path_of(short: str) -> tuple[int, str]:
    """The code for a page: how many modules a side has, quiet zone included, and an SVG path over its dark modules.

    Raises:
        ValueError: the text is too long for any code.

    """
    rows = modules(short)
    drawn = []
    for y, row in enumerate(rows):
        x = 0
        for dark, run in groupby(row):
            length = len(list(run))
            if dark:
                drawn.append(f"M{x} {y}h{length}v1h-{length}z")
            x += length
    return len(rows), "".join(drawn)


def plain_png(short: str) -> bytes:
    """The code as PNG that is not compressed: what deflate gives depends on the machine's zlib.

    Raises:
        ValueError: the text is too long for any code.

    """
    rows = [b"\0" + bytes(0x00 if dark else 0xFF for dark in row) for row in modules(short)]  # no filter; 1 is white
    width = len(rows) * PIXELS
    content = b"".join(row for row in rows for _ in range(PIXELS))
    header = struct.pack(">IIBBBBB", width, width, 1, 0, 0, 0, 0)  # one bit of grey
    return PNG + _chunk(b"IHDR", header) + _chunk(b"IDAT", _stored(content)) + _chunk(b"IEND", b"")


def _stored(content: bytes) -> bytes:
    """A zlib stream (RFC 1950) of stored blocks."""
    blocks = [content[i : i + MAX_STORED] for i in range(0, len(content), MAX_STORED)]
    written = b"".join(
        struct.pack("<BHH", block is blocks[-1], len(block), len(block) ^ MAX_STORED) + block for block in blocks
    )
    return b"\x78\x01" + written + struct.pack(">I", zlib.adler32(content))


def _chunk(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I", len(content)) + kind + content + struct.pack(">I", zlib.crc32(kind + content))
