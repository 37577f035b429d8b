"""Commands for policy staff: test."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.progress import Progress
from rich.text import Text

from api.cli.common import FOUND, UNAVAILABLE, USAGE, Json, Paths, bundle, console, errors, fail, out

if TYPE_CHECKING:
    from engine.language.ir import Policy
    from engine.workbench.coverage import Coverage
    from engine.workbench.mutation import Score
    from engine.workbench.policy_tests import Outcome


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("test")(run_beside)


@dataclass(frozen=True, slots=True)
class Asked:
    """What the options ask for."""

    text: str
    only: str | None
    coverage: bool
    mutate: bool
    json: bool
    junit: Path | None
    seconds: float = 600


def run_beside(
    paths: Paths = None,
    text: Annotated[str, typer.Option("--filter", help="只运行名称或备忘录含有此文字的测试")] = "",
    only: Annotated[str | None, typer.Option("--only", help="只看这一份备忘录")] = None,
    coverage: Annotated[
        bool, typer.Option("--coverage", help="每个条件的成立、不成立、不能判定，测试见过没有")
    ] = False,
    mutate: Annotated[bool, typer.Option("--mutate", help="逐一改错政策，看测试能否发现")] = False,
    watch: Annotated[bool, typer.Option("--watch", help="文件一改就重新运行，直到按 Ctrl-C")] = False,
    junit: Annotated[Path | None, typer.Option("--junit", help="另写一份 JUnit XML")] = None,
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="--mutate 最多用多少秒")] = 600,
    json_: Json = False,
) -> None:
    """运行写在规则旁边的测试；有失败时退出码为 1。"""
    asked = Asked(text, only, coverage, mutate, json_, junit, seconds)
    if watch:
        from api.cli.watching import run_and_watch

        if json_ or mutate:
            fail(USAGE, "--watch 不能与 --json、--mutate 同用")
        run_and_watch(paths, asked)
        return
    files = bundle(paths)
    policy = compiled(files)
    if policy is None:
        raise typer.Exit(FOUND)
    policy = chosen(policy, asked)
    from engine.workbench.policy_tests import run_tests

    outcomes = run_tests(policy)
    seen = covered(policy, asked)
    failed = any(not o.passed for o in outcomes)
    score = None if failed or not mutate else mutated(files, asked)
    report(outcomes, seen, score, asked)
    if failed and mutate and not json_:
        errors.print("先使测试全部通过，再检验测试能发现什么", highlight=False, soft_wrap=True)
    raise typer.Exit(FOUND if failed else 0)


def compiled(files: Mapping[str, str | bytes]) -> Policy | None:
    """The policy, or `None` after showing what keeps it from being one."""
    from engine.compiler import compile_policy
    from engine.language import as_text

    result = compile_policy(files)
    if result.policy is None:
        found = [d for d in result.diagnostics if d.severity == "error"]
        typer.echo(as_text(found, files), nl=False, err=True)
    return result.policy


def chosen(policy: Policy, asked: Asked) -> Policy:
    """The policy with only those of its tests that the options ask for."""
    from engine.language.diagnostics import nearest
    from engine.workbench.policy_tests import selected

    if asked.only is not None and asked.only not in policy.memoranda:
        near = nearest(asked.only, policy.memoranda)
        fail(USAGE, f"没有备忘录 {asked.only}", *([f"是不是 {near}？"] if near else []))
    return selected(policy, asked.text, asked.only)


def covered(policy: Policy, asked: Asked) -> Coverage:
    """What the tests have seen; with `--coverage`, what is provably impossible is left out."""
    from engine.workbench.coverage import cover

    if not asked.coverage:
        return cover(policy)
    from engine.workbench.equivalence import Impossible

    return cover(policy, prove=Impossible(policy))


def mutated(files: Mapping[str, str | bytes], asked: Asked) -> Score:
    """The mutation score, worked out in a child process, with a bar on a terminal."""
    from adapters.testing import mutation_score
    from adapters.trials import TrialError

    try:
        with Progress(transient=True, console=errors, disable=not errors.is_terminal) as bar:
            task = bar.add_task("改错", total=None)
            return mutation_score(
                files, asked.text, asked.only, seconds=asked.seconds,
                progress=lambda done, total: bar.update(task, completed=done, total=total),
            )  # fmt: skip
    except TrialError as error:
        fail(UNAVAILABLE, f"没有试完：{error}", "可加大 --seconds，或以 --only 只看一份备忘录")


def report(outcomes: Sequence[Outcome], seen: Coverage, score: Score | None, asked: Asked) -> None:
    """Everything that was found, for people or for programs."""
    if asked.junit is not None:
        from api.cli.junit import write_junit

        try:
            write_junit(asked.junit, outcomes)
        except OSError as error:
            fail(USAGE, f"写不了 {asked.junit}：{error.strerror}")
    if asked.json:
        out(document(outcomes, seen, score, asked))
        return
    for outcome in outcomes:
        if not outcome.passed:
            show_failure(outcome)
    show_coverage(seen, asked)
    if score is not None:
        show_score(score)
    failed = sum(not o.passed for o in outcomes)
    typer.echo(f"{len(outcomes) - failed} 个通过，{failed} 个失败")


def show_failure(outcome: Outcome) -> None:
    """One failed test: what was expected in green, what came instead in red."""
    say(("✗ ", "bold red"), f"{outcome.span}  {outcome.memorandum}：{outcome.test}")
    for problem in outcome.problems:
        at = f"    （{problem.span}）" if problem.span != outcome.span else ""
        lines = [("- ", problem.expected, "green"), ("+ ", problem.got, "red")]
        for sign, text, colour in lines:
            if text:
                say((f"    {sign}{text}", colour), (at, "dim"))
                at = ""
        for line in problem.why:
            say((f"      {line}", "dim"))
        if problem.near:
            say(("      近似的有：" + "；".join(problem.near), "dim"))


def show_coverage(seen: Coverage, asked: Asked) -> None:
    """Rules that were never seen firing or silent; with `--coverage` every condition, and the share."""
    if asked.coverage:
        for point in seen.missing():
            say((str(point.span), "yellow"), f"  {point}")
        for name in seen.points:
            shown, wanted = seen.count(name)
            say(f"{name}：{_percent(shown, wanted)}（{shown}/{wanted}）")
        shown, wanted = seen.count()
        say((f"覆盖率 {_percent(shown, wanted)}（{shown}/{wanted}）", "bold"))
    elif not asked.text:
        for title, truth in NEVER.values():
            for point in seen.missing():
                if point.rule and truth in point.missing:
                    say((title, "yellow"), f" {point.span}  {point.rule}")


NEVER = {"never_fired": ("没有测试使其成立", True), "never_silent": ("没有测试使其不成立", False)}


def show_score(score: Score) -> None:
    """The mistakes that no test would find, each with a case that would if there is one, and the share found."""
    for survivor in score.survivors:
        say(("没有测试会发现：", "yellow"), str(survivor))
        if survivor.told:
            say((f"    补上此例即可发现：{survivor.told}", "dim"))
    proved = f"；另有 {score.equivalent} 处已证明与原文同义" if score.equivalent else ""
    say((f"发现 {score.killed}/{score.total} 处改错，{_percent(score.killed, score.total)}{proved}", "bold"))


def say(*parts: str | tuple[str, str]) -> None:
    """A line of text, some of it in a style; never broken in a pipe, so that each finding stays one line."""
    console.print(Text.assemble(*parts), soft_wrap=True)


def document(outcomes: Sequence[Outcome], seen: Coverage, score: Score | None, asked: Asked) -> dict[str, Any]:
    """The same as JSON."""
    missing = list(seen.missing())
    found: dict[str, Any] = {
        "passed": sum(o.passed for o in outcomes),
        "failed": [
            {
                "test": o.test, "memorandum": o.memorandum, "at": str(o.span),
                "problems": [
                    {"at": str(p.span), **{key: getattr(p, key) for key in ("expected", "got", "near", "why")}}
                    for p in o.problems
                ],
            }
            for o in outcomes if not o.passed
        ],
    }  # fmt: skip
    if not asked.text:
        for key, (_, truth) in NEVER.items():
            found[key] = [p.rule for p in missing if p.rule and truth in p.missing]
    if asked.coverage:
        found["coverage"] = {
            "seen": seen.count()[0],
            "wanted": seen.count()[1],
            "memoranda": {name: dict(zip(("seen", "wanted"), seen.count(name), strict=True)) for name in seen.points},
            "missing": [{"at": str(p.span), "what": p.what, "never": [TRUTHS[t] for t in p.missing]} for p in missing],
        }
    if score is not None:
        found["mutation"] = {
            "total": score.total,
            "killed": score.killed,
            "equivalent": score.equivalent,
            "survivors": [{"at": str(s.span), "change": s.change, "example": s.told or None} for s in score.survivors],
        }
    return found


TRUTHS = {True: "true", False: "false", None: "unknown"}


def _percent(part: int, whole: int) -> str:
    """Rounded down, so that 100 % means all."""
    tenths = part * 1000 // whole if whole else 1000
    return f"{tenths // 10}.{tenths % 10}%"
