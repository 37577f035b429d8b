"""`xinheng fmt`: policy files in their normal form, with every comment kept and the meaning unchanged.

Keys stand in the order in which the raw models declare them, the kind of the document first and its sources last; free
keys (facts, articles, values, conditions) stay in the author's order. Libraries that round-trip YAML hang a comment on
the key before it, so they lose its place when keys move; hence the tree of our own (`tree`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from adapters.authoring.printing import text_of
from adapters.authoring.tree import Collection, Entry, File, comments, parse
from engine.language import source
from engine.language.diagnostics import Diagnostic, Reporter
from engine.language.raw import FactDecl, Raw
from engine.language.raw_tests import RawOwed
from engine.language.reading import KINDS, known_keys

FIRST: Sequence[tuple[type[Raw], tuple[str, ...]]] = (
    (FactDecl, ("type", "values", "title")),  # the values say more about the type than the title does
    (RawOwed, ("measure", "by", "target")),  # inherited, so declared after what is asked of it
)
LAST = ("source", "articles")  # the articles of a law are a long list


class FormatError(Exception):
    """The formatter would change what a file says; a fault of the formatter, so the file is left alone."""


@dataclass(frozen=True, slots=True)
class Formatted:
    """What became of a file. `text` is `None` exactly if it cannot be read; `diagnostics` say why."""

    text: str | None
    diagnostics: tuple[Diagnostic, ...] = ()


def format_text(path: str, content: str | bytes) -> Formatted:
    """The normal form of a policy file.

    Raises:
        FormatError: the result would not say the same; a fault of the formatter.

    """
    reporter = Reporter()
    before = source.read(path, content, reporter)
    if before is not None and not before.items:
        reporter.report("XH013", before.span, "文件是空的，没有政策文档")
    if before is None or reporter.failed:
        return Formatted(None, reporter.diagnostics())
    text = source.decode(path, content, reporter).replace("\r\n", "\n")
    file = parse(text)
    kind = next(iter(before.items))
    if kind in KINDS and not file.anchored:
        _order(file.root, KINDS[kind], (), first=(kind,))
    made = text_of(file.root)
    _check(path, before, file, made)
    return Formatted(made)


def _order(collection: Collection, model: type[Raw], loc: tuple[str | int, ...], first: Sequence[str] = ()) -> None:
    """Put fixed keys in their order, in a mapping and all below it; an unknown key stays below its neighbour."""
    if collection.mapping and (known := known_keys(model, loc)):
        ranks = {key: rank for rank, key in enumerate(_ranked(known, first))}
        rank = -1
        placed: list[tuple[int, Entry]] = []
        for entry in collection.entries:
            rank = ranks.get(_name(entry), rank)
            placed.append((rank, entry))
        collection.entries = [entry for _, entry in sorted(placed, key=lambda pair: pair[0])]
    for entry in collection.entries:
        if isinstance(entry.value, Collection):
            _order(entry.value, model, (*loc, _name(entry) if entry.key else 0))


def _ranked(known: Sequence[str], first: Sequence[str]) -> list[str]:
    for model, preferred in FIRST:
        if known == known_keys(model, ()):
            first = preferred
    return [
        *first,
        *(key for key in known if key not in first and key not in LAST),
        *(key for key in LAST if key in known and key not in first),
    ]


def _name(entry: Entry) -> str:
    return entry.key.value if entry.key else ""


def _check(path: str, before: source.Mapping, file: File, made: str) -> None:
    reporter = Reporter()
    after = source.read(path, made, reporter)
    if after is None or source.plain(after) != source.plain(before):
        raise FormatError(f"{path}：格式化后的内容与原文不同")
    if Counter(comments(made)) != Counter(file.comments):
        raise FormatError(f"{path}：格式化会丢失注释")
