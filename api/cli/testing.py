"""Commands for policy staff: test."""

from __future__ import annotations

import typer

from api.cli.common import FOUND, Json, Paths, bundle, console, out


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("test")(run_beside)


def run_beside(paths: Paths = None, json_: Json = False) -> None:
    """运行写在规则旁边的测试；有失败时退出码为 1。"""
    from engine.compiler import compile_policy
    from engine.decision.policy_tests import run_tests
    from engine.language import as_text

    files = bundle(paths)
    compiled = compile_policy(files)
    if compiled.policy is None:
        typer.echo(as_text([d for d in compiled.diagnostics if d.severity == "error"], files), nl=False, err=True)
        raise typer.Exit(FOUND)
    outcomes, coverage = run_tests(compiled.policy)
    failed = [o for o in outcomes if not o.passed]
    if json_:
        out(
            {
                "passed": len(outcomes) - len(failed),
                "failed": [{"test": o.test, "at": str(o.span), "problems": o.problems} for o in failed],
                "never_fired": coverage.never_fired,
                "never_silent": coverage.never_silent,
            }
        )
    else:
        for outcome in failed:
            console.print(f"[bold red]✗[/] {outcome.span}  {outcome.memorandum}：{outcome.test}", highlight=False)
            for problem in outcome.problems:
                console.print(f"    {problem}", highlight=False, markup=False)
        for title, rules in (("没有测试使其成立", coverage.never_fired), ("没有测试使其不成立", coverage.never_silent)):
            for rule in rules:
                console.print(f"[yellow]{title}[/] {rule}", highlight=False)
        typer.echo(f"{len(outcomes) - len(failed)} 个通过，{len(failed)} 个失败")
    raise typer.Exit(FOUND if failed else 0)
