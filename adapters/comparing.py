"""What changes in meaning between two policies, in words, worked out in a child process with limits."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from adapters.trials import report, run_limited

if TYPE_CHECKING:
    from engine.language.ir import Policy
    from engine.workbench.attributes import Change

SECONDS, MEGABYTES = 600.0, 2048
TESTS = ".test.yaml"


class ComparisonError(Exception):
    """The two cannot be compared. `message` is Chinese, `details` a text for people with the places in the files."""

    def __init__(self, message: str, details: str = "") -> None:
        super().__init__(message, details)
        self.message, self.details = message, details


@dataclass(frozen=True, slots=True)
class Told:
    """One change with all that a reader wants of it, as titles and words.

    witness: the case in a line, and as JSON. test: the memorandum and an entry for its tests (`as_tests`).
    """

    area: str
    sense: str
    list: str
    list_title: str
    message: str
    measure: str
    measure_title: str
    departments: Mapping[str, str]
    role: str
    kinds: Mapping[str, str]
    rules: tuple[str, ...]
    witness: str
    facts: Mapping[str, Any] | None
    test: tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Comparison:
    """The verdict (`differing.VERDICTS`), the changes, what could not be decided, and paths of files that differ.

    lists: how many lists were compared. same_bytes: not a single file differs.
    """

    verdict: str
    changes: tuple[Told, ...]
    undecided: tuple[str, ...]
    files: tuple[str, ...]
    lists: int

    @property
    def same_bytes(self) -> bool:
        """Whether the two bundles are one."""
        return not self.files


def compare(
    before: Mapping[str, str | bytes],
    after: Mapping[str, str | bytes],
    day: dt.date,
    *,
    lists: Collection[str] | None = None,
    names: tuple[str, str] = ("前一套政策", "后一套政策"),
    seconds: float = SECONDS,
    megabytes: int = MEGABYTES,
    progress: Callable[[int, int], None] | None = None,
) -> Comparison:
    """Compare two bundles, path → content.

    Args:
        before: the one that things change from.
        after: the one that they change to.
        day: where witnesses are looked for first.
        lists: only these lists.
        names: what the two are called in an error.
        seconds: time that it may take.
        megabytes: memory that it may take.
        progress: called with how many lists are done and how many there are.

    Raises:
        ComparisonError: one of them does not compile, or neither has a list of this name.
        TrialError: the limits were not enough; nothing is known then.

    """
    chosen = None if lists is None else tuple(lists)
    arguments = (dict(before), dict(after), day, chosen, names)
    return run_limited(_compare, *arguments, seconds=seconds, megabytes=megabytes, progress=progress)


def compiled(files: Mapping[str, str | bytes], name: str) -> Policy:
    """The policy that files make; if only the tests beside the rules are wrong, the policy without its tests.

    Raises:
        ComparisonError: it does not compile.

    """
    from engine.compiler import compile_policy  # noqa: PLC0415 - the parent of the child compiles nothing
    from engine.language import as_text  # noqa: PLC0415 - as above

    found = compile_policy(files)
    if found.policy is None:
        found = compile_policy({path: text for path, text in files.items() if not path.endswith(TESTS)})
    if found.policy is None:
        errors = [d for d in found.diagnostics if d.severity == "error"]
        raise ComparisonError(f"{name} 有 {len(errors)} 个错误，编译不了", as_text(errors, files))
    return found.policy


def _compare(
    before: Mapping[str, str | bytes],
    after: Mapping[str, str | bytes],
    day: dt.date,
    lists: tuple[str, ...] | None,
    names: tuple[str, str],
) -> Comparison:
    from engine.language.diagnostics import nearest  # noqa: PLC0415 - only the child needs it
    from engine.workbench.differing import diff  # noqa: PLC0415 - as above

    old, new = compiled(before, names[0]), compiled(after, names[1])
    known = {*old.lists, *new.lists}
    for name in lists or ():
        if name not in known:
            near = nearest(name, sorted(known))
            raise ComparisonError(f"两套政策都没有名单 {name}", f"是不是 {near}？" if near else "")
    found = diff(old, new, day, lists=lists, progress=lambda done, total, _: report(done, total))
    told = tuple(_told(change, old, new, number) for number, change in enumerate(found.changes, 1))
    return Comparison(found.verdict, told, found.undecided, _differing(before, after), len(lists or known))


def _differing(before: Mapping[str, str | bytes], after: Mapping[str, str | bytes]) -> tuple[str, ...]:
    texts = [{p: t.encode() if isinstance(t, str) else t for p, t in files.items()} for files in (before, after)]
    return tuple(sorted(p for p in texts[0].keys() | texts[1].keys() if texts[0].get(p) != texts[1].get(p)))


def _told(change: Change, old: Policy, new: Policy, number: int) -> Told:
    from engine.decision.model import plain  # noqa: PLC0415 - only the child needs it
    from engine.workbench.as_tests import as_test  # noqa: PLC0415 - as above
    from engine.workbench.witness import KIND_TITLES, describe  # noqa: PLC0415 - as above

    def title(kind: str, name: str) -> str:
        found = getattr(new, kind).get(name) or getattr(old, kind).get(name)
        return str(found.title) if found is not None else name

    measure = title("measures", change.measure) if change.measure else ""
    facts = change.witness
    describing = new if facts is not None and facts.list in new.lists else old
    name = f"变化 {number}：{measure or title('lists', change.list)}"
    return Told(
        change.area, change.sense, change.list, title("lists", change.list) if change.list else "", change.message,
        change.measure, measure, {d: title("departments", d) for d in change.departments}, change.role,
        {kind: KIND_TITLES.get(kind, kind) for kind in change.kinds}, change.rules,
        describe(describing, facts) if facts is not None else "", plain(facts) if facts is not None else None,
        as_test(new, change, name),
    )  # fmt: skip
