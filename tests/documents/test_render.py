"""Every kind of letter renders, says what the context says, and says the same in both forms."""

from __future__ import annotations

import hashlib
import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import docx
import pytest
from pypdf import PdfReader
from pypdf.generic import DictionaryObject

from adapters.documents import KINDS, default_templates, render
from adapters.documents.__main__ import main
from adapters.documents.layout import Text, paginate
from adapters.documents.placeholders import PLACEHOLDERS, TITLES, complete
from adapters.documents.reader import read
from adapters.documents.template import fill
from tests.documents.support import SAMPLE, docx_text, pdf_text, squeezed

MAX_PDF = 200_000
EXPECTED = {
    "notice": ["number", "facts", "reasons", "basis", "measures", "rights", "statement_until", "hearing_until"],
    "decision": ["number", "facts", "reasons", "basis", "answers", "outcome", "measures", "periods", "rights"],
    "repair-notice": ["number", "facts", "periods", "repair", "measures", "rights"],
    "repair-answer": ["number", "facts", "answers", "outcome", "reasons", "basis", "measures", "rights"],
    "objection-answer": ["number", "facts", "answers", "outcome", "reasons", "basis", "rights"],
    "response-slip": ["number", "department_title", "obligation"],
    "delisting": ["number", "outcome", "reasons", "basis", "measures", "rights"],
}  # fmt: skip
ALWAYS = ["list_title", "subject_name", "initiator_title", "date", "officer"]


def texts(value: Any) -> Iterator[str]:
    """Every text in a value."""
    if isinstance(value, str):
        yield value
    else:
        for item in value.values() if isinstance(value, dict) else value:
            yield from texts(item)


@pytest.mark.parametrize("kind", KINDS)
def test_a_full_context_shows_everything_in_both_forms(kind: str) -> None:
    """What a letter of a kind is for stands in its docx and, character for character, in its PDF."""
    letter = render(kind, SAMPLE)

    said = docx_text(letter)
    missing = [text for key in EXPECTED[kind] for text in texts(SAMPLE[key]) if squeezed(text) not in said]
    answering = kind in {"repair-answer", "objection-answer"}
    signed = [key for key in ALWAYS if not (answering and key == "initiator_title")]
    missing += [SAMPLE[key] for key in signed if squeezed(SAMPLE[key]) not in said]
    assert missing == []
    assert TITLES[kind] in said
    assert said == pdf_text(letter)


@pytest.mark.parametrize("kind", KINDS)
def test_an_empty_context_still_gives_a_letter(kind: str) -> None:
    """Whatever is missing is empty; the fixed words stay, and both forms agree."""
    letter = render(kind, {})

    assert TITLES[kind] in docx_text(letter)
    assert docx_text(letter) == pdf_text(letter)


@pytest.mark.parametrize("kind", KINDS)
def test_a_letter_carries_its_template_and_its_digests(kind: str) -> None:
    """The digests are those of the bytes, and the template's is that of the file."""
    letter = render(kind, SAMPLE)

    source = (default_templates() / f"{kind}.docx").read_bytes()
    assert hashlib.sha256(source).hexdigest() == letter.template
    assert hashlib.sha256(letter.docx).hexdigest() == letter.docx_sha256
    assert hashlib.sha256(letter.pdf).hexdigest() == letter.pdf_sha256


@pytest.mark.parametrize("kind", KINDS)
def test_a_pdf_embeds_its_fonts_and_stays_small(kind: str) -> None:
    """Chinese shows on a machine without Chinese fonts: every font of every page is in the file, as a subset."""
    letter = render(kind, SAMPLE)

    reader = PdfReader(io.BytesIO(letter.pdf), strict=True)
    fonts: dict[str, bool] = {}
    for page in reader.pages:
        resources = page["/Resources"]
        assert isinstance(resources, DictionaryObject)
        for font in resources["/Font"].get_object().values():  # type: ignore[union-attr]
            descendant = font.get_object()["/DescendantFonts"][0].get_object()
            fonts[descendant["/BaseFont"]] = "/FontFile3" in descendant["/FontDescriptor"].get_object()
    assert fonts == {"/MPDFAA+NotoSerifSC": True, "/MPDFAA+NotoSansSC": True}
    assert len(letter.pdf) < MAX_PDF


