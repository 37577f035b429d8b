"""Lays blocks out on pages, with the line breaking rules of Chinese (避头尾). Lengths are points, y grows downwards."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from adapters.documents.blocks import (
    PAGE,
    PAGE_BREAK,
    PAGES,
    Align,
    Block,
    Border,
    Cell,
    Code,
    Edge,
    Face,
    Letter,
    Look,
    Paragraph,
    Table,
)
from adapters.documents.qr import modules

_NO_START = frozenset("，。、；：？！…—）》〉」』】〕〗｝”’％‰℃,.;:?!)]}%·")
_NO_END = frozenset("（《〈「『【〔〖｛“‘￥$([{〔№")
_INVISIBLE = (
    (0x200B, 0x200F), (0x2060, 0x2064), (0xFE00, 0xFE0F), (0xFEFF, 0xFEFF), (0xAD, 0xAD), (0xE0000, 0xE0FFF),
)  # fmt: skip
"""Characters that ask for nothing to be drawn: joiners, variation selectors, marks of direction, soft hyphens."""
_WIDE = 0x2E80  # from here on characters stand alone: Chinese and its punctuation
_WIDE_PUNCTUATION = frozenset("“”‘’…—·")
_TAB = 21.0
_NATURAL = 1.3  # the height of a line of single spacing, in font sizes
_BASELINE = 0.88  # of the em box of a Chinese font lies above the baseline
_MAX_STRETCH = 3.0  # a line that lacks more font sizes than this is left ragged
_TINY = 0.01

Measure = Callable[[str, Face], float | None]
"""The width of one character in font sizes, or None if the face lacks it."""


@dataclass(frozen=True, slots=True)
class Text:
    """Characters of one look on one line, their baseline starting at (x, y); `spacing` is added after each."""

    x: float
    y: float
    text: str
    look: Look
    width: float
    spacing: float = 0


@dataclass(frozen=True, slots=True)
class Stroke:
    """A straight line."""

    x1: float
    y1: float
    x2: float
    y2: float
    border: Border


@dataclass(frozen=True, slots=True)
class Fill:
    """A coloured rectangle."""

    x: float
    y: float
    width: float
    height: float
    color: str


Mark = Text | Stroke | Fill


@dataclass(frozen=True, slots=True)
class _Unit:
    """One character to set; `width` in points."""

    character: str
    look: Look
    width: float


@dataclass(frozen=True, slots=True)
class _Line:
    """A set line: what it shows relative to its own top left, and whether a new page starts before it."""

    height: float
    marks: tuple[Mark, ...]
    new_page: bool = False
    gap: bool = False  # nothing but space, dropped at the top of a page


def paginate(letter: Letter, measure: Measure) -> list[list[Mark]]:
    """The marks of every page, in drawing order."""
    return _Pages(letter, measure).run()


class _Pages:
    def __init__(self, letter: Letter, measure: Measure) -> None:
        self.letter = letter
        self.measure = measure
        top, right, bottom, left = letter.margins
        self.left = left
        self.width = letter.size[0] - left - right
        heads = [self._edge_height(edge) for edge in letter.headers]
        feet = [self._edge_height(edge) for edge in letter.footers]
        self.top = max(top, *heads)
        self.bottom = letter.size[1] - max(bottom, *feet)
        self.pages: list[list[Mark]] = [[]]
        self.y = self.top

    def run(self) -> list[list[Mark]]:
        for place, block in enumerate(self.letter.blocks):
            if isinstance(block, Table):
                self._table(block)
            else:
                self._paragraph(block, self.letter.blocks[place + 1 :])
        total = len(self.pages)
        for number, page in enumerate(self.pages, 1):
            which = 0 if number == 1 else 1 if number % 2 == 0 else 2
            header, footer = self.letter.headers[which], self.letter.footers[which]
            page.extend(self._edge(header, header.distance, number, total))
            start = self.letter.size[1] - self._edge_height(footer)
            page.extend(self._edge(footer, start, number, total))
        return self.pages

    # Pages

    @property
    def _full(self) -> float:
        return self.bottom - self.top

    def _new_page(self) -> None:
        self.pages.append([])
        self.y = self.top

    def _room(self, height: float) -> bool:
        return self.y + height <= self.bottom + _TINY

    def _place(self, line: _Line, x: float) -> None:
        if line.new_page or (not self._room(line.height) and self.y > self.top + _TINY):
            self._new_page()
        if line.gap and self.y <= self.top + _TINY and len(self.pages) > 1:
            return
        self.pages[-1].extend(_moved(mark, x, self.y) for mark in line.marks)
        self.y += line.height

    def _edge(self, edge: Edge, start: float, number: int, total: int) -> Iterator[Mark]:
        y = start
        for line in self._edge_lines(edge, number, total):
            yield from (_moved(mark, self.left, y) for mark in line.marks)
            y += line.height

    def _edge_lines(self, edge: Edge, number: int, total: int) -> Iterator[_Line]:
        for block in edge.blocks:
            if isinstance(block, Table):
                for row in _rows(block, self.width, self.measure):
                    yield _Line(row.height, tuple(row.marks(0, row.height)))
            else:
                numbered = _numbered(block, number, total) if isinstance(block, Paragraph) else block
                yield from _lines(numbered, self.width, self.measure)

    def _edge_height(self, edge: Edge) -> float:
        return edge.distance + sum(line.height for line in self._edge_lines(edge, 1, 1)) if edge.blocks else 0.0

    # Blocks

    def _paragraph(self, paragraph: Paragraph | Code, following: Sequence[Block]) -> None:
        lines = _lines(paragraph, self.width, self.measure)
        needed = self._kept(lines, following) if paragraph.keep_next else 0.0
        too_high = not self._room(needed) and needed <= self._full
        if too_high or (paragraph.page_break_before and self.y > self.top + _TINY):
            self._new_page()
        for line in lines:
            self._place(line, self.left)

    def _kept(self, lines: Sequence[_Line], following: Sequence[Block]) -> float:
        """The height of lines that stay together with what follows, as far as its first line."""
        height = sum(line.height for line in lines)
        for block in following:
            if isinstance(block, Table):
                rows = _rows(block, self.width, self.measure)
                return height + sum(row.height for row in rows[: 1 + sum(row.header for row in rows[:1])])
            own = _lines(block, self.width, self.measure)
            if not block.keep_next:
                first = next((place for place, line in enumerate(own) if not line.gap), 0)
                return height + sum(line.height for line in own[: first + 1])
            height += sum(line.height for line in own)
        return height

    def _table(self, table: Table) -> None:
        rows = _rows(table, self.width, self.measure)
        heads = list(_leading(rows))
        x = self.left + _table_offset(table, self.width)
        for place, row in enumerate(rows):
            fits_here = self._room(row.height)
            needed = row.height + (sum(head.height for head in heads) if place >= len(heads) else 0)
            if not fits_here and needed <= self._full:
                self._new_page()
                self._heads(heads if place >= len(heads) else [], x)
            start = 0.0
            while start < row.height - _TINY:
                end = row.cut(start, self.bottom - self.y)
                if end <= start:
                    if self.y > self.top + _TINY and not self._fresh(heads):
                        self._new_page()
                        self._heads(heads if place >= len(heads) else [], x)
                        continue
                    end = row.height  # one line is higher than a page: there is no better place
                self.pages[-1].extend(_moved(mark, x, self.y) for mark in row.marks(start, end))
                self.y += end - start
                start = end

    def _fresh(self, heads: Sequence[_Row]) -> bool:
        return self.y <= self.top + sum(head.height for head in heads) + _TINY

    def _heads(self, heads: Iterable[_Row], x: float) -> None:
        for head in heads:
            self.pages[-1].extend(_moved(mark, x, self.y) for mark in head.marks(0, head.height))
            self.y += head.height


@dataclass(frozen=True, slots=True)
class _SetCell:
    """A cell with its lines set: each line's top below the row's top."""

    x: float
    width: float
    lines: tuple[tuple[float, _Line], ...]
    cell: Cell
    inset: float


@dataclass(frozen=True, slots=True)
class _Row:
    """A row with its cells set. It can be cut between lines and goes on on the next page."""

    cells: tuple[_SetCell, ...]
    height: float
    header: bool

    def cut(self, start: float, room: float) -> float:
        """How far down the row can be shown from `start` on if there is so much room."""
        if self.height - start <= room + _TINY:
            return self.height
        tops = sorted({top for cell in self.cells for top, _ in cell.lines if start < top} | {self.height})
        whole = [
            top
            for top in tops
            if top - start <= room + _TINY
            and not any(
                at < top - _TINY < at + line.height - 2 * _TINY for cell in self.cells for at, line in cell.lines
            )
        ]
        return max(whole, default=start)

    def marks(self, start: float, end: float) -> Iterator[Mark]:
        """What the stretch of the row from `start` to `end` shows, relative to the stretch's top."""
        height = end - start
        for cell in self.cells:
            if cell.cell.fill:
                yield Fill(cell.x, 0, cell.width, height, cell.cell.fill)
            for at, line in cell.lines:
                if start - _TINY <= at < end - _TINY:
                    yield from (_moved(mark, cell.x + cell.inset, at - start) for mark in line.marks)
            x, over = cell.x, cell.x + cell.width
            top, right, bottom, left = cell.cell.borders
            for border, x1, y1, x2, y2 in (
                (top, x, 0.0, over, 0.0),
                (right, over, 0.0, over, height),
                (bottom or (top if end < self.height else None), x, height, over, height),
                (left, x, 0.0, x, height),
            ):
                if border is not None:
                    yield Stroke(x1, y1, x2, y2, border)


