"""The QR code on a letter is the promise, in the docx as in the PDF, and can be verified as printed."""

from __future__ import annotations

import io
import re
import struct
import zipfile
import zlib
from pathlib import Path

import docx
import pytest
from docx.oxml.ns import qn
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader

from adapters.documents import KINDS, render
from adapters.documents.proof import SIDE, WORDS
from adapters.documents.qr import PIXELS, modules, plain_png
from engine.proof.compact import ALPHABET, unpack
from tests.documents.support import SAMPLE, docx_text, pdf_text, saved, squeezed

PROMISE: str = SAMPLE["promise"]
Modules = tuple[tuple[bool, ...], ...]


def shown(png: bytes) -> Modules:
    """The modules of a code in a one-bit PNG without filters."""
    chunks, at = {}, 8
    while at < len(png):
        (length,) = struct.unpack_from(">I", png, at)
        kind, body = png[at + 4 : at + 8], png[at + 8 : at + 8 + length]
        assert struct.unpack_from(">I", png, at + 8 + length) == (zlib.crc32(kind + body),)
        chunks[kind] = body
        at += 12 + length
    width, height, *form = struct.unpack(">IIBBBBB", chunks[b"IHDR"])
    assert form == [1, 0, 0, 0, 0]
    content, step = zlib.decompress(chunks[b"IDAT"]), 1 + -(-width // 8)
    rows = [content[y * step : (y + 1) * step] for y in range(0, height, PIXELS)]
    assert all(row[0] == 0 for row in rows)
    return tuple(tuple(not row[1 + x // 8] >> (7 - x % 8) & 1 for x in range(0, width, PIXELS)) for row in rows)


def drawn(pdf: bytes) -> Modules:
    """The modules of the code on a PDF's last page, from the black rectangles on it."""
    text = PdfReader(io.BytesIO(pdf)).pages[-1].get_contents()
    assert text is not None
    number = r"(-?[\d.]+)"
    found = re.findall(rf"{number} {number} {number} {number} re f", text.get_data().decode("latin-1"))
    side = len(modules(PROMISE))
    step = SIDE / side
    rectangles = [one for one in (tuple(map(float, each)) for each in found) if round(abs(one[3]) / step, 1) == 1]
    left, top = min(x for x, *_ in rectangles), max(y for _, y, *_ in rectangles)
    dark = {
        (round((top - y) / step) + 4, round((x - left) / step) + 4 + n)
        for x, y, width, _ in rectangles
        for n in range(round(width / step))
    }
    return tuple(tuple((y, x) in dark for x in range(side)) for y in range(side))


@pytest.mark.parametrize("kind", KINDS)
def test_every_letter_ends_with_the_code_and_the_way_to_check_it(kind: str) -> None:
    """The picture in Word and the squares in the PDF are the same code; a letter without a promise has none."""
    letter, without = render(kind, SAMPLE), render(kind, SAMPLE | {"promise": ""})
    (picture,) = docx.Document(io.BytesIO(letter.docx)).element.body.iter(qn("wp:docPr"))
    with zipfile.ZipFile(io.BytesIO(letter.docx)) as archive:
        (png,) = (archive.read(name) for name in archive.namelist() if name.endswith(".png"))

    assert picture.get("descr") == PROMISE
    assert modules(PROMISE) == shown(png)
    assert modules(PROMISE) == drawn(letter.pdf)
    assert all(squeezed(WORDS) in text(letter) for text in (docx_text, pdf_text))
    assert all(squeezed(WORDS) not in text(without) for text in (docx_text, pdf_text))
    assert not list(docx.Document(io.BytesIO(without.docx)).element.body.iter(qn("wp:docPr")))


def test_what_is_printed_is_a_promise() -> None:
    """The sample's text leads back to the case and the event."""
    promise = unpack(PROMISE)["promise"]

    assert (promise["statement"]["version"], promise["statement"]["type"]) == (4, "xinheng-promise/1")


@settings(max_examples=20)
@given(st.text(ALPHABET, min_size=1, max_size=1500))
def test_an_uncompressed_picture_shows_the_code(text: str) -> None:
    """Whatever its size, and a program that reads PNG finds nothing wrong with it."""
    assert modules(text) == shown(plain_png(text))


def test_another_picture_in_a_template_is_still_refused(tmp_path: Path) -> None:
    """Only the code can be drawn in the PDF."""
    document = docx.Document()
    document.add_picture(io.BytesIO(plain_png("A")))
    folder = saved(tmp_path, document)

    with pytest.raises(Exception, match="图片"):
        render("notice", SAMPLE, folder)
