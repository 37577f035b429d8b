"""Columns are counted as the protocol does: Chinese takes one unit of UTF-16, an emoji two."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lsprotocol.types import Position, PositionEncodingKind

from api.lsp.positions import Encoding, extent, lines_of, piece_at, text_of
from engine.language.diagnostics import Reporter
from engine.language.ir import Span
from engine.language.source import Mapping, Scalar, read

LINES = st.lists(st.text("a政😀𠮷: ", max_size=12), min_size=1, max_size=3)
CODECS = {
    PositionEncodingKind.Utf8: ("utf-8", 1),
    PositionEncodingKind.Utf16: ("utf-16-le", 2),
    PositionEncodingKind.Utf32: ("utf-32-le", 4),
}


@given(LINES, st.sampled_from(sorted(CODECS)), st.data())
def test_a_place_survives_the_journey(lines: list[str], kind: PositionEncodingKind, data: st.DataObject) -> None:
    """To the protocol and back; on the way it counts the units of its encoding."""
    line = data.draw(st.integers(1, len(lines)))
    column = data.draw(st.integers(1, len(lines[line - 1]) + 1))
    codec, width = CODECS[kind]

    position = Encoding(kind).position(lines, line, column)

    assert (line, column) == Encoding(kind).place(lines, position)
    assert (line - 1, len(lines[line - 1][: column - 1].encode(codec)) // width) == (position.line, position.character)


@given(LINES, st.integers(0, 9), st.integers(0, 99))
def test_a_position_outside_the_text_is_moved_into_it(lines: list[str], line: int, character: int) -> None:
    """Editors and servers may disagree for a moment about how long a line is."""
    found = Encoding().place(lines, Position(line, character))

    assert 1 <= found[0] <= len(lines)
    assert 1 <= found[1] <= len(lines[found[0] - 1]) + 1


@given(st.text("a\r\n\x0b\x0c\x85\u2028", max_size=20))
def test_only_the_protocols_line_ends_end_lines(text: str) -> None:
    """Form feeds and their like would shift every line below in `str.splitlines`."""
    assert len(lines_of(text)) == 1 + len(re.findall("\r\n|\r|\n", text))
    assert not any(end in line for line in lines_of(text) for end in "\r\n")


@pytest.mark.parametrize(
    ("text", "value", "piece", "within"),
    [
        ("a: 限制任职 # 注释", "限制任职", "限制任职", "限制任职"),
        ("a: 3 working days", "3 working days", "3 working days", "3 working days"),
        ("a: 'it''s'", "it's", "'it''s'", None),
        ('a: "x y"', "x y", '"x y"', "x y"),
        ("a: &b banks", "banks", "&b banks", "banks"),
        ("a: 12:30", "12:30", "12:30", "12:30"),
        ("a: [b, 😀]", "", "[", None),
    ],
)
def test_what_is_underlined_and_what_is_replaced(text: str, value: str, piece: str, within: str | None) -> None:
    """The whole scalar is underlined; what is inside its quotes is replaced, unless it is not written as it reads."""
    tree = read("x.yaml", text, Reporter())
    assert isinstance(tree, Mapping)
    node = tree.items["a"]
    assert (node.value if isinstance(node, Scalar) else "") == value

    start, end = piece_at([text], node.span)
    inside = extent([text], node.span, value) if value else None

    assert piece == text[start - 1 : end - 1]
    assert within == (text[inside[0] - 1 : inside[1] - 1] if inside else None)


def test_a_byte_order_mark_is_no_column() -> None:
    """The engine does not count it, and editors do not show it."""
    assert text_of("\ufefflaw: x") == text_of(b"\xef\xbb\xbflaw: x") == "law: x"
    assert piece_at(["law: x"], Span("x", 9, 3)) == (3, 4)
