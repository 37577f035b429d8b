"""Letters (文书) that the subject and the departments receive: from templates edited in Word, as docx and as PDF.

`render` fills the template `rules/documents/<kind>.docx` and lays the PDF out from the filled docx, so both say the
same. The same template and the same context give the same bytes on any day, on any machine with the locked packages.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from adapters.documents.pdf import to_pdf
from adapters.documents.placeholders import TITLES, complete
from adapters.documents.reader import read
from adapters.documents.template import TemplateError, fill
from adapters.policy_files import default_bundle

__all__ = ["KINDS", "Rendered", "TemplateError", "default_templates", "render"]

KINDS: tuple[str, ...] = tuple(TITLES)
"""The kinds of letter; each has a template of its name."""


@dataclass(frozen=True, slots=True)
class Rendered:
    """One letter in both forms.

    Attributes:
        kind: one of `KINDS`.
        docx: the filled template.
        pdf: the same content with its fonts embedded.
        template: SHA-256 of the template that was used, in hex.

    """

    kind: str
    docx: bytes
    pdf: bytes
    template: str

    @property
    def docx_sha256(self) -> str:
        """SHA-256 of the docx, in hex."""
        return hashlib.sha256(self.docx).hexdigest()

    @property
    def pdf_sha256(self) -> str:
        """SHA-256 of the PDF, in hex."""
        return hashlib.sha256(self.pdf).hexdigest()


def default_templates() -> Path:
    """The folder of the shipped templates."""
    return default_bundle() / "rules" / "documents"


def render(kind: str, context: Mapping[str, Any], templates: Path | None = None) -> Rendered:
    """The letter of this kind with the values of `context`.

    Args:
        kind: one of `KINDS`.
        context: texts, integers, lists and mappings in the shape of `PLACEHOLDERS`; what is missing is empty. Every
            value is shown as the text that it is, whatever it contains.
        templates: a folder with `<kind>.docx`; None means the shipped one.

    Raises:
        ValueError: the kind is unknown, or a value is not of the documented shape or cannot be written.
        TemplateError: the template cannot be read, filled or laid out.

    """
    if kind not in KINDS:
        raise ValueError(f"没有文书种类 {kind!r}；可用的是 {'、'.join(KINDS)}")
    values = complete(context)
    file = (templates or default_templates()) / f"{kind}.docx"
    try:
        source = file.read_bytes()
    except OSError as error:
        raise TemplateError(file.name, f"读不到模板 {file}：{error.strerror}") from error
    docx = fill(source, values, name=file.name, title=TITLES[kind])
    pdf = to_pdf(read(docx, name=file.name))
    return Rendered(kind, docx, pdf, hashlib.sha256(source).hexdigest())