def _rows(table: Table, width: float, measure: Measure) -> list[_Row]:
    widths = _widths(table, width)
    top, right, bottom, left = table.margins
    rows = []
    for row in table.rows:
        cells, column, height = [], 0, row.height
        for cell in row.cells:
            x = sum(widths[:column])
            room = sum(widths[column : column + cell.span]) or (sum(widths) - x)
            column += cell.span
            lines = [line for block in cell.blocks for line in _lines(block, max(room - left - right, 1.0), measure)]
            tops, y = [], top
            for line in lines:
                tops.append((y, line))
                y += line.height
            height = max(height, y + bottom)
            cells.append(_SetCell(x, room, tuple(tops), cell, left))
        settled = tuple(_centred(cell, height, top, bottom) if cell.cell.middle else cell for cell in cells)
        rows.append(_Row(settled, height, row.header))
    return rows


def _centred(cell: _SetCell, height: float, top: float, bottom: float) -> _SetCell:
    used = sum(line.height for _, line in cell.lines)
    shift = max((height - top - bottom - used) / 2, 0)
    return replace(cell, lines=tuple((at + shift, line) for at, line in cell.lines))


def _widths(table: Table, width: float) -> list[float]:
    """The columns' widths, made narrower together if they do not fit."""
    columns = max((sum(cell.span for cell in row.cells) for row in table.rows), default=0)
    widths = list(table.widths[:columns])
    widths += [0.0] * (columns - len(widths))
    if not all(widths):
        widths = [width / max(columns, 1)] * columns
    total = sum(widths)
    return [one * width / total for one in widths] if total > width else widths


