"""A value is shown as the text that it is: it cannot become markup, a tag, a new paragraph or another value."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path
from typing import Any

import docx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markupsafe import Markup

from adapters.documents import default_templates, render
from adapters.documents.placeholders import complete
from adapters.documents.template import fill
from tests.documents.support import SAMPLE, custom, docx_text, paragraphs, pdf_text, squeezed

NOTICE = (default_templates() / "notice.docx").read_bytes()
HOSTILE = [
    "<w:p><w:r><w:t>x</w:t></w:r></w:p>",
    "</w:t></w:r></w:p><w:p>",
    "{{ 7*7 }}",
    "{% for x in facts %}",
    "{_{ 7*7 }_} {_% x %_}",
    "{%p if x %} {{r y }} {#tr z #}",
    "a & b &amp; &#60; \"c\" 'd'",
    "]]><!-- x --><?pi?>",
    "“弯引号”‘与’{{“x”}}",
]


@pytest.mark.parametrize("text", HOSTILE)
def test_markup_in_a_value_is_shown_as_text(text: str) -> None:
    """Tags of Word, of Jinja and of docxtpl stand in the letter as they were written, in both forms."""
    hostile = {
        **SAMPLE,
        "subject_name": text,
        "reasons": text,
        "receipt": text,
        "facts": [{"title": text, "value": text}],
        "rights": [text],
        "measures": [dict.fromkeys(SAMPLE["measures"][0], text)],
    }
    letter = render("notice", hostile)

    assert docx_text(letter).count(squeezed(text)) == 10
    assert docx_text(letter) == pdf_text(letter)
    assert len(
        list(paragraphs(render("notice", {**hostile, **dict.fromkeys(["subject_name", "reasons"], "x")})))
    ) == len(list(paragraphs(letter)))


@given(
    st.text(
        st.one_of(
            st.sampled_from("<>&{}%#\"'_\n\t {}{}"),
            st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufffe\uffff\u2028\u2029")
        ),
        max_size=60,
    ).filter(lambda text: not set(text) & set("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"))
)  # fmt: skip
@settings(max_examples=30, deadline=None)
def test_any_text_comes_back_from_the_docx(text: str) -> None:
    """Reading the letter gives the very text that went in, white space included."""
    content = fill(NOTICE, complete({"reasons": f"始{text}终。"}), name="notice.docx", title="")

    read = [paragraph.text for paragraph in docx.Document(io.BytesIO(content)).paragraphs]
    assert [f"始{text}终。"] == [paragraph for paragraph in read if paragraph.startswith("始")]


def test_a_value_that_calls_itself_safe_is_not_believed() -> None:
    """A `Markup` object or the filter `safe` opens no door."""
    letter = render("notice", {"reasons": Markup("<w:br/>&lt;")})

    assert "<w:br/>&lt;" in docx_text(letter)


def test_the_filters_safe_and_e_change_nothing(tmp_path: Path) -> None:
    """Habits from other template engines do no harm."""
    folder = custom(tmp_path, "{{ reasons|safe }}", "{{ reasons|e }}", "{{ reasons }}")
    shown = list(paragraphs(render("notice", {"reasons": "<b>A & B</b>"}, folder)))

    assert shown == ["<b>A & B</b>"] * 3


def test_line_feeds_and_tabs_stay_in_their_paragraph() -> None:
    """A value of several lines is one paragraph with line breaks; every kind of line end counts."""
    letter = render("notice", {"reasons": "甲\n乙\r\n丙\r丁\u2028戊\t己。"})

    assert [text for text in paragraphs(letter) if text.startswith("甲")] == ["甲\n乙\n丙\n丁\n戊\t己。"]
    assert docx_text(letter) == pdf_text(letter)


def test_ten_thousand_characters_fit() -> None:
    """A very long value goes on over as many pages as it needs, in a paragraph and in a table cell."""
    long = "龘" * 10_000
    letter = render("notice", {**SAMPLE, "reasons": long, "measures": [{"title": long, "until": "x" * 500}]})

    assert pdf_text(letter).count("龘") == 20_000
    assert pdf_text(letter).count("x") >= 500


def test_a_character_that_no_font_has_is_named_by_its_code() -> None:
    """Emoji and very rare ideographs stay in the docx; the PDF names them instead of leaving a gap."""
    letter = render("notice", {"subject_name": "😀公司𠮷\ufe0f"})

    assert "😀公司𠮷" in docx_text(letter)
    assert "〔U+1F600〕公司〔U+20BB7〕：" in pdf_text(letter)


@pytest.mark.parametrize("code", [0x00, 0x07, 0x0C, 0x1B, 0x7F, 0x9F, 0xD800, 0xFFFE, 0x202E])
def test_a_character_that_no_letter_can_hold_is_refused_with_its_place(code: int) -> None:
    """Control characters, lone surrogates and reversals of the writing direction are errors in the data."""
    with pytest.raises(ValueError, match=rf"facts\[0\]\.value 的第 3 个字符 U\+{code:04X} 不能写进文书"):
        render("notice", {"facts": [{"title": "x", "value": f"甲乙{chr(code)}"}]})


WRONG_SHAPES: list[tuple[dict[str, Any], str]] = [
    ({"facts": "一段"}, "facts 应当是列表"),
    ({"facts": ["一段"]}, r"facts\[0\] 应当是含 title、value 的一组值"),
    ({"repair": "x"}, "repair 应当是含 earliest、requires、how 的一组值"),
    ({"number": ["x"]}, "number 应当是文字"),
    ({"number": 1.5}, "number 应当是文字，得到的是 float 1.5"),
    ({"rights": [True]}, r"rights\[0\] 应当是文字"),
    ({"obligation": {"evidence": [{"sha256": b"x"}]}}, r"obligation\.evidence\[0\]\.sha256 应当是文字"),
    ({"extra": {"deep": ["\x00"]}}, r"extra\.deep\[0\] 的第 1 个字符 U\+0000"),
]


@pytest.mark.parametrize(("context", "message"), WRONG_SHAPES)
def test_a_value_of_another_shape_is_refused(context: dict[str, Any], message: str) -> None:
    """The message says which value it is and what was expected."""
    with pytest.raises(ValueError, match=message):
        render("notice", context)


def test_integers_and_nulls_are_texts() -> None:
    """JSON has both; an integer is its digits and null is empty."""
    letter = render("notice", {"number": 12, "list_title": None, "objection": {"how": "来函", "days": 7}})

    assert "列入名单告知书12：" in docx_text(letter)
    assert "有异议的，可以来函。异议办理期限为7。" in docx_text(letter)


def test_no_part_of_the_docx_is_left_behind() -> None:
    """The archive holds the template's parts and nothing else."""
    with zipfile.ZipFile(io.BytesIO(NOTICE)) as before, zipfile.ZipFile(io.BytesIO(render("notice", {}).docx)) as after:
        assert set(before.namelist()) == set(after.namelist())
