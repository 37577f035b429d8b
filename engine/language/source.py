"""From the text of a policy file to a light tree of scalars, sequences and mappings that know where they stand.

The tree is built from PyYAML's parse events with an explicit stack, so neither depth nor aliases can exhaust memory
or recursion; every limit is named here. Scalars stay text: YAML's own typing (`no`, `0123`, `1e3`) never happens.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import NoReturn

import yaml

from engine.language.diagnostics import Reporter
from engine.language.ir import Span

MAX_BYTES = 1 << 20  # the largest real policy file is some 100 KiB
MAX_DEPTH = 32  # the language itself nests about ten deep; beyond that nobody can read a condition
MAX_NODES = 60_000
MAX_ALIASED = 1_000  # nodes that all aliases of a file stand for together

Loader: type = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml where PyYAML was built with it

# C0 but tab and line ends, DEL, C1, line separators, bidirectional controls, zero-width characters, surrogates
FORBIDDEN = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u00ad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]|\r(?!\n)"
)
TAB_INDENT = re.compile(r"^ *\t", re.MULTILINE)


@dataclass(slots=True)
class Scalar:
    """A piece of text."""

    value: str
    span: Span


@dataclass(slots=True)
class Sequence:
    """A list."""

    span: Span
    items: list[Node] = field(default_factory=list)


@dataclass(slots=True)
class Mapping:
    """Keys with their values, in file order. `keys` says where each key stands."""

    span: Span
    items: dict[str, Node] = field(default_factory=dict)
    keys: dict[str, Span] = field(default_factory=dict)


Node = Scalar | Sequence | Mapping


class SourceError(Exception):
    """A file cannot be read as one YAML document; the reason has been reported."""


@dataclass(slots=True)
class _Open:
    """A collection whose end has not been seen yet."""

    node: Sequence | Mapping
    anchor: str | None
    size: int = 1  # nodes in it, aliases expanded
    height: int = 1
    key: Scalar | None = None


def read(path: str, content: str | bytes, reporter: Reporter) -> Mapping | None:
    """The document's outermost mapping, or `None` after reporting why there is none."""
    try:
        return _read(path, content, reporter)
    except SourceError:
        return None


def decode(path: str, content: str | bytes, reporter: Reporter) -> str:
    """The text of a file, checked for size, encoding and characters that cannot be seen.

    Raises:
        SourceError: it is too large, not UTF-8, or has forbidden characters; already reported.

    """
    start = Span(path, 1, 1)
    if len(content) > MAX_BYTES:
        _fail(reporter, "XH001", start, f"文件有 {len(content):,} 字节，超过上限 {MAX_BYTES:,} 字节")
    try:
        data = content.encode() if isinstance(content, str) else content
        text = data.decode()
    except UnicodeError as error:
        before = content[: error.start] if isinstance(error, UnicodeDecodeError | UnicodeEncodeError) else ""
        line = before.count("\n" if isinstance(before, str) else b"\n") + 1  # type: ignore[arg-type]
        _fail(reporter, "XH002", Span(path, line, 1), f"第 {line} 行有不是 UTF-8 的字节")
    if len(data) > MAX_BYTES:
        _fail(reporter, "XH001", start, f"文件有 {len(data):,} 字节，超过上限 {MAX_BYTES:,} 字节")
    text = text.removeprefix("\ufeff")
    if found := FORBIDDEN.search(text):
        span = _place(path, text, found.start())
        _fail(reporter, "XH003", span, f"此处有不可见或控制字符 U+{ord(found[0]):04X}")
    return text