def _table_offset(table: Table, width: float) -> float:
    return (width - sum(_widths(table, width))) / 2 if table.centred else max(table.indent, 0)


def _leading(rows: Iterable[_Row]) -> Iterator[_Row]:
    for row in rows:
        if not row.header:
            return
        yield row


def _numbered(paragraph: Paragraph, number: int, total: int) -> Paragraph:
    digits = str.maketrans({PAGE: str(number), PAGES: str(total)})
    return replace(paragraph, spans=tuple(replace(span, text=span.text.translate(digits)) for span in paragraph.spans))


# Lines


def _lines(paragraph: Paragraph | Code, width: float, measure: Measure) -> list[_Line]:
    """The lines of a paragraph with the space around it."""
    if isinstance(paragraph, Code):
        return [_Line(paragraph.side, tuple(_dark(paragraph)))]
    lines = [_Line(paragraph.before, (), gap=True)] if paragraph.before else []
    room = max(width - paragraph.left - paragraph.right, 1.0)
    new_page, first = False, True
    for units, ending in _hard_lines(paragraph, measure):
        start = 0
        while True:
            indent = paragraph.first if first else 0.0
            end = _line_end(units, start, room - indent)
            last = end >= len(units)
            x = paragraph.left + indent
            lines.append(_set(units[start:end], paragraph, x, room - indent, last=last, new_page=new_page))
            new_page = first = False
            start = end
            if last:
                break
        new_page = ending == PAGE_BREAK
    if new_page:
        lines.append(_Line(0, (), new_page=True))
    return _framed(lines, paragraph, width)


def _dark(code: Code) -> Iterator[Fill]:
    """The dark parts of a code, each row's neighbours together."""
    rows = modules(code.text)
    step = code.side / len(rows)
    for y, row in enumerate(rows):
        x = 0
        for dark, run in groupby(row):
            length = len(list(run))
            if dark:
                yield Fill(x * step, y * step, length * step, step, "000000")
            x += length


def _framed(lines: list[_Line], paragraph: Paragraph, width: float) -> list[_Line]:
    over = width - paragraph.right
    if paragraph.top:
        stroke = Stroke(paragraph.left, 0, over, 0, paragraph.top)
        at = next(place for place, line in enumerate(lines) if not line.gap)
        lines[at] = replace(lines[at], marks=(stroke, *lines[at].marks))
    if paragraph.bottom:
        height = lines[-1].height
        lines[-1] = replace(
            lines[-1], marks=(*lines[-1].marks, Stroke(paragraph.left, height, over, height, paragraph.bottom))
        )
    if paragraph.after:
        lines.append(_Line(paragraph.after, (), gap=True))
    return lines


