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
    """What became of a bundle. `policy` is `None` exactly if a diagnostic is an error. `counts`: documents by kind.

    `draft`: the policy as far as it could be built; what was reported is missing from it. Never decide by it.
    """

    policy: Policy | None
    diagnostics: tuple[Diagnostic, ...]
    counts: Mapping[str, int]
    draft: Policy


def compile_policy(files: Mapping[str, str | bytes]) -> Compiled:
    """Compile a bundle given as relative path → content. Reads no disk, keeps no state, never raises on bad input."""
    return Workspace().compile(files)


@dataclass(frozen=True, slots=True)
class _Read:
    """A file as it was read, and what was found in it alone."""

    content: str | bytes
    document: Document[Any] | None
    reporter: Reporter


class Workspace:
    """A bundle that is compiled again and again while it is edited: only files whose content changed are read again.

    Not for use from several threads at once.
    """

    def __init__(self) -> None:
        self._files: dict[str, _Read] = {}

    def compile(self, files: Mapping[str, str | bytes]) -> Compiled:
        """What `compile_policy` makes of these files."""
        self._files = {
            path: self._read(path, content)
            for path, content in sorted(files.items())
            if not NOT_POLICY & set(PurePosixPath(path).parts[:-1])
        }
        reporter = Reporter()
        texts: dict[str, str] = {}
        documents: dict[str, dict[str, Document[Any]]] = defaultdict(dict)
        broken: set[str] = set()
        for path, read in self._files.items():
            reporter.include(read.reporter)
            if read.document is None:
                broken.add(PurePosixPath(path).name.removesuffix(".yaml").removesuffix(".test"))
                continue
            texts[path] = read.content if isinstance(read.content, str) else read.content.decode()
            _file(read.document, documents, reporter)
        bundle = Bundle(reporter, documents, frozenset(broken))
        policy = build(bundle, texts)
        run_checks(policy, bundle)
        counts = {kind: len(found) for kind, found in sorted(documents.items())} | {"cases": len(policy.tests)}
        return Compiled(None if reporter.failed else policy, reporter.diagnostics(), counts, policy)

    def document(self, path: str, content: str | bytes) -> Document[Any] | None:
        """The document in a file, if the bundle compiled last had it with this content and in a sound shape."""
        read = self._files.get(path)
        return read.document if read is not None and read.content == content else None

    def _read(self, path: str, content: str | bytes) -> _Read:
        before = self._files.get(path)
        if before is not None and before.content == content:
            return before
        reporter = Reporter()
        return _Read(content, read_document(path, content, reporter), reporter)


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
