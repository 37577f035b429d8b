"""What is wrong with a policy, where, and what to write instead. Rendering is in `engine.language.render`."""

from __future__ import annotations

import difflib
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from engine.language.catalogue import CATALOGUE
from engine.language.ir import Span

Severity = Literal["error", "warning", "info"]

MAX_PER_FILE = 100  # a broken generator can make 10^5 mistakes; nobody reads them, and each costs a suggestion
MAX_WORD = 64  # difflib is quadratic in the length of a word
LOOK_ALIKES = str.maketrans("аеорсухіјѕԁһɡοαν–—−‐‑＿", "aeopcyxijsdhgoav-----_")


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One finding. `message` is Chinese prose; `code` never changes its meaning once published."""

    code: str
    severity: Severity
    span: Span
    message: str
    expected: str = ""
    suggestion: str = ""
    notes: tuple[str, ...] = ()

    @property
    def title(self) -> str:
        """What this kind of mistake is called, in Chinese."""
        return CATALOGUE[self.code].title

    @property
    def help(self) -> str:
        """How this kind of mistake is put right, in Chinese."""
        return CATALOGUE[self.code].help


class Reporter:
    """Collects diagnostics in the order found, without doubles and with at most `MAX_PER_FILE` errors a file."""

    def __init__(self) -> None:
        self._found: dict[Diagnostic, None] = {}
        self._per_file: dict[str, int] = {}
        self._failed: set[str] = set()  # paths with errors

    def report(
        self,
        code: str,
        span: Span,
        message: str,
        *,
        expected: str = "",
        suggestion: str = "",
        notes: Sequence[str] = (),
    ) -> None:
        """Add a finding; its severity is the catalogue's."""
        if CATALOGUE[code].severity == "error":
            count = self._per_file[span.path] = self._per_file.get(span.path, 0) + 1
            if count > MAX_PER_FILE:
                if count == MAX_PER_FILE + 1:
                    self._add("XH018", span, f"本文件的错误超过 {MAX_PER_FILE} 个，其余不再列出")
                return
        self._add(code, span, message, expected, suggestion, tuple(notes))

    def _add(
        self, code: str, span: Span, message: str, expected: str = "", suggestion: str = "", notes: tuple[str, ...] = ()
    ) -> None:
        severity = CATALOGUE[code].severity
        if severity == "error":
            self._failed.add(span.path)
        self._found.setdefault(Diagnostic(code, severity, span, message, expected, suggestion, notes))

    def include(self, other: Reporter) -> None:
        """Add what another reporter found in files that this one has not heard of."""
        self._found.update(other._found)
        self._per_file.update(other._per_file)
        self._failed |= other._failed

    def full(self, path: str) -> bool:
        """Whether nothing more will be listed for a file, so that looking further is in vain."""
        return self._per_file.get(path, 0) > MAX_PER_FILE

    def clean(self, path: str) -> bool:
        """Whether no error has been found in a file, so that proofs about it are worth making."""
        return path not in self._failed

    @property
    def failed(self) -> bool:
        """Whether any finding is an error."""
        return bool(self._failed)

    def diagnostics(self) -> tuple[Diagnostic, ...]:
        """Everything found, by place."""
        return tuple(sorted(self._found, key=lambda d: (d.span.path, d.span.line, d.span.column, d.code, d.message)))


def skeleton(word: str) -> str:
    """`word` with full-width forms and common look-alikes (Cyrillic, Greek, dashes) folded to ASCII, in lower case."""
    return unicodedata.normalize("NFKC", word[:MAX_WORD]).translate(LOOK_ALIKES).lower()


def nearest(word: str, known: Iterable[str]) -> str:
    """The known word most like `word`, or an empty string if none is near."""
    folded = {skeleton(k): k for k in known}
    plain = skeleton(word)
    for variant in (plain, plain.replace("_", "-"), plain.replace("-", "_"), plain.replace(" ", "-")):
        if variant in folded:
            return folded[variant]
    match = difflib.get_close_matches(plain, folded, n=1, cutoff=0.6)
    return folded[match[0]] if match else ""


def looks_like(word: str, known: Iterable[str]) -> str:
    """The known word that `word` merely looks like, by letters from outside ASCII; empty if there is none."""
    if word.isascii():
        return ""
    plain = skeleton(word)
    return next((k for k in known if k == plain), "")


def one_of(words: Iterable[str], limit: int = 12) -> str:
    """The permitted words as text for people, shortened when many."""
    words = list(words)
    more = f" 等 {len(words)} 个" if len(words) > limit else ""
    return "、".join(words[:limit]) + more
