"""The QR code on a letter: the promise that the step which called for the letter is kept in the log, and how to check.

It stands below the letter in every template, so that no editor of templates can forget it. The docx has it as a picture
whose description is the text in the code; from that the PDF draws it anew.
"""

from __future__ import annotations

import io
from typing import Any

from docx.document import Document
from docx.enum.text import WD_ALIGN_PARAGRAPH
from docx.oxml.ns import qn
from docx.shared import Pt
from docx.text.paragraph import Paragraph

from adapters.documents.qr import plain_png
from engine.proof.compact import PREFIX

SIDE = 71.0
"""Points: two and a half centimetres, quiet zone included."""
GAP = 12.0
WORDS_SIZE = 9
SIGNATURE = 3
"""Paragraphs at the end of a letter, organ, date and officer, with which the code stays together."""
NAME = "收录承诺"
"""The name by which a picture in a docx is known to be one of these."""
WORDS = (
    "存证二维码：本文书所载的办理已承诺收入存证日志。收录情况可凭查询码在网上查看；"
    "也可把扫得的文字（XH1: 开头）存为文件，用 xinheng log verify 文件 --log-key 公钥 离线核对，公钥见存证公告。"
)


def attach(document: Document, promise: str) -> None:
    """Put the code of a promise (`engine.proof.compact.pack`) and the line on how to check it below a letter.

    Raises:
        ValueError: the text is too long for any code.

    """
    for last in document.paragraphs[-SIGNATURE:]:
        last.paragraph_format.keep_with_next = True  # the code is never alone on a page
    words = _paragraph(document, GAP)
    words.paragraph_format.keep_with_next = True
    words.add_run(WORDS).font.size = Pt(WORDS_SIZE)
    picture = _paragraph(document, 0).add_run().add_picture(io.BytesIO(plain_png(promise)), Pt(SIDE), Pt(SIDE))
    described = picture._inline.docPr  # noqa: SLF001 - python-docx has no public door to a picture's description
    described.set("name", NAME)
    described.set("descr", promise)


def _paragraph(document: Document, before: float) -> Paragraph:
    made = document.add_paragraph()
    made.alignment = WD_ALIGN_PARAGRAPH.LEFT
    own = made.paragraph_format
    own.space_before, own.space_after, own.first_line_indent, own.line_spacing = Pt(before), Pt(0), Pt(0), 1
    return made


def promise_of(drawing: Any) -> str | None:
    """The text in a code that `attach` put into a docx; None: it is another picture."""
    described = drawing.find(f".//{qn('wp:docPr')}")
    found = described.get("descr", "") if described is not None and described.get("name") == NAME else ""
    return found if found.startswith(PREFIX) else None
