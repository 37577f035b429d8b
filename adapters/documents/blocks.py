"""What a letter consists of, as far as its PDF is concerned: paragraphs and tables on a page. Lengths are points."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Align = Literal["left", "center", "right", "justify"]
Face = Literal["serif", "sans"]
Rule = Literal["exact", "least", "multiple"]

PAGE_BREAK = "\f"
"""In a span's text: what follows starts a new page."""
PAGE = "\ufffe"
"""In a span's text of a header or footer: the number of this page. No document can hold this character itself."""
PAGES = "\uffff"
"""In a span's text of a header or footer: how many pages there are."""


@dataclass(frozen=True, slots=True)
class Look:
    """How characters look. `color` is RRGGBB."""

    face: Face = "serif"
    size: float = 10.5
    bold: bool = False
    underline: bool = False
    color: str = "000000"


@dataclass(frozen=True, slots=True)
class Span:
    """Characters of one look; a line feed ends a line, a tab moves to the next tab stop."""

    text: str
    look: Look


@dataclass(frozen=True, slots=True)
class Border:
    """A line on one side of a paragraph or a table."""

    width: float
    color: str = "000000"


@dataclass(frozen=True, slots=True)
class Paragraph:
    """A paragraph. `first` is added to `left` on its first line; `line` is points, or a factor by `rule` multiple."""

    spans: tuple[Span, ...]
    mark: Look
    align: Align = "left"
    left: float = 0
    right: float = 0
    first: float = 0
    before: float = 0
    after: float = 0
    rule: Rule = "multiple"
    line: float = 1
    keep_next: bool = False
    page_break_before: bool = False
    top: Border | None = None
    bottom: Border | None = None


@dataclass(frozen=True, slots=True)
class Cell:
    """A table cell over `span` columns; `continued` belongs to the cell above it. Borders: top, right, bottom, left."""

    blocks: tuple[Paragraph, ...]
    span: int = 1
    middle: bool = False
    continued: bool = False
    fill: str | None = None
    borders: tuple[Border | None, Border | None, Border | None, Border | None] = (None, None, None, None)


@dataclass(frozen=True, slots=True)
class Row:
    """A table row; a `header` row appears again on every further page."""

    cells: tuple[Cell, ...]
    header: bool = False
    height: float = 0


@dataclass(frozen=True, slots=True)
class Table:
    """A table. `margins` are the cells' top, right, bottom and left."""

    widths: tuple[float, ...]
    rows: tuple[Row, ...]
    margins: tuple[float, float, float, float] = (0, 5.4, 0, 5.4)
    centred: bool = False
    indent: float = 0


@dataclass(frozen=True, slots=True)
class Code:
    """A QR code over a text, a square of `side`."""

    text: str
    side: float
    keep_next: bool = False
    page_break_before: bool = False


Block = Paragraph | Table | Code


@dataclass(frozen=True, slots=True)
class Edge:
    """The blocks of a header or a footer, `distance` from the page's edge."""

    blocks: tuple[Block, ...]
    distance: float


@dataclass(frozen=True, slots=True)
class Letter:
    """A whole letter. Margins are top, right, bottom and left. Edges: the first page's, even pages', all others'."""

    blocks: tuple[Block, ...]
    size: tuple[float, float]
    margins: tuple[float, float, float, float]
    headers: tuple[Edge, Edge, Edge]
    footers: tuple[Edge, Edge, Edge]
    title: str
    author: str
    date: str
