"""Letters for tests: the sample values, small templates made on the spot, and the text that a reader sees."""

from __future__ import annotations

import io
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docx
import yaml
from docx.document import Document
from docx.table import Table
from pypdf import PdfReader

from adapters.documents import Rendered, default_templates, render

SAMPLE: dict[str, Any] = yaml.load((default_templates() / "sample.yaml").read_text("utf-8"), Loader=yaml.BaseLoader)
_FOOTER = re.compile(r"—\d+—(核验码.*)?$")


def squeezed(text: str) -> str:
    """The text without white space: a PDF has none of its own, only places."""
    return re.sub(r"\s", "", text)


def paragraphs(letter: Rendered) -> Iterator[str]:
    """Every paragraph of the docx's body in order, those in tables included."""
    document = docx.Document(io.BytesIO(letter.docx))
    for block in document.iter_inner_content():
        if isinstance(block, Table):
            for row in block.rows:
                for cell in row._tr.tc_lst:
                    yield from ("".join(run.text for run in paragraph.r_lst) for paragraph in cell.p_lst)
        else:
            yield block.text


def docx_text(letter: Rendered) -> str:
    """The body text of the docx without white space."""
    return squeezed("".join(paragraphs(letter)))


def pdf_pages(letter: Rendered) -> list[str]:
    """The text of each page of the PDF without white space and without its footer."""
    reader = PdfReader(io.BytesIO(letter.pdf), strict=True)
    return [_FOOTER.sub("", squeezed(page.extract_text())) for page in reader.pages]


def pdf_text(letter: Rendered) -> str:
    """The text of the whole PDF as `pdf_pages` gives it."""
    return "".join(pdf_pages(letter))


def custom(folder: Path, *texts: str) -> Path:
    """A folder whose notice template has these paragraphs."""
    document = docx.Document()
    for text in texts:
        document.add_paragraph(text)
    return saved(folder, document)


def saved(folder: Path, document: Document) -> Path:
    """A folder with the document as its notice template."""
    document.save(str(folder / "notice.docx"))
    return folder


def filled(folder: Path, text: str, **values: Any) -> str:
    """The body text of a notice whose template is one paragraph."""
    return docx_text(render("notice", values, custom(folder, text)))