def test_every_page_bears_its_number_and_the_verification_digest() -> None:
    """The footer of each page names the page and binds it to the record."""
    pages = PdfReader(io.BytesIO(render("decision", SAMPLE).pdf)).pages

    footers = [squeezed(page.extract_text())[-len(f"—1—核验码{SAMPLE['receipt']}") :] for page in pages]
    assert [f"—{number}—核验码{SAMPLE['receipt']}" for number in range(1, len(pages) + 1)] == footers


@pytest.mark.parametrize("kind", KINDS)
def test_the_signature_never_stands_alone_on_a_page(kind: str) -> None:
    """However long the letter is, the page with the organ and the date also has text of the letter."""
    source = (default_templates() / f"{kind}.docx").read_bytes()
    alone = []
    for lines in range(30):
        grown = {**SAMPLE, "obligation": {**SAMPLE["obligation"], "reason": "甲\n" * lines}, "number": "甲\n" * lines}
        letter = read(fill(source, complete(grown), name="", title=""), name="")
        last = paginate(letter, lambda character, _: 1.0 if ord(character) > 255 else 0.5)[-1]
        said = "".join(mark.text for mark in last if isinstance(mark, Text))
        if "（印章）" not in said or "。" not in said.partition("（印章）")[0]:
            alone.append(lines)
    assert alone == []


def test_the_document_properties_name_the_letter() -> None:
    """Title, organ and day come from the context, so that a folder of letters can be searched."""
    properties = docx.Document(io.BytesIO(render("notice", SAMPLE).docx)).core_properties

    expected = ("列入名单告知书 项人社信告〔2026〕12号", "项城市人力资源和社会保障局", "2026-11-24", "2026-11-24")
    days = (str(properties.created)[:10], str(properties.modified)[:10])
    assert expected == (properties.title, properties.author, *days)


def test_an_unknown_kind_is_refused_with_the_known_ones() -> None:
    """The message lists what can be asked for."""
    with pytest.raises(ValueError, match="没有文书种类 'letter'；可用的是 notice、decision"):
        render("letter", {})


def test_a_missing_template_is_named(tmp_path: Path) -> None:
    """A folder without the template is the template's fault, not a crash."""
    from adapters.documents import TemplateError  # noqa: PLC0415 - beside its only use

    with pytest.raises(TemplateError, match=r"文书模板 notice\.docx：读不到模板"):
        render("notice", {}, tmp_path)


def test_the_preview_writes_every_kind(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`python -m adapters.documents out` is what policy staff check an edited template with."""
    assert main([str(tmp_path)]) == 0

    assert {f"{kind}.{form}" for kind in KINDS for form in ("docx", "pdf")} == {
        file.name for file in tmp_path.iterdir()
    }
    assert "通过  notice.docx、notice.pdf" in capsys.readouterr().out


def test_the_preview_names_every_wrong_template(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """One wrong template does not hide the next."""
    (tmp_path / "notice.docx").write_bytes(b"no zip")

    assert main([str(tmp_path / "out"), "--templates", str(tmp_path)]) == 1
    assert len(KINDS) == capsys.readouterr().out.count("错误")


def test_the_page_for_policy_staff_lists_every_placeholder_and_kind() -> None:
    """`docs/documents.md` cannot fall behind the code."""
    page = (Path(__file__).parents[2] / "docs" / "documents.md").read_text("utf-8")

    named = [*PLACEHOLDERS, *(f"{kind}.docx" for kind in KINDS), *TITLES.values(), *leaves(PLACEHOLDERS)]
    assert [name for name in named if name not in page] == []


def leaves(shape: Any) -> Iterator[str]:
    """Every key of a shape, at any depth."""
    if isinstance(shape, list):
        yield from leaves(shape[0])
    elif isinstance(shape, dict):
        for key, part in shape.items():
            yield key
            yield from leaves(part)
