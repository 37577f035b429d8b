"""Names in policy files: where each is introduced and where it is mentioned, read off trees that need not be right."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace

from api.lsp.grammar import Place, kind_of, root
from engine.language import source, titles
from engine.language.bundle import LISTING, LISTING_FIELDS, SUBJECT_KIND
from engine.language.ir import FactType, Span, Type
from engine.language.source import Node, Scalar

DOCUMENTS = frozenset(titles.KINDS) - {"calendar", "tests"}  # kinds whose ids others mention
GAP = re.compile(r"record:(?P<record>[^.]+)\.(?P<field>.+)|response:(?P<measure>.+)")
FACTS = frozenset({"fact", "field", "input", "output"})
BUILT_IN = frozenset({"subject.kind", LISTING, "subject", "any", *LISTING_FIELDS})


@dataclass(frozen=True, slots=True)
class Name:
    """A name of one kind (see `engine.language.names`). Local names have the document, or its part, that owns them."""

    kind: str
    id: str
    owner: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """A key or a scalar, at its place. `name` is what it names, and `defining` whether it introduces that name.

    node: of a key, its value; of a scalar, the mapping it stands in. fact: the one whose value a scalar is.
    """

    text: str
    span: Span
    place: Place
    key: bool
    name: Name | None = None
    defining: bool = False
    node: Node | None = None
    fact: Name | None = None


@dataclass(frozen=True, slots=True)
class File:
    """A policy file as far as it could be read: its document, and every name in it."""

    path: str
    kind: str
    id: str
    tree: source.Mapping
    mentions: tuple[Seen, ...]

    @property
    def title(self) -> str:
        """The document's title, or its id."""
        return scalar(self.tree, "title") or self.id


@dataclass(frozen=True, slots=True)
class Fact:
    """A fact, field, input or output as its declaration says; whatever is missing there is empty."""

    name: str
    type: str
    title: str
    values: Mapping[str, str] = field(default_factory=dict)  # value → title, or itself
    span: Span | None = None  # None: built in


LISTED = Name("field", "list", LISTING)


def scalar(node: Node | None, key: str) -> str | None:
    """The text at a key of a mapping, if it is one."""
    found = node.items.get(key) if isinstance(node, source.Mapping) else None
    return found.value if isinstance(found, Scalar) else None


def items(node: Node | None) -> list[Node]:
    """The items of a list; none if it is something else."""
    return node.items if isinstance(node, source.Sequence) else []


def value_at(node: Node | None, key: str) -> Node | None:
    """The value at a key of a mapping, if there is one."""
    return node.items.get(key) if isinstance(node, source.Mapping) else None


def read_file(path: str, tree: source.Mapping) -> File | None:
    """The names in a file; `None` if it is no document of a known kind."""
    kind = kind_of(tree.items)
    if kind is None:
        return None
    mentions = tuple(seen for seen in walk(tree, kind) if seen.name is not None)
    return File(path, kind, scalar(tree, kind) or "", tree, mentions)


def walk(tree: source.Mapping, kind: str) -> Iterator[Seen]:
    """Every key and scalar that stands where the language has a place for it, in file order."""
    yield from _walk(tree, root(kind), kind, (), None)


def _walk(node: Node, place: Place, kind: str, above: tuple[source.Mapping, ...], fact: Name | None) -> Iterator[Seen]:
    if isinstance(node, Scalar):
        named = "list" if fact == LISTED else place.defines or place.names
        if place.names == "fact" and (gap := GAP.fullmatch(node.value)):
            yield from _gap(node, place, gap)
            return
        name = Name(named, node.value, owner_of(named, kind, above)) if named and node.value else None
        holder = above[-1] if above else None
        yield Seen(node.value, node.span, place, False, name, place.defines is not None, holder, fact)
    elif isinstance(node, source.Sequence):
        if place.item is not None:
            for item in node.items:
                yield from _walk(item, place.item, kind, above, fact)
    else:
        inside = (*above, node)
        for key, value in node.items.items():
            child = place.child(key)
            if child is None:
                continue
            named = None if key in place.keys else place.defines_keys or place.names_keys
            name = Name(named, key, owner_of(named, kind, inside)) if named else None
            yield Seen(key, node.keys[key], child, True, name, bool(name and place.defines_keys), value)
            below = name if name and name.kind in FACTS and not place.defines_keys else fact
            yield from _walk(value, child, kind, inside, below)