def _read(path: str, content: str | bytes, reporter: Reporter) -> Mapping:
    text = decode(path, content, reporter)
    if found := TAB_INDENT.search(text):
        _fail(reporter, "XH005", _place(path, text, found.end() - 1), "行首用了制表符缩进，YAML 只能用空格")
    loader = Loader(text)
    try:
        root = _Builder(path, reporter).build(_events(loader))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        span = Span(path, mark.line + 1, mark.column + 1) if mark else Span(path, 1, 1)
        _syntax_error(reporter, span, str(error.problem or error.context or ""))
    except yaml.YAMLError as error:
        _syntax_error(reporter, Span(path, 1, 1), str(error).split("\n", maxsplit=1)[0])
    finally:
        loader.dispose()
    if root is None:
        _fail(reporter, "XH013", Span(path, 1, 1), "文件是空的，没有政策文档")
    if not isinstance(root, Mapping):
        shape = "列表" if isinstance(root, Sequence) else "一段文字"
        _fail(reporter, "XH014", root.span, f"文档最外层是{shape}，应为键值表", expected="键: 值")
    return root


def _events(loader: yaml.SafeLoader) -> Iterator[yaml.Event]:
    while loader.check_event():
        yield loader.get_event()  # type: ignore[no-untyped-call]  # absent from the type stubs


def _syntax_error(reporter: Reporter, span: Span, problem: str) -> NoReturn:
    if "undefined alias" in problem:
        _fail(reporter, "XH009", span, "引用了未定义的锚点")
    hints = {
        "mapping values are not allowed": "此处不应再有冒号；含“: ”的文字要加引号",
        "could not find expected ':'": "缺少冒号",
        "found unexpected end of stream": "引号或括号没有收尾",
        "did not find expected key": "缩进不齐，或前一行的引号、括号没有收尾",
        "did not find expected '-' indicator": "列表项的缩进不齐",
        "cannot start any token": "有不能用在此处的符号；以 @、`、% 等开头的文字要加引号",
        "did not find expected node content": "括号中缺少内容或没有收尾",
        "duplicate anchor": "锚点重名",
    }
    hint = next((text for english, text in hints.items() if english in problem), "此处不符合 YAML 语法")
    _fail(reporter, "XH004", span, f"YAML 语法错误：{hint}", notes=(problem,) if problem else ())


def _fail(
    reporter: Reporter, code: str, span: Span, message: str, *, expected: str = "", notes: tuple[str, ...] = ()
) -> NoReturn:
    reporter.report(code, span, message, expected=expected, notes=notes)
    raise SourceError(code)


def _place(path: str, text: str, offset: int) -> Span:
    line = text.count("\n", 0, offset) + 1
    return Span(path, line, offset - (text.rfind("\n", 0, offset) + 1) + 1)


