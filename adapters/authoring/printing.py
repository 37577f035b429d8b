"""The normal form of a policy file.

Two spaces a level, lists indented under their key. What is written in brackets stays so while it fits in a line; longer
ones of plain values are filled on the lines below their key, longer ones that hold others are opened, a line each.
"""

from __future__ import annotations

from collections.abc import Sequence

from adapters.authoring.tree import BLANKS, Collection, Comment, Entry, Node, Scalar

WIDTH = 120
STEP = 2
INDICATORS = frozenset("-?:,[]{}#&*!|>'\"%@`")
NULLS = frozenset({"", "~", "null", "Null", "NULL"})  # an editor would take these for nothing rather than for text
Lines = list[str]


def text_of(root: Collection) -> str:
    """The whole file."""
    lines = _collection(root, 0)
    while lines and not lines[0]:
        del lines[0]
    return "\n".join(lines) + "\n"


def _collection(collection: Collection, indent: int) -> Lines:
    lines: Lines = []
    for entry in collection.entries:
        lines += _above(entry.above, indent) + _entry(entry, indent)
    return lines + _above(collection.below, indent)


def _above(comments: Sequence[str], indent: int) -> Lines:
    return [" " * indent + comment if comment else "" for comment in comments]


def _entry(entry: Entry, indent: int) -> Lines:
    """An entry in block style."""
    head = " " * indent + (f"{_key(entry.key)}:" if entry.key else "-")
    value = entry.value
    if value.anchor:
        head += f" &{value.anchor}"
    if isinstance(value, Scalar):
        first, *rest = _scalar(value, indent, flow=False)
        return [_with(f"{head} {first}" if first else head, entry.beside), *rest]
    if _stays_flow(value) and not entry.beside:
        one = f"{head} {flow(value)}"
        if len(one) <= WIDTH or not value.entries:
            return [_with(one, entry.behind)]
        if filled := _filled(value, head, indent):
            return [*filled[:-1], _with(filled[-1], entry.behind)]
    lines = _collection(value, indent + STEP) + _above([comment.text for comment in entry.behind], indent + STEP)
    if entry.key is None and not entry.beside and not value.anchor and not value.entries[0].above:
        return [f"{head} {lines[0].lstrip(BLANKS)}", *lines[1:]]  # an item and its first entry share a line
    return [_with(head, entry.beside), *lines]


def _with(line: str, comments: Sequence[Comment]) -> str:
    """A line with the comments at its end, as far out as they were if the line is the same."""
    if not comments:
        return line
    same = comments[0].line.rstrip(BLANKS) == line
    gap = max(len(comments[0].line) - len(line), STEP) if same else STEP
    return line + " " * gap + " ".join(comment.text for comment in comments)


def _stays_flow(value: Collection) -> bool:
    """Whether a collection is in brackets and has nothing in it that only lines of its own can hold."""
    return value.flow and not value.below and all(
        not entry.above and not entry.beside and not entry.behind
        and (_inline(entry.value) if isinstance(entry.value, Scalar) else _stays_flow(entry.value))
        for entry in value.entries
    )  # fmt: skip


def _inline(value: Scalar) -> bool:
    return "\n" not in value.raw


def flow(node: Node) -> str:
    """A node on one line."""
    if isinstance(node, Scalar):
        return _scalar(node, 0, flow=True)[0]
    inner = ", ".join(_pair(entry) for entry in node.entries)
    return f"{{{inner}}}" if node.mapping else f"[{inner}]"


def _pair(entry: Entry) -> str:
    anchor = f"&{entry.value.anchor} " if entry.value.anchor else ""
    value = anchor + flow(entry.value)
    return f"{_key(entry.key, flow=True)}: {value}" if entry.key else value


def _filled(value: Collection, head: str, indent: int) -> Lines:
    """Plain values in brackets over several lines; empty if the collection is not to be written so."""
    pairs = [_pair(entry) for entry in value.entries]
    under = indent + STEP
    plain = all(isinstance(entry.value, Scalar) for entry in value.entries)
    item = head.endswith("-")
    if not plain or (item and value.mapping) or any(len(pair) + under + 2 > WIDTH for pair in pairs):
        return []
    opening, closing = "{}" if value.mapping else "[]"
    lines = [head] if not item else []
    line = f"{head} {opening}" if item else " " * under + opening
    hanging = " " * len(line)
    for number, pair in enumerate(pairs):
        more = pair + ("," if number + 1 < len(pairs) else closing)
        if len(line) > len(hanging) and len(line) + 1 + len(more) > WIDTH:
            lines.append(line)
            line = hanging
        line += more if len(line) <= len(hanging) else f" {more}"
    return [*lines, line]


def _key(key: Scalar, *, flow: bool = False) -> str:
    anchor = f"&{key.anchor} " if key.anchor else ""
    return anchor + _scalar(key, 0, flow=flow)[0]


def _scalar(scalar: Scalar, indent: int, *, flow: bool) -> Lines:
    """A scalar's lines, the first without indentation; quotes go where the plain text says the same."""
    if scalar.style in {"'", '"'} and plain(scalar.value, flow=flow):
        return [scalar.value]
    first, *rest = scalar.raw.split("\n")
    if not rest:
        return [first]
    under = " " * (indent + STEP)
    if scalar.style not in {"|", ">"}:
        return [first, *(under + line.strip(BLANKS) if line.strip(BLANKS) else "" for line in rest)]
    if any(c.isdigit() for c in first.split("#", 1)[0]):  # how deep it stands is written in figures
        first, rest, depth = _literal(scalar.value), scalar.value.removesuffix("\n").split("\n"), 0
    else:
        depth = min((len(line) - len(line.lstrip(" ")) for line in rest if line.strip(BLANKS)), default=0)
    return [first.rstrip(BLANKS), *(under + line[depth:] if line[depth:] else "" for line in rest)]


def _literal(value: str) -> str:
    """The header of a literal block that says `value`, which may begin with spaces."""
    return f"|{STEP}{'-' if not value.endswith(chr(10)) else '+' if value.endswith(chr(10) * 2) else ''}"


def plain(value: str, *, flow: bool) -> bool:
    """Whether `value` may stand without quotes."""
    if value in NULLS or value != value.strip() or "\n" in value or "\t" in value:
        return False
    if value[0] in INDICATORS and not (value[0] == "-" and value[1:2].isdigit()):
        return False
    if ": " in value or " #" in value or value.endswith(":") or value.startswith(("---", "...")):
        return False
    return not (flow and set(value) & set(",[]{}:"))