def _gap(node: Scalar, place: Place, gap: re.Match[str]) -> Iterator[Seen]:
    """The names in `record:penalty.severity` and `response:no-posts`, as tests write what would settle a rule."""
    record, part, measure = gap.groups()
    names = {"record": Name("record", record or ""), "field": Name("field", part or "", record or "")}
    for group, name in {**names, "measure": Name("measure", measure or "")}.items():
        if gap[group]:
            span = replace(node.span, column=node.span.column + gap.start(group))
            yield Seen(gap[group], span, place, False, name)


def owner_of(named: str, kind: str, above: tuple[source.Mapping, ...]) -> str:
    """To what a name of a kind belongs, in a document of `kind` inside these mappings, outermost first."""
    top = above[0] if above else None
    document = scalar(top, kind) or ""
    match named:
        case "article":
            return _nearest(above, "law")
        case "field":
            return _nearest(above, "record")
        case "step" | "material":
            return document if kind == "matter" else scalar(value_at(top, "directive"), "matter") or ""
        case "input" | "output" | "rule" | "person":  # a person of one test may be mentioned in those like it
            return document
        case "fact":
            return f"{'memorandum' if kind == 'tests' else kind}:{document}"
        case _:
            return ""


def _nearest(above: tuple[source.Mapping, ...], key: str) -> str:
    return next((text for node in reversed(above) if (text := scalar(node, key)) is not None), "")


