"""Completion: keys with their help, names with their titles, values that fit the fact, operators that fit its type."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

from lsprotocol.types import (
    CompletionItem,
    CompletionItemKind,
    CompletionItemLabelDetails,
    CompletionList,
    Position,
    TextEdit,
)

from api.lsp.cursor import Cursor, cursors
from api.lsp.grammar import Place, root
from api.lsp.index import DOCUMENTS, FACTS, Fact, Index, Name, items, owner_of, read_file, scalar, value_at
from api.lsp.positions import Encoding
from api.lsp.project import Files, View, lines
from engine.language import source, titles
from engine.language.conditions import OPERATORS, SETS
from engine.language.ir import Type
from engine.language.scalars import IDENTIFIER

BLANK = re.compile(r"\s*(?:#.*)?$|---")
WANTED = {"date": "date", "number": "text", "proof": "text", "of": "money", "amount": "money"}  # key → type of its fact
PLAIN = frozenset({"known", "within", "before"})  # operators that tables do not have
BOOLEANS = {"true": "是", "false": "否"}


@dataclass(frozen=True, slots=True)
class Offer:
    """One thing to insert. `detail` is its title; `rank` orders the offers, smallest first."""

    label: str
    detail: str
    kind: CompletionItemKind
    insert: str
    rank: int = 1


def complete(view: View, files: Files, path: str, position: Position, encoding: Encoding) -> CompletionList:
    """What may be typed at a position."""
    text = lines(files, path)
    line, column = encoding.place(text, position)
    for cursor in cursors(path, text, line, column):
        mended = read_file(path, cursor.tree)
        index = view.index(files, {path: mended} if mended else {})
        if offers := list(_fitting(offers_at(cursor, index, path), cursor.word)):
            span = encoding.range(text, line, cursor.start, cursor.end)
            blank = " " if cursor.glued else ""
            return CompletionList(
                is_incomplete=True,  # a title in Chinese is matched here, which the editor cannot do
                items=[_item(n, offer, cursor, TextEdit(span, blank + offer.insert)) for n, offer in enumerate(offers)],
            )
    if all(BLANK.match(each) for each in text[: line - 1]) and not re.search(r"[\s:#]", text[line - 1][: column - 1]):
        span = encoding.range(text, line, 1, len(text[line - 1]) + 1)
        return CompletionList(is_incomplete=False, items=[*_beginnings(path, span)])
    return CompletionList(is_incomplete=False, items=[])


def offers_at(cursor: Cursor, index: Index, path: str) -> Iterator[Offer]:
    """What may stand at a cursor, likeliest first."""
    place = cursor.place
    if cursor.key:
        yield from _keys(cursor, index)
        return
    fact = _fact(cursor, index)
    if place.item is not None and not place.scalar and not place.names:
        for offer in _values(place.item, cursor, index, fact, path):
            yield Offer(offer.label, offer.detail, offer.kind, f"[{offer.insert}]", offer.rank)
        return
    yield from _values(place, cursor, index, fact, path)
    if place.tests and fact is not None:
        for operator in _operators(cursor, fact):
            shape = "[$]" if operator in SETS else "$"
            insert = f"{{{operator}: {shape}}}".replace("$", "")
            yield Offer(operator, titles.OPERATORS[operator], CompletionItemKind.Operator, insert, 2)


def _keys(cursor: Cursor, index: Index) -> Iterator[Offer]:
    place = cursor.place
    end = "" if cursor.colon else ": "
    if place.names_keys:
        for name, title in _names(place.names_keys, cursor, index).items():
            if name not in cursor.written:
                yield Offer(name, title, CompletionItemKind.Field, name + end, 0)
    fact = _fact(cursor, index) if place.tests else None
    legal = _operators(cursor, fact) if fact else place.keys
    for key in place.keys:
        child = place.child(key)
        if child is not None and key in legal and key not in cursor.written:
            kind = CompletionItemKind.Operator if place.tests else CompletionItemKind.Property
            yield Offer(key, child.description, kind, key + end, 1 if key in place.required else 2)


def _values(place: Place, cursor: Cursor, index: Index, fact: Fact | None, path: str) -> Iterator[Offer]:
    for value, title in place.words.items():
        yield Offer(value, title, CompletionItemKind.EnumMember, value)
    if place.names:
        for name, title in _names(place.names, cursor, index).items():
            yield Offer(name, title, CompletionItemKind.Reference, name)
    if place.defines in DOCUMENTS and IDENTIFIER.fullmatch(stem := _stem(path)):
        yield Offer(stem, "同文件名", CompletionItemKind.File, stem)
    if place.boolean:
        for value, title in BOOLEANS.items():
            yield Offer(value, title, CompletionItemKind.Value, value)
    for example in place.examples if place.names is place.defines is None else ():
        yield Offer(example, "例", CompletionItemKind.Value, example, 3)
    if fact is not None and not place.words and not place.names and not place.boolean:
        values = BOOLEANS if fact.type == Type.BOOLEAN else fact.values
        for value, title in values.items():
            yield Offer(value, title if title != value else fact.title, CompletionItemKind.EnumMember, value)


def _names(kind: str, cursor: Cursor, index: Index) -> dict[str, str]:
    """Names of a kind that may be mentioned at a cursor, with their titles."""
    owner = owner_of(kind, cursor.kind, cursor.above)
    last = str(cursor.steps[-1]) if cursor.steps else ""
    if kind == "person":
        related = [r for case in items(value_at(cursor.tree, "cases")) for r in items(value_at(case, "relations"))]
        people = [(scalar(r, "id"), scalar(r, "role") or "") for r in related]
        return {"subject": "主体自身"} | {i: titles.ROLES.get(role, role) for i, role in people if i}
    if kind not in FACTS:
        return dict(index.known(Name(kind, "", owner)))
    facts = index.facts(kind, owner)
    if cursor.kind == "tests" and cursor.key:  # values are given to what is not built in, and asked of what is derived
        derived = index.derived(owner.partition(":")[2]) if kind == "fact" else {}
        facts = {n: f for n, f in facts.items() if f.span and (n in derived) is (last == "derived")}
    wanted = None if cursor.key else WANTED.get(last)
    return {n: titles.fact_words(f.title, f.type) for n, f in facts.items() if wanted in {None, f.type}}


def _operators(cursor: Cursor, fact: Fact) -> Sequence[str]:
    legal = next((operators for kind, operators in OPERATORS.items() if kind == fact.type), tuple(titles.OPERATORS))
    return [o for o in legal if o not in PLAIN] if cursor.kind == "table" else legal


def _fact(cursor: Cursor, index: Index) -> Fact | None:
    """The fact whose value is typed, or that is compared: the innermost one on the way to the cursor."""
    place: Place | None = root(cursor.kind)
    node: source.Node = cursor.tree
    above: list[source.Mapping] = []
    found = None
    for step in cursor.steps:
        if place is None:
            break
        if isinstance(node, source.Mapping):
            above.append(node)
            named = None if step in place.keys else place.names_keys
            if named in FACTS:
                found = index.facts(named, owner_of(named, cursor.kind, tuple(above))).get(str(step), found)
            elif step == "choose" and (name := scalar(node, "fact")):
                found = index.derived(scalar(cursor.tree, "memorandum") or "").get(name, found)
            place, node = place.child(str(step)), node.items.get(str(step), node)
        elif isinstance(node, source.Sequence) and isinstance(step, int) and step < len(node.items):
            place, node = place.item, node.items[step]
    return found


def _fitting(offers: Iterable[Offer], word: str) -> Iterator[Offer]:
    """Those that a word may become. Latin letters are left to the editor, which matches them more loosely."""
    seen: set[str] = set()
    for offer in offers:
        if offer.label not in seen and (word.isascii() or word in offer.detail or word in offer.label):
            seen.add(offer.label)
            yield offer


def _item(number: int, offer: Offer, cursor: Cursor, edit: TextEdit) -> CompletionItem:
    return CompletionItem(
        label=offer.label,
        label_details=CompletionItemLabelDetails(description=offer.detail) if offer.detail else None,
        detail=offer.detail or None,
        kind=offer.kind,
        sort_text=f"{offer.rank}{number:05}",
        filter_text=offer.label if cursor.word.isascii() else cursor.word,
        text_edit=edit,
    )


def _beginnings(path: str, span: object) -> Iterator[CompletionItem]:
    """The first line of a file that is still empty."""
    stem = _stem(path)
    tests = path.endswith(".test.yaml")
    for kind, title in titles.KINDS.items():
        if tests is (kind == "tests"):
            folder = PurePosixPath(path).parent.name
            likely = folder.removesuffix("s") == kind or (folder == "memoranda") is (kind in {"memorandum", "tests"})
            yield CompletionItem(
                label=kind,
                label_details=CompletionItemLabelDetails(description=title),
                detail=title,
                kind=CompletionItemKind.Struct,
                sort_text=f"{0 if folder.removesuffix('s') == kind else 1 if likely else 2}{kind}",
                filter_text=kind,
                text_edit=TextEdit(span, f"{kind}: {stem}\n"),  # type: ignore[arg-type]
            )


def _stem(path: str) -> str:
    return PurePosixPath(path).name.removesuffix(".yaml").removesuffix(".test")
