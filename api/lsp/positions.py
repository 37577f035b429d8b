"""Places in texts, between the engine's counting and the protocol's.

The engine counts lines and columns from 1, in characters. The protocol counts from 0, and columns in the units that
client and server agreed on, by default UTF-16, in which an emoji takes two.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from lsprotocol.types import Position, PositionEncodingKind, Range

from engine.language.ir import Span

BOM = "\ufeff"
ANCHOR = re.compile(r"&\S+\s+")
PIECE = re.compile(  # a quoted scalar, or a plain one or key up to what ends it
    r""""(?:[^"\\]|\\.)*"|'(?:[^']|'')*'|[^\s,\[\]{}][^,\[\]{}]*?(?=\s*(?:[,\[\]{}]|:(?:\s|$)|\s#|$))|\S"""
)


def text_of(content: str | bytes) -> str:
    """A file's text as an editor has it; bytes that are no UTF-8 are replaced."""
    text = content if isinstance(content, str) else content.decode(errors="replace")
    return text.removeprefix(BOM)


def lines_of(text: str) -> list[str]:
    """The lines of a text by the protocol's three line ends; `str.splitlines` knows more."""
    return text.replace("\r\n", "\n").replace("\r", "\n").split("\n")


@dataclass(frozen=True, slots=True)
class Encoding:
    """How the protocol counts columns."""

    kind: PositionEncodingKind | str = PositionEncodingKind.Utf16

    def units(self, text: str) -> int:
        """The length of a piece of a line."""
        match self.kind:
            case PositionEncodingKind.Utf32:
                return len(text)
            case PositionEncodingKind.Utf8:
                return len(text.encode(errors="surrogatepass"))
            case _:
                return len(text) + sum(c > "\uffff" for c in text)

    def position(self, lines: list[str], line: int, column: int) -> Position:
        """A place of the engine's; one outside the text is moved to its nearest end."""
        if line > len(lines):
            line, column = len(lines), len(lines[-1]) + 1
        return Position(line - 1, self.units(lines[line - 1][: max(0, column - 1)]))

    def range(self, lines: list[str], line: int, start: int, end: int) -> Range:
        """From one column of a line up to before another."""
        return Range(self.position(lines, line, start), self.position(lines, line, end))

    def place(self, lines: list[str], position: Position) -> tuple[int, int]:
        """Line and column, as the engine counts, of a position that the client sent."""
        if position.line >= len(lines):
            return len(lines), len(lines[-1]) + 1
        text, column, units = lines[position.line], 0, 0
        while column < len(text) and units < position.character:
            units += self.units(text[column])
            column += 1
        return position.line + 1, column + 1


def piece_at(lines: list[str], span: Span) -> tuple[int, int]:
    """The columns, first and one past the last, of the key or value that begins at a place."""
    if span.line > len(lines):
        return span.column, span.column + 1
    found = PIECE.match(lines[span.line - 1], span.column - 1)
    return span.column, found.end() + 1 if found else span.column + 1


def extent(lines: list[str], span: Span, value: str) -> tuple[int, int] | None:
    """The columns that the text of a scalar takes, without quotes; `None` if it is not written as it reads."""
    if span.line > len(lines):
        return None
    line, start = lines[span.line - 1], span.column - 1
    if anchor := ANCHOR.match(line, start):
        start = anchor.end()
    if line[start : start + 1] in {'"', "'"}:
        quote, start = line[start], start + 1
        return (start + 1, start + len(value) + 1) if line.startswith(value + quote, start) else None
    return (start + 1, start + len(value) + 1) if line.startswith(value, start) else None