class Index:
    """All files of a bundle together."""

    def __init__(self, files: Iterable[File]) -> None:
        self.files = {file.path: file for file in files}
        self.documents: dict[tuple[str, str], File] = {}
        for _, file in sorted(self.files.items()):
            self.documents.setdefault((file.kind, file.id), file)

    def document(self, kind: str, identifier: str) -> File | None:
        """The file that bears a name."""
        return self.documents.get((kind, identifier))

    def of_kind(self, kind: str) -> dict[str, File]:
        """Id → file of every document of a kind."""
        return {identifier: file for (k, identifier), file in self.documents.items() if k == kind}

    # --- facts ---------------------------------------------------------------------------------------------------

    def list_of(self, memorandum: str) -> str:
        """The list whose facts a memorandum uses."""
        file = self.document("memorandum", memorandum)
        return scalar(file.tree, "list") or "" if file else ""

    def derived(self, memorandum: str) -> dict[str, Fact]:
        """The facts that a memorandum derives."""
        file = self.document("memorandum", memorandum)
        found = {}
        for entry in items(value_at(file.tree, "derive")) if file else ():
            if name := scalar(entry, "fact"):
                implied = next((t for k, t in (("when", "boolean"), ("count", "integer")) if value_at(entry, k)), "")
                at = value_at(entry, "fact")
                found[name] = _fact(name, entry, at.span if at else entry.span, implied)
        return found

    def declared(self, kind: str, identifier: str, key: str) -> dict[str, Fact]:
        """The facts that a document declares under a key: `facts`, `fields`, `inputs` or `outputs`."""
        file = self.document(kind, identifier)
        block = value_at(file.tree, key) if file else None
        if not isinstance(block, source.Mapping):
            return {}
        return {name: _fact(name, node, block.keys[name]) for name, node in block.items.items()}

    def facts(self, named: str, owner: str) -> dict[str, Fact]:
        """The names of a kind that may stand where `owner` owns them, with their declarations."""
        match named:
            case "field" if owner == LISTING:
                lists = {identifier: file.title for identifier, file in self.of_kind("list").items()}
                return {n: _built_in(f, lists if n == "list" else {}) for n, f in LISTING_FIELDS.items()} | _SUBJECT
            case "field":
                return self.declared("record", owner, "fields") | _SUBJECT
            case "input" | "output":
                return self.declared("table", owner, f"{named}s")
        kind, _, identifier = owner.partition(":")
        match kind:
            case "":
                return _SUBJECT
            case "list":
                return self.declared("list", identifier, "facts")
            case "memorandum":
                listed = self.declared("list", self.list_of(identifier), "facts")
                return _SUBJECT | listed | self.derived(identifier)
            case "table":
                using = [m for m in self.of_kind("memorandum") if identifier in self.tables_of(m)]
                return {n: f for m in using for n, f in self.facts("fact", f"memorandum:{m}").items()}
        return {}

    def tables_of(self, memorandum: str) -> set[str]:
        """The tables that a memorandum takes limits from."""
        file = self.document("memorandum", memorandum)
        return {m.name.id for m in file.mentions if m.name and m.name.kind == "table"} if file else set()

    # --- names ---------------------------------------------------------------------------------------------------

    def resolve(self, name: Name) -> Name:
        """The same name with the owner that introduces it: a memorandum's fact may be its list's."""
        kind, _, identifier = name.owner.partition(":")
        if name.kind == "fact" and name.id == SUBJECT_KIND.name:
            return Name("fact", name.id)
        if name.kind != "fact" or kind != "memorandum" or name.id in self.derived(identifier):
            return name
        listed = self.list_of(identifier)
        return Name("fact", name.id, f"list:{listed}") if listed else name

    def linked(self, name: Name) -> frozenset[Name]:
        """All names that are one with `name`: a table finds its inputs by name in the memoranda that use it."""
        start = self.resolve(name)
        if start.kind not in {"fact", "input"}:
            return frozenset({start})
        links: dict[Name, set[Name]] = defaultdict(set)
        for memorandum in self.of_kind("memorandum"):
            fact = self.resolve(Name("fact", name.id, f"memorandum:{memorandum}"))
            for table in self.tables_of(memorandum):
                for other in (Name("input", name.id, table), Name("fact", name.id, f"table:{table}")):
                    if other.kind == "fact" or name.id in self.declared("table", table, "inputs"):
                        links[fact].add(other)
                        links[other].add(fact)
        found, todo = {start}, [start]
        while todo:
            todo += (new := links[todo.pop()] - found)
            found |= new
        return frozenset(found)

    def mentions(self, names: frozenset[Name]) -> Iterator[tuple[File, Seen]]:
        """Every place of these names, each place once."""
        ids = {(name.kind, name.id) for name in names}
        places: set[Span] = set()
        for file in self.files.values():
            for seen in file.mentions:
                name = seen.name
                if name and (name.kind, name.id) in ids and seen.span not in places and self.resolve(name) in names:
                    places.add(seen.span)
                    yield file, seen

    def definitions(self, names: frozenset[Name]) -> list[tuple[File, Seen]]:
        """Where these names are introduced."""
        return [(file, seen) for file, seen in self.mentions(names) if seen.defining]

    def known(self, name: Name) -> Mapping[str, str]:
        """All names of the kind and owner of `name`, with what they are called."""
        if name.kind in DOCUMENTS:
            built_in = {LISTING: "在列的名单（内建）"} if name.kind == "record" else {}
            return built_in | {identifier: file.title for identifier, file in self.of_kind(name.kind).items()}
        if name.kind in FACTS:
            return {
                fact.name: titles.fact_words(fact.title, fact.type)
                for fact in self.facts(name.kind, name.owner).values()
            }
        owner = {"article": "law", "step": "matter", "material": "matter", "rule": "memorandum"}.get(name.kind)
        file = self.document(owner, name.owner) if owner else None
        if file is None:
            return {}
        return {
            seen.name.id: called(seen) for seen in file.mentions
            if seen.name and seen.name.kind == name.kind and seen.defining
        }  # fmt: skip


def called(seen: Seen) -> str:
    """What the name that is introduced here is called: its title or, for an article or step, what stands after it."""
    if seen.key and isinstance(seen.node, Scalar):
        return seen.node.value
    return scalar(seen.node, "title") or scalar(seen.node, "clause") or ""


def _fact(name: str, node: Node, span: Span, implied: str = "") -> Fact:
    values: dict[str, str] = {}
    match value_at(node, "values"):
        case source.Mapping() as titled:
            values = {v: t.value if isinstance(t, Scalar) else v for v, t in titled.items.items()}
        case source.Sequence() as listed:
            values = {v.value: v.value for v in listed.items if isinstance(v, Scalar)}
    return Fact(name, scalar(node, "type") or implied, scalar(node, "title") or name, values, span)


def _built_in(fact: FactType, words: Mapping[str, str]) -> Fact:
    values = words or {v: fact.titles.get(v, v) for v in fact.values}
    return Fact(fact.name, fact.type, fact.title, values)


_SUBJECT = {SUBJECT_KIND.name: Fact(SUBJECT_KIND.name, Type.ENUM, SUBJECT_KIND.title, titles.SUBJECTS)}
