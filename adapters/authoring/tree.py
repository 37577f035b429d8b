"""A policy file as a tree that still has its comments, blank lines and spelling, for the formatter.

A comment belongs to an entry, that is a key with its value or an item of a list: it stands above the entry or at the
end of its line. One below the last entry of a collection belongs to the collection. Scalars keep the source's text.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass, field
from typing import Protocol

import yaml

from engine.language.source import Loader

COMMENT = re.compile(r"#[^\n]*")
BLANKS = " \t\n"  # what YAML takes for blank; the wide space of Chinese text is no such thing


class Mark(Protocol):
    """A place in a text, of the parser in Python or in C."""

    line: int
    column: int


@dataclass(slots=True)
class Scalar:
    """A piece of text, or an alias. `raw` is how the source spells it, `value` what it says."""

    raw: str
    value: str
    style: str = ""  # ', ", | or >; empty = plain
    anchor: str = ""


@dataclass(slots=True)
class Comment:
    """A comment at the end of a line, with what stands before it on the line."""

    text: str
    line: str


@dataclass(slots=True)
class Entry:
    """A key with its value, or an item of a list, where `key` is `None`."""

    start: int
    home: Collection
    key: Scalar | None
    value: Node = field(default_factory=lambda: Scalar("", ""))
    above: list[str] = field(default_factory=list)  # comments on their own lines; "" is a blank line
    beside: list[Comment] = field(default_factory=list)  # at the end of the line
    behind: list[Comment] = field(default_factory=list)  # behind the bracket that closes its value


@dataclass(slots=True)
class Collection:
    """A mapping or a list. `flow`: written in brackets. `owner`: the entry whose value it is, `None` at the top."""

    mapping: bool
    flow: bool
    start: int
    owner: Entry | None
    end: int = 0
    anchor: str = ""
    entries: list[Entry] = field(default_factory=list)
    below: list[str] = field(default_factory=list)  # comments after the last entry


Node = Scalar | Collection


@dataclass(frozen=True, slots=True)
class File:
    """A file's tree, its comments in order, and whether it has anchors, before which nothing may be moved."""

    root: Collection
    comments: tuple[str, ...]
    anchored: bool


def parse(text: str) -> File:
    """The tree of a text that `engine.language.source.read` accepts and whose lines end in a line feed."""
    source = _Source(text)
    builder = _Builder(source)
    root = builder.build()
    for found in source.comments:
        _attach(found, builder.flat, root, source)
    for entry in builder.flat:
        if isinstance(entry.value, Collection) and not entry.value.entries:  # nothing inside to hold comments
            entry.above += [comment.text for comment in entry.beside] + entry.value.below
            entry.beside, entry.value.below = [], []
        if not entry.home.flow and source.first_on_line(entry.start) and source.below_blank(entry.start):
            entry.above.append("")
    anchored = any(isinstance(event, yaml.AliasEvent) for event in source.events)
    return File(root, tuple(found[0].rstrip(BLANKS) for found in source.comments), anchored)


def comments(text: str) -> tuple[str, ...]:
    """The comments of such a text, in order."""
    return tuple(found[0].rstrip(BLANKS) for found in _Source(text).comments)