class _Builder:
    def __init__(self, path: str, reporter: Reporter) -> None:
        self.path, self.reporter = path, reporter
        self.stack: list[_Open] = []
        self.anchors: dict[str, tuple[Node, int, int]] = {}  # node, size, height
        self.open_anchors: set[str] = set()
        self.nodes = self.aliased = 0
        self.root: Node | None = None

    def build(self, events: Iterator[yaml.Event]) -> Node | None:
        documents = 0
        for event in events:
            mark = event.start_mark
            assert mark is not None
            span = Span(self.path, mark.line + 1, mark.column + 1)
            match event:
                case yaml.DocumentStartEvent():
                    documents += 1
                    if documents > 1:
                        self.fail("XH011", span, "一个文件只能有一个文档，此处开始了第二个")
                case yaml.ScalarEvent():
                    self.count(event, span)
                    if event.style == '"' and (found := FORBIDDEN.search(event.value)):
                        self.fail("XH003", span, f"转义写出了不可见或控制字符 U+{ord(found[0]):04X}")
                    scalar = Scalar(event.value, span)
                    self.anchor(event.anchor, scalar, 1, 1)
                    self.put(scalar, 1, 0)
                case yaml.SequenceStartEvent() | yaml.MappingStartEvent():
                    self.count(event, span)
                    if len(self.stack) >= MAX_DEPTH:
                        self.fail("XH006", span, f"嵌套超过 {MAX_DEPTH} 层")
                    node = Sequence(span) if isinstance(event, yaml.SequenceStartEvent) else Mapping(span)
                    if event.anchor:
                        self.open_anchors.add(event.anchor)
                    self.stack.append(_Open(node, event.anchor))
                case yaml.SequenceEndEvent() | yaml.MappingEndEvent():
                    done = self.stack.pop()
                    if done.anchor:
                        self.open_anchors.discard(done.anchor)
                    self.anchor(done.anchor, done.node, done.size, done.height)
                    self.put(done.node, done.size, done.height)
                case yaml.AliasEvent():
                    self.alias(event.anchor or "", span)
                case _:
                    pass
        return self.root

    def count(self, event: yaml.ScalarEvent | yaml.CollectionStartEvent, span: Span) -> None:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self.fail("XH007", span, f"文件超过 {MAX_NODES:,} 个节点")
        if event.tag is not None:
            self.fail("XH012", span, f"不接受 YAML 标签“{event.tag[:40]}”，值的类型由语言规定")

    def alias(self, name: str, span: Span) -> None:
        if name in self.open_anchors:
            self.fail("XH009", span, f"锚点“{name}”引用了自身")
        known = self.anchors.get(name)
        if known is None:
            self.fail("XH009", span, f"引用了未定义的锚点“{name}”")
        node, size, height = known
        self.aliased += size
        if self.aliased > MAX_ALIASED:
            self.fail("XH008", span, f"锚点“{name}”展开后，全文引用的节点超过 {MAX_ALIASED:,} 个")
        if len(self.stack) + height > MAX_DEPTH:
            self.fail("XH006", span, f"锚点“{name}”展开后嵌套超过 {MAX_DEPTH} 层")
        self.put(node, size, height, span)

    def anchor(self, name: str | None, node: Node, size: int, height: int) -> None:
        if name:
            self.anchors[name] = (node, size, height)

    def put(self, node: Node, size: int, height: int, at: Span | None = None) -> None:
        if not self.stack:
            self.root = node
            return
        parent = self.stack[-1]
        parent.size += size
        parent.height = max(parent.height, height + 1)
        if isinstance(parent.node, Sequence):
            parent.node.items.append(node)
        elif parent.key is None:
            span = at or node.span
            if not isinstance(node, Scalar) or node.value == "<<" or "\n" in node.value:
                what = "“<<”合并键" if isinstance(node, Scalar) and node.value == "<<" else "列表、键值表或多行文字"
                self.fail("XH015", span, f"键须为一行普通文字，不能是{what}")
            parent.key = Scalar(node.value, span)
        else:
            self.entry(parent.node, parent.key, node)
            parent.key = None

    def entry(self, mapping: Mapping, key: Scalar, node: Node) -> None:
        if key.value in mapping.items:
            first = mapping.keys[key.value]
            self.reporter.report(
                "XH010", key.span, f"键“{key.value[:40]}”重复", notes=(f"第一次出现在第 {first.line} 行",)
            )
            return
        mapping.items[key.value] = node
        mapping.keys[key.value] = key.span

    def fail(self, code: str, span: Span, message: str) -> NoReturn:
        _fail(self.reporter, code, span, message)


def plain(node: Node) -> object:
    """The node as `str`, `list` and `dict`. Recursion is bounded by `MAX_DEPTH`."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {key: plain(value) for key, value in node.items.items()}


def descend(node: Node, path: tuple[str | int, ...]) -> tuple[Node, Span, int]:
    """Follow `path` as far as the tree goes: the last node reached, where its key stands, and the steps taken."""
    span = node.span
    for taken, step in enumerate(path):
        if isinstance(node, Mapping) and str(step) in node.items:
            span = node.keys[str(step)]
            node = node.items[str(step)]
        elif isinstance(node, Sequence) and isinstance(step, int) and step < len(node.items):
            node = node.items[step]
            span = node.span
        else:
            return node, span, taken
    return node, span, len(path)
