"""QR codes for the short form of a receipt (`engine.proof.compact.pack`), to be printed on what a party is handed."""

from __future__ import annotations

import io
from typing import Literal

import segno

CORRECTION = "m"
"""A seventh of the code may be soiled or torn; the short form then still fits on two centimetres and a half."""
PIXELS = 8
"""Pixels of a module in PNG: 300 dots an inch at two and a half centimetres take five, screens like more."""


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
