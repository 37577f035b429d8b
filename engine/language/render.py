"""Diagnostics as text with the offending line and a caret, as JSON, and as GitHub annotations."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from typing import TypedDict

from engine.language.diagnostics import Diagnostic

SEVERITY_TITLES = {"error": "错误", "warning": "警告", "info": "提示"}
MAX_LINE = 160  # columns of a source line that are shown
WORD = re.compile(r"[^\s,\[\]{}:：，]+")


class DiagnosticDocument(TypedDict):
    """A diagnostic as JSON."""

    code: str
    severity: str
    path: str
    line: int
    column: int
    title: str
    message: str
    expected: str
    suggestion: str
    notes: list[str]
    help: str


def width(text: str) -> int:
    """The columns that `text` takes in a terminal: full-width characters take two, combining ones none."""
    wide = sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)
    return wide - sum(1 for c in text if unicodedata.combining(c))


def as_text(diagnostics: Iterable[Diagnostic], sources: Mapping[str, str | bytes]) -> str:
    """One block a diagnostic: place, what is wrong, the line with a caret under the word, and what to write."""
    lines = {path: _lines(sources[path]) for path in {d.span.path for d in diagnostics} if path in sources}
    return "\n".join(_block(d, lines.get(d.span.path, [])) for d in diagnostics)


def as_json(diagnostics: Iterable[Diagnostic]) -> list[DiagnosticDocument]:
    """Plain values, ready for `json.dumps`."""
    return [
        DiagnosticDocument(
            code=d.code,
            severity=d.severity,
            path=d.span.path,
            line=d.span.line,
            column=d.span.column,
            title=d.title,
            message=d.message,
            expected=d.expected,
            suggestion=d.suggestion,
            notes=list(d.notes),
            help=d.help,
        )
        for d in diagnostics
    ]


def as_github(diagnostics: Iterable[Diagnostic]) -> str:
    """One workflow command a line, which GitHub shows beside the line of the pull request."""
    kinds = {"error": "error", "warning": "warning", "info": "notice"}
    return "".join(
        f"::{kinds[d.severity]} file={_property(d.span.path)},line={d.span.line},col={d.span.column},"
        f"title={_property(f'{d.code} {d.title}')}::{_data(_sentence(d))}\n"
        for d in diagnostics
    )


def _lines(source: str | bytes) -> list[str]:
    text = source.decode(errors="replace") if isinstance(source, bytes) else source
    return text.removeprefix("\ufeff").replace("\r\n", "\n").split("\n")


def _block(diagnostic: Diagnostic, lines: list[str]) -> str:
    span = diagnostic.span
    block = [f"{span}: {SEVERITY_TITLES[diagnostic.severity]} {diagnostic.code} {diagnostic.message}"]
    if 0 < span.line <= len(lines):
        number = f"{span.line:>5} | "
        text, column = _window(lines[span.line - 1], span.column - 1)
        word = WORD.match(text, column)
        marked = width(word[0]) if word else 1
        block += [number + text, " " * (len(number) - 2) + "| " + " " * width(text[:column]) + "^" * marked]
    for label, content in (
        ("应为", diagnostic.expected),
        ("是否想写", diagnostic.suggestion),
        *(("另见", note) for note in diagnostic.notes),
        ("办法", diagnostic.help),
    ):
        if content:
            block.append(f"      = {label}：{content}")
    return "\n".join(block) + "\n"


def _window(line: str, column: int) -> tuple[str, int]:
    """The part of a long line around `column`, and the column in it; what cannot be seen becomes `·`."""
    start = max(0, column - MAX_LINE // 2) if len(line) > MAX_LINE else 0
    text = "".join(c if c.isprintable() else "·" for c in line[start : start + MAX_LINE])
    return text, min(column - start, len(text))


def _sentence(diagnostic: Diagnostic) -> str:
    parts = [diagnostic.message]
    if diagnostic.expected:
        parts.append(f"应为：{diagnostic.expected}")
    if diagnostic.suggestion:
        parts.append(f"是否想写：{diagnostic.suggestion}")
    return "。".join([*parts, *diagnostic.notes])


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
