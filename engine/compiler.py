"""The compiler: files → documents → policy → what can be proved about it."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import Any

from engine.analysis import run_checks
from engine.language.build import build
from engine.language.bundle import Bundle
from engine.language.diagnostics import Diagnostic, Reporter
from engine.language.ir import Policy
from engine.language.reading import Document, read_document

NOT_POLICY = frozenset({"schema", "documents"})  # folders under rules/ with generated schemas and templates of letters


@dataclass(frozen=True, slots=True)
class Compiled:
    """What became of a bundle. `policy` is `None` exactly if a diagnostic is an error. `counts`: documents by kind."""

    policy: Policy | None
    diagnostics: tuple[Diagnostic, ...]
    counts: Mapping[str, int]


def compile_policy(files: Mapping[str, str | bytes]) -> Compiled:
    """Compile a bundle given as relative path → content. Reads no disk, keeps no state, never raises on bad input."""
    reporter = Reporter()
    texts: dict[str, str] = {}
    documents: dict[str, dict[str, Document[Any]]] = defaultdict(dict)
    broken: set[str] = set()
    for path, content in sorted(files.items()):
        if NOT_POLICY & set(PurePosixPath(path).parts[:-1]):
            continue
        document = read_document(path, content, reporter)
        if document is None:
            broken.add(PurePosixPath(path).name.removesuffix(".yaml").removesuffix(".test"))
            continue
        texts[path] = content if isinstance(content, str) else content.decode()
        _file(document, documents, reporter)
    bundle = Bundle(reporter, documents, frozenset(broken))
    policy = build(bundle, texts)
    run_checks(policy, bundle)
    counts = {kind: len(found) for kind, found in sorted(documents.items())} | {"cases": len(policy.tests)}
    return Compiled(None if reporter.failed else policy, reporter.diagnostics(), counts)


def _file(document: Document[Any], documents: dict[str, dict[str, Document[Any]]], reporter: Reporter) -> None:
    """Put a document with its kind; the second of one id is reported."""
    first = documents[document.kind].setdefault(document.id, document)
    if first is not document:
        reporter.report(
            "XH027",
            document.span(document.kind),
            f"标识 {document.id} 重复",
            notes=(f"前一个在 {first.span(first.kind)}",),
        )
