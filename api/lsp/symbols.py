"""The outline of a policy file: rules, facts, articles, tests, each with what it is called."""

from __future__ import annotations

from lsprotocol.types import DocumentSymbol, Range, SymbolKind

from api.lsp.index import DOCUMENTS, File, called, items, scalar, value_at
from api.lsp.positions import Encoding, piece_at
from engine.language import titles
from engine.language.ir import Span

KINDS = {
    "rule": SymbolKind.Function, "fact": SymbolKind.Field, "field": SymbolKind.Field, "input": SymbolKind.Variable,
    "output": SymbolKind.Constant, "article": SymbolKind.String, "step": SymbolKind.Event,
    "material": SymbolKind.Object,
}  # fmt: skip


def outline(file: File, lines: list[str], encoding: Encoding) -> list[DocumentSymbol]:
    """One symbol for the document, with one for each thing in it."""
    inside: list[tuple[Span, str, str, SymbolKind]] = [
        (seen.span, seen.text, called(seen), KINDS[seen.name.kind])
        for seen in file.mentions
        if seen.defining and seen.name and seen.name.kind in KINDS
    ]
    if file.kind == "tests":
        inside += [
            (case.span, scalar(case, "name") or "", scalar(case, "subject") or "", SymbolKind.Method)
            for case in items(value_at(file.tree, "cases"))
        ]
    inside.sort(key=lambda each: (each[0].line, each[0].column))
    end = encoding.position(lines, len(lines), len(lines[-1]) + 1)
    children = []
    for n, (span, name, detail, kind) in enumerate(inside):
        own = encoding.range(lines, span.line, *piece_at(lines, span))
        following = inside[n + 1][0] if n + 1 < len(inside) else None
        until = encoding.position(lines, following.line, following.column) if following else end
        whole = Range(
            own.start, until if (until.line, until.character) > (own.end.line, own.end.character) else own.end
        )
        children.append(DocumentSymbol(name or "…", kind, whole, own, detail or None))
    key = file.tree.keys.get(file.kind, Span(file.path, 1, 1))
    top = encoding.range(lines, key.line, *piece_at(lines, key))
    kind = SymbolKind.Class if file.kind in DOCUMENTS else SymbolKind.Module
    whole = Range(encoding.position(lines, 1, 1), end)
    title = f"{titles.KINDS[file.kind]} {file.id}".strip()
    return [DocumentSymbol(title, kind, whole, top, scalar(file.tree, "title"), children=children)]
