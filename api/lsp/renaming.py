"""Renaming: all places of a name in all files, the file that bears it, and a trial that nothing breaks."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from api.lsp.index import BUILT_IN, DOCUMENTS, FACTS, File, Index, Name, Seen
from api.lsp.positions import extent, text_of
from api.lsp.project import Files, View, lines
from engine.compiler import Compiled
from engine.language import scalars, titles
from engine.language.ir import Span

FREE_TEXT = re.compile(r"[^\s:#,\[\]{}\"'&*!|>%@`-][^\s:#,\[\]{}\"']*")  # what may stand in YAML without quotes
NEW_ERRORS = 3  # listed in a refusal
WORDS: Mapping[str, str] = {
    "article": "条款", "fact": "事实", "field": "字段", "input": "输入", "output": "输出", "rule": "规则",
    "step": "核验步骤", "material": "材料", "person": "关联人",
}  # fmt: skip


class RefusedError(Exception):
    """A renaming would not do what is meant; the message says why, in Chinese."""


@dataclass(frozen=True, slots=True)
class Renaming:
    """Path → columns (line, first, one past the last) to be replaced by `text`; and old path → new path."""

    text: str
    places: Mapping[str, tuple[tuple[int, int, int], ...]]
    moves: Mapping[str, str]


def check_renameable(index: Index, name: Name) -> None:
    """See that a name can be renamed at all.

    Raises:
        RefusedError: it is built in, or introduced nowhere.

    """
    if name.id in BUILT_IN and not index.definitions(frozenset({name})):
        message = f"{name.id} 是语言内建的，不能改名"
        raise RefusedError(message)
    if not index.definitions(index.linked(name)):
        message = f"{name.id} 没有在任何文件中定义"
        raise RefusedError(message)


def rename(view: View, files: Files, index: Index, name: Name, text: str) -> Renaming:
    """Everything that changes when a name becomes `text`.

    Raises:
        RefusedError: the name is built in, or the new one is invalid, taken, or would break the policy.

    """
    check_renameable(index, name)
    names = index.linked(name)
    _check_new(index, names, text)
    places: dict[str, list[tuple[int, int, int]]] = {}
    for file, seen in index.mentions(names):
        places.setdefault(file.path, []).append(_columns(files, file, seen))
    result = Renaming(
        text, {path: tuple(sorted(set(found))) for path, found in places.items()}, _moves(index, name, text)
    )
    _try(view, files, result)
    return result


def applied(files: Files, renaming: Renaming) -> dict[str, str | bytes]:
    """The files after a renaming."""
    result = dict(files)
    for path, places in renaming.places.items():
        text = text_of(files[path])
        starts = _starts(text)
        for line, start, end in reversed(places):
            at = starts[line - 1]
            text = text[: at + start - 1] + renaming.text + text[at + end - 1 :]
        result[path] = text
    for old, new in renaming.moves.items():
        result[new] = result.pop(old)
    return result


def _check_new(index: Index, names: frozenset[Name], text: str) -> None:
    kind = next(iter(names)).kind
    try:
        if kind == "article":
            if not FREE_TEXT.fullmatch(text):
                message = f"条款名称{scalars.shown(text)}须加引号，请手工修改"
                raise RefusedError(message)
        elif kind in FACTS:
            scalars.fact_name(text)
        else:
            scalars.identifier(text)
    except scalars.ScalarError as error:
        raise RefusedError("；".join(filter(None, [error.message, error.expected]))) from None
    what = WORDS.get(kind) or titles.KINDS[kind]
    for name in names:
        other = index.resolve(Name(name.kind, text, name.owner))
        if text in BUILT_IN or other in names or index.definitions(index.linked(other)):
            message = f"已经有{what}{scalars.shown(text)}"
            raise RefusedError(message)


def _columns(files: Files, file: File, seen: Seen) -> tuple[int, int, int]:
    found = extent(lines(files, file.path), seen.span, seen.text)
    if found is None:
        message = f"{seen.span} 的写法特殊（转义或折行），请先改成普通写法"
        raise RefusedError(message)
    return seen.span.line, *found


def _moves(index: Index, name: Name, text: str) -> dict[str, str]:
    """The files that bear the name, with their new paths."""
    if name.kind not in DOCUMENTS:
        return {}
    moves = {}
    for path, file in index.files.items():
        if (file.kind == name.kind or (file.kind, name.kind) == ("tests", "memorandum")) and file.id == name.id:
            suffix = ".test.yaml" if file.kind == "tests" else ".yaml"
            new = str(PurePosixPath(path).with_name(text + suffix))
            if new in index.files:
                message = f"已经有文件 {new}"
                raise RefusedError(message)
            moves[path] = new
    return moves


def _try(view: View, files: Files, renaming: Renaming) -> None:
    """Compile before and after; errors that only come with the renaming refuse it."""
    before, after = view.trial(files), view.trial(applied(files, renaming))
    new = _errors(after) - _errors(before)
    if new:
        worst = [d for d in after.diagnostics if d.severity == "error" and d.code in new][:NEW_ERRORS]
        message = "改名会带来新的错误：" + "；".join(f"{_short(d.span)} {d.message}" for d in worst)
        raise RefusedError(message)


def _errors(compiled: Compiled) -> Counter[str]:
    return Counter(d.code for d in compiled.diagnostics if d.severity == "error")


def _short(span: Span) -> str:
    return f"{PurePosixPath(span.path).name}:{span.line}"


def _starts(text: str) -> list[int]:
    """Where each line begins."""
    starts = [0]
    at = 0
    while (match := re.compile(r"\r\n|\r|\n").search(text, at)) is not None:
        at = match.end()
        starts.append(at)
    return starts
