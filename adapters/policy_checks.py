"""What a proposed policy is held against before anybody may approve it, in a child process with limits.

Imports little at the top: the child loads this module first.
"""

from __future__ import annotations

import datetime as dt
import traceback
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from adapters.trials import TrialError, run_limited

if TYPE_CHECKING:
    from engine.language.diagnostics import Diagnostic
    from engine.language.ir import Policy

Result = Literal["passed", "failed", "unknown"]
_Work = Callable[["Policy", dt.date, "Examiner"], "PolicyCheck"]
TITLES: Mapping[str, str] = {"compile": "编译", "tests": "规则旁的测试", "deep": "深入检查", "citations": "核对引用"}
"""The checks in their order."""
SECONDS = 120.0
"""A bundle of 1,000 rules is checked within 60."""
MEGABYTES = 2048
MAX_DETAILS = 200
"""Findings kept of one check."""
KINDS = (
    ("laws", "法律文件"), ("departments", "部门"), ("records", "征集目录"), ("lists", "名单"), ("measures", "措施"),
    ("matters", "事项"), ("tables", "决策表"), ("memoranda", "备忘录"), ("calendars", "年历"), ("ladders", "督办阶梯"),
    ("retention", "保存期限"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Detail:
    """One finding: its place in the files, a stable code, and words."""

    at: str
    code: str
    message: str


@dataclass(frozen=True, slots=True)
class PolicyCheck:
    """One check and its result. `unknown`: it came to no answer, which is never taken for a good one."""

    name: str
    title: str
    result: Result
    details: tuple[Detail, ...] = ()


@dataclass(frozen=True, slots=True)
class PolicyChanges:
    """What differs from the version before: paths of files, and in words what that means."""

    added: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()
    summary: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Examination:
    """What is known of a bundle. `version` is None if it does not compile; `paths` are the files that count."""

    version: str | None
    paths: tuple[str, ...]
    counts: Mapping[str, int]
    checks: tuple[PolicyCheck, ...]
    changes: PolicyChanges

    @property
    def failed(self) -> tuple[PolicyCheck, ...]:
        """What keeps it from being proposed."""
        return tuple(c for c in self.checks if c.result == "failed")


@dataclass(frozen=True, slots=True)
class Examiner:
    """How bundles are examined.

    law_texts: the folder with the texts that citations are held against. apart: in a child process with the limits,
    else in this one, for small bundles that are trusted not to loop. wanted: checks besides compiling.
    """

    seconds: float = SECONDS
    megabytes: int = MEGABYTES
    law_texts: Path | None = None
    apart: bool = True
    wanted: frozenset[str] = field(default=frozenset(TITLES))

    def examine(
        self,
        files: Mapping[str, str],
        base: Mapping[str, str] | None,
        day: dt.date,
        progress: Callable[[int, int], None] | None = None,
    ) -> Examination:
        """Check a bundle that is to replace `base`. A trial that comes to no end has failed, and says of what."""
        if not self.apart:
            return examine(dict(files), base, day, self)
        here = (dict(files), dict(base) if base is not None else None, day, self)
        try:
            return run_limited(examine, *here, seconds=self.seconds, megabytes=self.megabytes, progress=progress)
        except TrialError as error:
            check = PolicyCheck("trial", "试算", "failed", (Detail("", "trial", str(error)),))
            return Examination(None, (), {}, (check,), PolicyChanges())


def examine(files: dict[str, str], base: Mapping[str, str] | None, day: dt.date, examiner: Examiner) -> Examination:
    """The trial itself."""
    from engine.compiler import compile_policy  # noqa: PLC0415 - see the top

    compiled = compile_policy(files)
    policy = compiled.policy
    checks = [_of("compile", compiled.diagnostics)]
    if policy is None:
        return Examination(None, (), {}, tuple(checks), changes(base, files, None, day, examiner))
    checks += [
        _carried_out(name, work, policy, day, examiner)
        for name, work in (("tests", _tests), ("deep", _deep), ("citations", _citations))
        if name in examiner.wanted
    ]
    kept = {path: files[path] for path in policy.sources}
    differs = changes(base, kept, policy, day, examiner)
    return Examination(policy.version, tuple(kept), counts_of(policy), tuple(checks), differs)


def _carried_out(name: str, work: _Work, policy: Policy, day: dt.date, examiner: Examiner) -> PolicyCheck:
    """A check; one that breaks down has found out nothing, and that is what those who decide are told."""
    try:
        return work(policy, day, examiner)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - a mistake in a check must not keep all policy from being changed
        where = traceback.extract_tb(error.__traceback__)[-1]
        what = f"检查程序出错，没有得出结论：{type(error).__name__}（{Path(where.filename).name}:{where.lineno}）"
        return PolicyCheck(name, TITLES[name], "unknown", (Detail("", "internal", what),))


def _of(name: str, diagnostics: Iterable[Diagnostic], undecided: Iterable[Diagnostic] = ()) -> PolicyCheck:
    """A check that ends in diagnostics. Errors fail it, and are all that is told then."""
    found = sorted(diagnostics, key=lambda d: ("error", "warning", "info").index(d.severity))
    errors = [d for d in found if d.severity == "error"]
    details = tuple(Detail(str(d.span), d.code, _words(d)) for d in (errors or found)[:MAX_DETAILS])
    result: Result = "failed" if errors else "unknown" if any(True for _ in undecided) else "passed"
    return PolicyCheck(name, TITLES[name], result, details)


def _words(found: Diagnostic) -> str:
    return "；".join(part for part in (found.message, *found.notes) if part)


def _tests(policy: Policy, day: dt.date, examiner: Examiner) -> PolicyCheck:  # noqa: ARG001 - all checks look alike
    from engine.workbench.policy_tests import run_tests  # noqa: PLC0415 - see the top

    outcomes = run_tests(policy)
    failed = [(o, p) for o in outcomes for p in o.problems]
    details = tuple(
        Detail(str(problem.span), "test", f"{outcome.memorandum}：{outcome.test}：{problem}")
        for outcome, problem in failed[:MAX_DETAILS]
    )
    tested = {o.memorandum for o in outcomes}
    untested = tuple(
        Detail(str(m.span), "untested", f"备忘录 {m.id} 没有测试")
        for m in policy.memoranda.values()
        if m.id not in tested
    )
    result: Result = "failed" if failed else "unknown" if untested else "passed"
    return PolicyCheck("tests", TITLES["tests"], result, details or untested)


def _deep(policy: Policy, day: dt.date, examiner: Examiner) -> PolicyCheck:  # noqa: ARG001 - as above
    from adapters.trials import report  # noqa: PLC0415 - as above
    from engine.workbench.checking import check_policy  # noqa: PLC0415 - as above

    found = check_policy(policy, day, progress=lambda done, total, _: report(done, total))
    return _of("deep", found.diagnostics, found.undecided)


def _citations(policy: Policy, day: dt.date, examiner: Examiner) -> PolicyCheck:  # noqa: ARG001 - as above
    from adapters.law_texts import LawTextError, read_law_texts  # noqa: PLC0415 - as above
    from engine.workbench.citations import check_citations  # noqa: PLC0415 - as above

    if examiner.law_texts is None:
        why = Detail("", "no-texts", "没有法律文本可供核对（设置项 XINHENG_LAW_TEXTS）")
        return PolicyCheck("citations", TITLES["citations"], "unknown", (why,))
    try:
        texts = read_law_texts(examiner.law_texts)
    except (LawTextError, OSError) as error:
        return PolicyCheck("citations", TITLES["citations"], "unknown", (Detail("", "no-texts", str(error)),))
    found = check_citations(policy, texts)
    check = _of("citations", found.diagnostics)
    if found.unknown and check.result == "passed":
        return replace(check, result="unknown")
    return check


def counts_of(policy: Policy) -> dict[str, int]:
    """How many documents of each kind a policy has."""
    kinds = ("laws", "departments", "records", "lists", "measures", "matters", "tables", "memoranda", "calendars")
    counts = {kind: len(getattr(policy, kind)) for kind in kinds}
    counts["rules"] = sum(len(m.rules) for m in policy.memoranda.values())
    return counts


def changes(
    base: Mapping[str, str] | None, files: Mapping[str, str], policy: Policy | None, day: dt.date, examiner: Examiner
) -> PolicyChanges:
    """What differs between two bundles; `policy` is what `files` compile to."""
    from engine.compiler import compile_policy  # noqa: PLC0415 - see the top

    before = base or {}
    added = tuple(sorted(files.keys() - before.keys()))
    removed = tuple(sorted(before.keys() - files.keys()))
    changed = tuple(sorted(path for path in files.keys() & before.keys() if files[path] != before[path]))
    if base is None or policy is None:
        return PolicyChanges(added, changed, removed)
    # the draft, for a version from before the language became stricter still has its documents
    old = compile_policy(base).draft
    lines = _meaning(old, policy, day) if "deep" in examiner.wanted else ()
    return PolicyChanges(added, changed, removed, (*lines, *_documents(old, policy, {*added, *changed, *removed})))


def _meaning(old: Policy, new: Policy, day: dt.date) -> tuple[str, ...]:
    """What changes for whom, the verdict first."""
    from engine.workbench.differing import summarise  # noqa: PLC0415 - see the top

    try:
        return tuple(summarise(old, new, day)[:MAX_DETAILS])
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - as in `_carried_out`
        return (f"含义上的改动没有得出结论（{type(error).__name__}）",)


def _documents(old: Policy, new: Policy, touched: set[str]) -> tuple[str, ...]:
    """What was added, changed and removed, document by document."""
    lines = []
    for kind, title in KINDS:
        before, after = getattr(old, kind), getattr(new, kind)
        for name in sorted(before.keys() | after.keys(), key=str):
            document = after.get(name) or before[name]
            act = "删除" if name not in after else "新增" if name not in before else "修改"
            if act == "修改" and document.span.path not in touched:
                continue
            what = f"{title}“{document.title}”（{name}）" if hasattr(document, "title") else f"{title} {name}"
            lines.append(f"{act}{what}")
    tests = sum(path.endswith(".test.yaml") for path in touched)
    return (*lines, *([f"改动 {tests} 个测试文件"] if tests else []))
