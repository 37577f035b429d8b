"""The compiler's diagnostics as the protocol has them."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator

from lsprotocol.types import (
    CodeAction,
    CodeActionKind,
    Diagnostic,
    DiagnosticRelatedInformation,
    DiagnosticSeverity,
    Location,
    TextEdit,
    WorkspaceEdit,
)

from api.lsp.positions import Encoding, piece_at
from api.lsp.project import Files, lines
from engine.language import diagnostics as engine
from engine.language.ir import Span

SOURCE = "xinheng"
SEVERITIES = {
    "error": DiagnosticSeverity.Error,
    "warning": DiagnosticSeverity.Warning,
    "info": DiagnosticSeverity.Information,
}
PLACE = re.compile(r"(\S+?\.yaml):(\d+):(\d+)")
Address = Callable[[str], str]
"""From a path in the bundle to a URI."""


def convert(
    found: Iterable[engine.Diagnostic], files: Files, address: Address, encoding: Encoding, *, related: bool
) -> dict[str, list[Diagnostic]]:
    """Path → its diagnostics. `related`: whether the editor shows places that belong to a diagnostic."""
    texts: dict[str, list[str]] = {}
    result: dict[str, list[Diagnostic]] = {}

    def lines_in(path: str) -> list[str]:
        if path not in texts:
            texts[path] = lines(files, path)
        return texts[path]

    for each in found:
        here = lines_in(each.span.path)
        places = [
            DiagnosticRelatedInformation(
                Location(address(s.path), encoding.range(lines_in(s.path), s.line, *ends)), note
            )
            for note in each.notes
            for s in _places(note, files)
            for ends in [piece_at(lines_in(s.path), s)]
        ]
        notes = [note for note in each.notes if not (related and any(p.message == note for p in places))]
        result.setdefault(each.span.path, []).append(
            Diagnostic(
                range=encoding.range(here, each.span.line, *piece_at(here, each.span)),
                message=_message(each, notes),
                severity=SEVERITIES[each.severity],
                code=each.code,
                source=SOURCE,
                related_information=places if related and places else None,
                data={"suggestion": each.suggestion} if each.suggestion else None,
            )
        )
    return result


def quick_fixes(uri: str, found: Iterable[Diagnostic]) -> Iterator[CodeAction]:
    """For each diagnostic that knows the nearest right word, the change to it."""
    for each in found:
        data = each.data if isinstance(each.data, dict) else {}
        if each.source == SOURCE and isinstance(word := data.get("suggestion"), str):
            yield CodeAction(
                title=f"改为“{word}”",
                kind=CodeActionKind.QuickFix,
                diagnostics=[each],
                edit=WorkspaceEdit(changes={uri: [TextEdit(each.range, word)]}),
            )


def _message(found: engine.Diagnostic, notes: Iterable[str]) -> str:
    parts = [
        found.message,
        f"应为：{found.expected}" if found.expected else "",
        f"是否想写：{found.suggestion}" if found.suggestion else "",
        *(f"另见：{note}" for note in notes),
        f"办法：{found.help}",
    ]
    return "\n".join(filter(None, parts))


def _places(note: str, files: Files) -> Iterator[Span]:
    for path, line, column in PLACE.findall(note):
        if path in files:
            yield Span(path, int(line), int(column))