def _hard_lines(paragraph: Paragraph, measure: Measure) -> Iterator[tuple[list[_Unit], str]]:
    """The characters up to each line or page break, with that break."""
    units: list[_Unit] = []
    for span in paragraph.spans:
        for character in span.text:
            if character in {"\n", PAGE_BREAK}:
                yield units, character
                units = []
            else:
                units.extend(_units(character, span.look, measure))
    yield units, ""


def _units(character: str, look: Look, measure: Measure) -> Iterator[_Unit]:
    """A character in the face that has it; one that no face has is named by its code, never left out."""
    if character == "\t":
        yield _Unit(character, look, 0)
        return
    other: Face = "sans" if look.face == "serif" else "serif"
    for face in (look.face, other):
        if (width := measure(character, face)) is not None:
            yield _Unit(character, look if face == look.face else replace(look, face=face), width * look.size)
            return
    if any(low <= ord(character) <= high for low, high in _INVISIBLE):
        return
    for shown in f"〔U+{ord(character):04X}〕":
        yield _Unit(shown, look, (measure(shown, look.face) or 1.0) * look.size)


def _line_end(units: Sequence[_Unit], start: int, room: float) -> int:
    """The index after the last unit of the line that begins at `start`."""
    x, end = 0.0, start
    while end < len(units):
        x += _advance(units[end], x)
        if x > room + _TINY and units[end].character != " ":
            break
        end += 1
    if end >= len(units):
        return len(units)
    for place in range(end, start, -1):
        if _may_break(units[place - 1].character, units[place].character):
            return place
    return max(end, start + 1)


def _advance(unit: _Unit, x: float) -> float:
    return _TAB - x % _TAB if unit.character == "\t" else unit.width


def _may_break(before: str, after: str) -> bool:
    if after in " \t" or after in _NO_START or before in _NO_END or "\u00a0" in (before, after):
        return False
    return before in " \t" or _wide(before) or _wide(after)


def _wide(character: str) -> bool:
    return ord(character) >= _WIDE or character in _WIDE_PUNCTUATION


def _set(units: Sequence[_Unit], paragraph: Paragraph, x: float, room: float, *, last: bool, new_page: bool) -> _Line:
    """One line with its characters placed."""
    shown = list(units)
    while shown and shown[-1].character in " \t":
        shown.pop()
    size = max((unit.look.size for unit in shown), default=paragraph.mark.size)
    height = _height(paragraph, size)
    width = 0.0
    for unit in shown:
        width += _advance(unit, width)
    lacking = room - width
    stretch = 0.0
    if _stretched(paragraph.align, last=last) and len(shown) > 1 and 0 < lacking < _MAX_STRETCH * size:
        stretch = lacking / (len(shown) - 1)
    shift = {"right": lacking, "center": lacking / 2}.get(paragraph.align, 0.0)
    baseline = (height - size) / 2 + _BASELINE * size
    return _Line(height, tuple(_pieces(shown, x + max(shift, 0), baseline, stretch)), new_page)


def _stretched(align: Align, *, last: bool) -> bool:
    return align == "justify" and not last


def _height(paragraph: Paragraph, size: float) -> float:
    natural = size * _NATURAL
    if paragraph.rule == "multiple":
        return natural * paragraph.line
    return paragraph.line if paragraph.rule == "exact" else max(paragraph.line, natural)


def _pieces(units: Sequence[_Unit], x: float, baseline: float, stretch: float) -> Iterator[Text]:
    """Units of one look that stand side by side, together."""
    text, look, start, at = "", Look(), x, x
    origin = x
    for unit in units:
        if text and (unit.look != look or unit.character == "\t"):
            yield Text(start, baseline, text, look, at - start, stretch)
            text = ""
        if unit.character == "\t":
            at += _advance(unit, at - origin)
            continue
        if not text:
            look, start = unit.look, at
        text += unit.character
        at += unit.width + stretch
    if text:
        yield Text(start, baseline, text, look, at - start, stretch)


def _moved(mark: Mark, x: float, y: float) -> Any:
    """The same mark elsewhere; of the kind that was given."""
    if isinstance(mark, Stroke):
        return replace(mark, x1=mark.x1 + x, y1=mark.y1 + y, x2=mark.x2 + x, y2=mark.y2 + y)
    return replace(mark, x=mark.x + x, y=mark.y + y)
