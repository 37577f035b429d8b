"""What is being typed, and where: a text that does not parse yet is mended around the cursor until it does.

The word at the cursor is replaced by a marker, closing brackets are added, and where that is not enough, what follows
is dropped, and at last everything but the lines above that the cursor's line is nested in. Each attempt is a text that
the language's own reader either accepts or not, so there is no second grammar that could disagree with it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from api.lsp.grammar import Place, kind_of, root
from engine.language import source
from engine.language.diagnostics import Reporter
from engine.language.reading import KINDS
from engine.language.source import Node, Scalar

MARK = "xinheng-cursor"
WORD_BEFORE = re.compile(r"[^\s,\[\]{}:\"'#&*!|>]*$")
WORD_AFTER = re.compile(r"[^\s,\[\]{}:\"'#]*")
NESTING = re.compile(r"^(\s*)((?:- )*)")
KIND = re.compile(rf"(?:{'|'.join(KINDS)}): [a-z0-9-]+$")
LARGE = 40_000  # characters; beyond, only the lines that the cursor is nested in are read
CLOSING = {"[": "]", "{": "}"}
Step = str | int


@dataclass(frozen=True, slots=True)
class Cursor:
    """A cursor in a document. Columns count from 1.

    tree: the document as mended; the word at the cursor is not in it. above: the mappings around the cursor, outermost
    first. place: what may stand here; for a key, the mapping it is a key of. key: whether a key is typed.
    steps: keys and positions that lead to the cursor. written: keys that the mapping has already.
    """

    tree: source.Mapping
    kind: str
    place: Place
    steps: tuple[Step, ...]
    above: tuple[source.Mapping, ...]
    key: bool
    written: frozenset[str]
    word: str  # up to the cursor
    start: int
    end: int
    glued: bool  # a colon stands right before the word, so a blank has to come first
    colon: bool  # a colon follows already


def cursors(path: str, lines: Sequence[str], line: int, column: int) -> Iterator[Cursor]:
    """What the cursor may be taken for, likeliest first: a key and a value where both may stand."""
    text = lines[line - 1] if line <= len(lines) else ""
    before = text[: column - 1]
    word = WORD_BEFORE.search(before)
    assert word is not None  # it may be empty
    after = text[column - 1 :]
    rest = WORD_AFTER.match(after)
    assert rest is not None
    head, tail = before[: word.start()], after[rest.end() :]
    if re.search(r"(?:^|\s)#", head):
        return
    place = (word[0], word.start() + 1, column + rest.end(), head.endswith(":"), tail.lstrip().startswith(":"))
    seen: set[tuple[tuple[Step, ...], bool]] = set()
    for attempt in _attempts(list(lines), line, head + (" " if place[3] else ""), tail):
        tree = source.read(path, attempt, Reporter())
        if tree is None:
            continue
        found = _locate(tree, place)
        if found is not None and (found.steps, found.key) not in seen:
            seen.add((found.steps, found.key))
            yield found


def _attempts(lines: list[str], line: int, head: str, tail: str) -> Iterator[str]:
    """Texts with the marker that may parse."""
    above, below = lines[: line - 1], lines[line:]
    opened = _closers(head)
    block = not head.strip("- ")  # nothing but the word on this line
    ends = [f": {tail.removeprefix(':').strip() or 'x'}", tail] if block else [tail, opened, f": x{opened}"]
    middle = [f"{head}{MARK}{end}" for end in dict.fromkeys(ends)]
    if sum(map(len, lines)) < LARGE:
        yield from ("\n".join([*above, each, *below]) for each in middle)
        yield from ("\n".join([*above, each]) for each in middle)
        if closers := _closers("\n".join([*above[-50:], head])):
            yield "\n".join([*above, f"{head}{MARK}{closers}"])
    for around in (_around(above, head, neighbours=True), _around(above, head, neighbours=False)):
        yield from ("\n".join([*around, each]) for each in middle)


def _closers(text: str) -> str:
    """The brackets and quotes that are open at the end of a text, closed."""
    stack: list[str] = []
    quote = ""
    for char, previous in zip(text, " " + text, strict=False):
        if quote:
            quote = "" if char == quote else quote
        elif char in "\"'" and previous in " [{,:\n":
            quote = char
        elif char in CLOSING:
            stack.append(CLOSING[char])
        elif stack and char == stack[-1]:
            stack.pop()
    return quote + "".join(reversed(stack))


def _around(above: Sequence[str], head: str, *, neighbours: bool) -> list[str]:
    """The lines that a line beginning like `head` is nested in, if wanted with those that lie beside it and them."""
    kept: list[str] = []
    outer, own = _nesting(head)
    limit, listed = outer, outer < own  # the column of what is looked for, and whether that is a list's items
    for line in reversed(above):
        text = re.sub(r"(?:^|\s)#.*$", "", line).rstrip()
        outer, own = _nesting(text)
        dashed, opens = outer < own, text.endswith(":")
        if not text.strip() or own > limit or (not opens and (listed or own < limit)):
            continue
        if opens or (": " in text and not _closers(text) and (neighbours or KIND.match(text))):
            kept.append(text)
        elif dashed:
            kept.append(f"{' ' * outer}{'-'.ljust(own - outer)}x: x")
        if own < limit or listed or dashed:
            limit, listed = outer, dashed
    return kept[::-1]


def _nesting(text: str) -> tuple[int, int]:
    """How far a line is indented, and where its first key stands, behind the dashes of lists."""
    match = NESTING.match(text)
    assert match is not None  # it may be empty
    return len(match[1]), len(match[0])


def _locate(tree: source.Mapping, at: tuple[str, int, int, bool, bool]) -> Cursor | None:
    kind = kind_of({key: value for key, value in tree.items.items() if MARK not in key})
    if kind is None:
        return None
    place: Place | None = root(kind)
    node: Node = tree
    above: list[source.Mapping] = []
    steps = _path(tree)
    if steps is None:
        return None
    *way, (last, is_key) = steps
    for step, _ in way:
        if place is None:
            return None
        if isinstance(node, source.Mapping):
            above.append(node)
            place, node = place.child(str(step)), node.items[str(step)]
        elif isinstance(node, source.Sequence):
            place, node = place.item, node.items[int(step)]
    if place is None:
        return None
    if isinstance(node, source.Mapping):
        above.append(node)
        if not is_key:
            place = place.child(str(last))
    elif isinstance(node, source.Sequence):
        place = place.item
    if place is None:
        return None
    written = frozenset(key for key in above[-1].items if MARK not in key) if above and is_key else frozenset()
    word, start, end, glued, colon = at
    path = tuple(step for step, _ in (way if is_key else steps))
    return Cursor(tree, kind, place, path, tuple(above), is_key, written, word, start, end, glued, colon)


def _path(node: Node) -> list[tuple[Step, bool]] | None:
    """The steps to the marker; the last one says whether it is a key."""
    match node:
        case source.Mapping():
            for key, value in node.items.items():
                if MARK in key:
                    return [(key, True)]
                if isinstance(value, Scalar):
                    if MARK in value.value:
                        return [(key, False)]
                elif (found := _path(value)) is not None:
                    return [(key, False), *found]
        case source.Sequence():
            for index, value in enumerate(node.items):
                if isinstance(value, Scalar):
                    if MARK in value.value:
                        return [(index, False)]
                elif (found := _path(value)) is not None:
                    return [(index, False), *found]
        case _:
            pass
    return None
