"""From the rows of an annex to policy files: drafted, formatted, compiled, and tested as far as they go."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from adapters.authoring.format import format_text
from engine.compiler import compile_policy
from engine.language.diagnostics import Diagnostic
from engine.language.ir import Policy
from engine.workbench.annex import AnnexRow
from engine.workbench.drafting import Request, draft, draft_tests


class DraftError(Exception):
    """An annex gives no memorandum; the message says why, in Chinese."""


@dataclass(frozen=True, slots=True)
class Drafted:
    """New policy files by their path in the bundle. `errors`: what keeps them from compiling, empty if they do."""

    files: Mapping[str, str]
    rules: int
    marks: tuple[str, ...]
    new_measures: tuple[str, ...]
    errors: tuple[Diagnostic, ...]


def draft_memorandum(
    rows: Sequence[AnnexRow], files: Mapping[str, str | bytes], policy: Policy, request: Request
) -> Drafted:
    """Draft a memorandum for a bundle; `files` are its files and `policy` what they compile to.

    Raises:
        DraftError: no row of the annex can be made a rule.
        KeyError: the policy has no list `request.list`.

    """
    made = draft(rows, policy, request)
    if not made.rules:
        raise DraftError("附件里没有一行写得成条款：每一行都只有措施一格")
    texts = {path: _formatted(path, text) for path, text in made.files.items()}
    compiled = compile_policy({**files, **texts})
    errors = tuple(d for d in compiled.diagnostics if d.severity == "error")
    if compiled.policy is not None:
        tests = draft_tests(compiled.policy, request.id, request.start)
        if tests is not None:
            path = f"memoranda/{request.id}.test.yaml"
            texts[path] = _formatted(path, tests)
    return Drafted(texts, made.rules, made.marks, made.new_measures, errors)


def _formatted(path: str, text: str) -> str:
    made = format_text(path, text)
    if made.text is None:
        raise AssertionError(made.diagnostics)
    return made.text
