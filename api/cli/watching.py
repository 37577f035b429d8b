"""`xinheng test --watch`: the tests run again whenever a policy file changes."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from api.cli.common import USAGE, console, fail
from api.cli.testing import Asked, chosen, covered, report, say

if TYPE_CHECKING:
    from engine.compiler import Workspace
    from engine.language.ir import Policy
    from engine.workbench.policy_tests import Outcome

FOLDERS = ("rules", "memoranda")
LOOKING = 200
"""Milliseconds until the watch says for the first time that nothing has changed."""
SETTLING = 300
"""Milliseconds of quiet after which a burst of writes, such as a checkout, counts as one change."""


def run_and_watch(paths: Sequence[Path] | None, asked: Asked) -> None:
    """Run the tests now and after each change, until interrupted."""
    from adapters.policy_files import BundleError, default_bundle, read_bundle

    try:
        roots = list(paths or ()) or [default_bundle() / name for name in FOLDERS]
        read_bundle(roots)
    except (BundleError, OSError) as error:
        fail(USAGE, str(error))
    watched = Watched(asked)
    try:
        for _ in _changes(roots):
            if console.is_terminal:
                console.clear()
            try:
                watched.show(read_bundle(paths or ()))
            except (BundleError, OSError) as error:  # a file between two names; the next change tells
                say((str(error), "red"))
    except KeyboardInterrupt:
        return


def _changes(roots: Sequence[Path]) -> Iterator[None]:
    """Once when the watch has begun, so that no change is missed, and then at every change."""
    from watchfiles import Change, watch

    def policy(_: Change, path: str) -> bool:
        return path.endswith(".yaml")

    begun = False
    for changes in watch(*roots, watch_filter=policy, debounce=SETTLING, rust_timeout=LOOKING, yield_on_timeout=True):
        if changes or not begun:
            begun = True
            yield


class Watched:
    """The last policy that compiled and its outcomes; only tests that a change may touch are run again."""

    def __init__(self, asked: Asked) -> None:
        from engine.compiler import Workspace

        self.asked = asked
        self.workspace: Workspace = Workspace()
        self.policy: Policy | None = None
        self.outcomes: dict[str, tuple[Outcome, ...]] = {}

    def show(self, files: Mapping[str, str | bytes]) -> None:
        """Compile, run what may come out otherwise, and show all outcomes. A file half edited is shown as it is."""
        from engine.language import as_text
        from engine.workbench.policy_tests import affected, run_tests

        compiled = self.workspace.compile(files)
        if compiled.policy is None:
            found = [d for d in compiled.diagnostics if d.severity == "error"]
            typer.echo(as_text(found, files), nl=False)
            typer.echo(f"{len(found)} 个错误，改好后自动运行")
            return
        policy = chosen(compiled.policy, self.asked)
        again = frozenset(policy.memoranda) if self.policy is None else affected(self.policy, policy)
        self.policy = policy
        fresh = run_tests(policy, [test for test in policy.tests if test.memorandum in again])
        kept = {name: old for name, old in self.outcomes.items() if name in policy.memoranda and name not in again}
        new = {name: tuple(o for o in fresh if o.memorandum == name) for name in again}
        self.outcomes = dict(sorted((kept | new).items()))
        report([o for group in self.outcomes.values() for o in group], covered(policy, self.asked), None, self.asked)
        typer.echo(f"运行了 {len(again)} 份备忘录的 {len(fresh)} 个测试；等待改动，按 Ctrl-C 结束")