class _Source:
    """A text with its parse events, and what stands between the scalars."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = [0, *(found.end() for found in re.finditer("\n", text)), len(text)]
        loader = Loader(text)
        try:
            self.events: list[yaml.Event] = []
            while loader.check_event():
                self.events.append(loader.get_event())
        finally:
            loader.dispose()
        self.kept: list[tuple[int, int]] = []  # block scalars that keep the blank lines at their end
        self.comments: list[re.Match[str]] = []
        end = 0
        for event in self.events:
            if isinstance(event, yaml.ScalarEvent):
                start, after = self.extent(event)
                self.comments += COMMENT.finditer(text, end, start)
                end = after
        self.comments += COMMENT.finditer(text, end)
        self.bare = text  # comments blanked out
        for found in self.comments:
            self.bare = self.bare[: found.start()] + " " * len(found[0]) + self.bare[found.end() :]

    def offset(self, mark: Mark | None) -> int:
        assert mark is not None
        return self.lines[mark.line] + mark.column

    def extent(self, event: yaml.ScalarEvent) -> tuple[int, int]:
        """Where a scalar stands, without the blank lines after a block scalar, unless they belong to it."""
        start, end = self.offset(event.start_mark), self.offset(event.end_mark)
        if event.style in {"|", ">"}:
            header = self.text[start:end].split("\n", 1)[0].split("#", 1)[0]
            if "+" in header or event.value.rstrip("\n").endswith((" ", "\t")):
                self.kept.append((start, end))
            else:
                end = start + len(self.text[start:end].rstrip(BLANKS))
        return start, end

    def column(self, offset: int) -> int:
        return offset - self.lines[bisect_right(self.lines, offset) - 1]

    def first_on_line(self, offset: int) -> bool:
        return not self.text[self.lines[bisect_right(self.lines, offset) - 1] : offset].strip(BLANKS)

    def below_blank(self, offset: int) -> bool:
        """Whether the line above is empty, and no part of a scalar."""
        line = bisect_right(self.lines, offset) - 1
        if line == 0 or any(start < self.lines[line] <= end for start, end in self.kept):
            return False
        return not self.text[self.lines[line - 1] : self.lines[line]].strip(BLANKS)


class _Builder:
    """Entries in file order, and the tree they make. Depth is bounded: the reader has accepted the text."""

    def __init__(self, source: _Source) -> None:
        self.source = source
        self.flat: list[Entry] = []
        self.events = iter(e for e in source.events if isinstance(e, yaml.NodeEvent | yaml.CollectionEndEvent))

    def build(self) -> Collection:
        root = self._node(next(self.events), None)
        assert isinstance(root, Collection)
        return root

    def _node(self, event: yaml.Event, owner: Entry | None) -> Node:
        source = self.source
        if isinstance(event, yaml.AliasEvent):
            return Scalar(f"*{event.anchor}", f"*{event.anchor}")
        if isinstance(event, yaml.ScalarEvent):
            start, end = source.extent(event)
            anchor = event.anchor or ""
            raw = source.text[start:end].removeprefix(f"&{anchor}" if anchor else "").lstrip(BLANKS).removesuffix("\n")
            return Scalar(raw, event.value, event.style or "", anchor)
        assert isinstance(event, yaml.CollectionStartEvent)
        mapping, start = isinstance(event, yaml.MappingStartEvent), source.offset(event.start_mark)
        made = Collection(mapping, bool(event.flow_style), start, owner, anchor=event.anchor or "")
        while not isinstance(event := next(self.events), yaml.CollectionEndEvent):
            start = source.offset(event.start_mark)
            if not mapping and not made.flow:
                start = source.bare.rfind("-", 0, start)
            entry = Entry(start, made, None)
            made.entries.append(entry)
            self.flat.append(entry)
            if mapping:
                key = self._node(event, entry)
                assert isinstance(key, Scalar)
                entry.key, event = key, next(self.events)
            entry.value = self._node(event, entry)
        made.end = source.offset(event.end_mark)
        return made


def _attach(found: re.Match[str], flat: list[Entry], root: Collection, source: _Source) -> None:
    """Give a comment to the entry or collection that it is about."""
    at, text = found.start(), found[0].rstrip(BLANKS)
    place = bisect_right(flat, at, key=lambda entry: entry.start)
    before, after = flat[place - 1] if place else None, flat[place] if place < len(flat) else None
    if before is not None and not source.first_on_line(at):
        while before.home.flow and before.home.end <= at and before.home.owner is not None:
            before = before.home.owner
        comment = Comment(text, source.text[at - source.column(at) : at])
        value = before.value
        closed = isinstance(value, Collection) and value.flow and value.end <= at
        (before.behind if closed else before.beside).append(comment)
        return
    lines = ["", text] if source.below_blank(at) else [text]
    _home(at, before, after, root, source).extend(lines)


def _home(at: int, before: Entry | None, after: Entry | None, root: Collection, source: _Source) -> list[str]:
    """Where a comment on lines of its own goes: above the next entry, or below what it is indented like."""
    column = source.column(at)
    value = before.value if before else None
    if isinstance(value, Collection) and value.flow and value.start < at < value.end:
        return value.below
    home = before.home if before else root
    while after is None or (home is not after.home and after.home.owner is not before):
        inside = home.start < at < home.end if home.flow else source.column(home.entries[0].start) <= column
        outer = home.owner.home if home.owner else None
        if outer is None or (inside and not (after and after.above) and not _closed(outer)):
            return home.below
        home = outer
    return after.above


def _closed(home: Collection | None) -> bool:
    """Whether a comment stands below a collection or one around it already, so that none may follow further in."""
    while home is not None and not home.below:
        home = home.owner.home if home.owner else None
    return home is not None
