"""Commands for policy staff: diff, what a change of policy means."""

from __future__ import annotations

import datetime as dt
import re
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer
from rich.markup import escape

from api.cli.common import FOUND, NOT_FOUND, UNAVAILABLE, USAGE, Database, Json, console, errors, fail, out

if TYPE_CHECKING:
    from adapters.comparing import Comparison, Told
    from adapters.policy_sources import FindShelf, Shelf, Source

INTERRUPTED = 130
MARGIN = 8
TOKEN = re.compile(r"(?:[!-~]+|[“（《]*\S|\s)[，。；：、）”》]*")
"""What stays on one line: a Chinese character or a word, with the brackets and marks beside it."""
SENSES = {
    "stricter": ("更严", "red"),
    "milder": ("更宽", "green"),
    "even": ("互换", "yellow"),
    "neutral": ("其他", "cyan"),
}
COLOURS = {"equivalent": "green", "stricter": "red", "milder": "green", "incomparable": "yellow", "unknown": "magenta"}
SENSE_WORDS = "更严、更宽都对列入的主体而言"

Before = Annotated[
    str | None,
    typer.Argument(
        metavar="A",
        help="改之前：文件夹、git 版本、政策版本、current、pending；默认 current，没有数据库则为 git HEAD",
    ),
]
After = Annotated[str | None, typer.Argument(metavar="B", help="改之后；默认当前文件夹里的政策，没有则随附的")]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("diff")(diff)


def diff(
    before: Before = None,
    after: After = None,
    form: Annotated[Literal["text", "json"], typer.Option("--format", help="输出格式")] = "text",
    json_: Json = False,
    lists: Annotated[list[str] | None, typer.Option("--list", help="只看这个名单；可以多次")] = None,
    as_tests: Annotated[bool, typer.Option("--as-tests", help="把见证写成 memoranda/*.test.yaml 的测试")] = False,
    exit_code: Annotated[bool, typer.Option("--exit-code", help="含义有变化或者未能判定时退出码为 1")] = False,
    day: Annotated[str | None, typer.Option("--day", help="先在哪一天找见证（YYYY-MM-DD），默认今天")] = None,
    seconds: Annotated[float, typer.Option("--seconds", min=1, help="最多用多少秒")] = 600,
    db: Database = None,
) -> None:
    """比较两套政策的含义：谁因此多了、少了什么事项，对主体更严还是更宽，各举一个见证；没有变化的予以证明。"""
    from adapters.comparing import ComparisonError, compare
    from adapters.trials import TrialError

    on = day_of(day, "--day") or dt.datetime.now().astimezone().date()
    with shelf_of(db) as find_shelf:
        one, other = sources(before, after, find_shelf)
    names = (one.label, other.label)
    try:
        with watching("比较名单") as progress:
            found = compare(one.files, other.files, on, lists=lists, names=names, seconds=seconds, progress=progress)
    except ComparisonError as error:
        if error.details:
            typer.echo(error.details, err=True, nl=not error.details.endswith("\n"))
        fail(FOUND, error.message)
    except TrialError as error:
        fail(UNAVAILABLE, str(error), "可以用 --seconds 放宽，或者用 --list 只看一个名单")
    if as_tests:
        _print_tests(found)
    elif json_ or form == "json":
        out(document(found, one, other))
    else:
        _print(found, one, other)
    raise typer.Exit(FOUND if exit_code and found.verdict != "equivalent" else 0)


# --- what the commands on two policies share ----------------------------------------------------------------------


def day_of(text: str | None, option: str) -> dt.date | None:
    """A day as an option gives it."""
    try:
        return dt.date.fromisoformat(text) if text else None
    except ValueError:
        fail(USAGE, f"{option} 不是日期：{text}", "应写作 2027-01-31")


@contextmanager
def shelf_of(db: str | None) -> Iterator[FindShelf]:
    """A way to open the ledger for reading if it is wanted; it is neither made nor migrated."""
    from contextlib import ExitStack

    with ExitStack() as stack:
        opened: list[Shelf | None] = []

        def find() -> Shelf | None:
            if not opened:
                opened.append(_open(db, stack))
            return opened[0]

        yield find


def _open(db: str | None, stack: Any) -> Shelf | None:
    from sqlalchemy.engine import make_url
    from sqlalchemy.exc import ArgumentError, SQLAlchemyError

    from adapters.ledger import is_current, open_database, read
    from adapters.ledger.policies import PolicyStore
    from adapters.office.ports import instant
    from adapters.policy_sources import Shelf
    from api.cli.simulate import settings_or_fail
    from api.clock import now

    settings = settings_or_fail(db)
    try:
        url = make_url(settings.database_url)
        if url.get_backend_name() == "sqlite" and not Path(url.database or "").exists():
            if db is not None:
                fail(UNAVAILABLE, "没有这个数据库", url.database or "")
            return None
        engine = open_database(settings.database_url, pool_size=1)
        stack.callback(engine.dispose)
        if not is_current(engine):
            fail(UNAVAILABLE, "数据库不是最新结构，请先 xinheng migrate")
        conn = stack.enter_context(read(engine))
    except (ArgumentError, ValueError):
        fail(USAGE, "数据库地址有误")
    except SQLAlchemyError as error:
        fail(UNAVAILABLE, "数据库不可用", type(error).__name__)
    return Shelf(conn, PolicyStore(engine), instant(now(settings.simulated_clock)))


def sources(before: str | None, after: str | None, find_shelf: FindShelf) -> tuple[Source, Source]:
    """The policies that are compared, with their defaults."""
    from adapters.ledger.activations import UntrustedPolicyError
    from adapters.policy_files import FOLDERS
    from adapters.policy_sources import CURRENT, VERSION, Source, SourceError, in_git, policy_from

    here = Path.cwd()
    try:
        if after is not None:
            new = policy_from(after, find_shelf)
        elif any((here / folder).is_dir() for folder in FOLDERS):
            new = policy_from(str(here), find_shelf)
        else:
            from api.cli.common import bundle

            new = Source(bundle(None), "随附的政策")
        if before is not None:
            old = policy_from(before, find_shelf)
        elif find_shelf() is not None:
            old = policy_from(f"{VERSION}{CURRENT}", find_shelf)
        elif in_git(here):
            old = policy_from("git:HEAD", find_shelf)
        else:
            fail(USAGE, "不知道与哪一套政策比较", "没有数据库，当前文件夹也不在 git 仓库中；请写出 A")
    except SourceError as error:
        fail(NOT_FOUND, str(error), *error.details)
    except UntrustedPolicyError as error:
        fail(UNAVAILABLE, str(error))
    except OSError as error:
        fail(USAGE, f"读不了：{error}")
    return old, new


@contextmanager
def watching(what: str) -> Iterator[Callable[[int, int], None]]:
    """A progress bar on standard error where someone watches; Ctrl-C ends the command without a trace."""
    from rich.progress import Progress

    try:
        with Progress(transient=True, console=errors, disable=not sys.stderr.isatty()) as bar:
            task = bar.add_task(what, total=None)
            yield lambda done, total: bar.update(task, completed=done, total=total)
    except KeyboardInterrupt:
        errors.print("已中断", highlight=False)
        raise typer.Exit(INTERRUPTED) from None


# --- the difference -----------------------------------------------------------------------------------------------


def document(found: Comparison, one: Source, other: Source) -> dict[str, Any]:
    """The comparison as JSON."""
    from engine.workbench.differing import VERDICTS

    return {
        "from": {"label": one.label, "version": one.version},
        "to": {"label": other.label, "version": other.version},
        "verdict": found.verdict,
        "words": VERDICTS[found.verdict],
        "changes": [
            {
                "area": c.area, "sense": c.sense, "list": c.list or None, "list_title": c.list_title or None,
                "message": c.message, "measure": c.measure or None, "departments": dict(c.departments),
                "role": c.role or None, "subjects": dict(c.kinds), "rules": c.rules, "witness": c.witness or None,
                "facts": c.facts, "test": {"memorandum": c.test[0], "case": c.test[1]} if c.test else None,
            }
            for c in found.changes
        ],
        "undecided": found.undecided,
        "files": found.files,
        "lists": found.lists,
    }  # fmt: skip


def _print(found: Comparison, one: Source, other: Source) -> None:
    """The verdict, then the changes by list."""
    from engine.workbench.differing import VERDICTS

    words = VERDICTS[found.verdict]
    console.print(f"[bold {COLOURS[found.verdict]}]{words}[/]", highlight=False)
    console.print(escape(f"由 {one.label} 到 {other.label}"), style="dim", highlight=False, soft_wrap=True)
    if found.verdict == "equivalent":
        _print_equivalent(found)
    groups: defaultdict[str, list[Told]] = defaultdict(list)
    for change in found.changes:
        groups[change.list_title or ("措施" if change.measure else "其他")].append(change)
    for title in sorted(groups, key=lambda t: (t in {"措施", "其他"}, t)):
        console.print(f"\n[bold]{escape(title)}[/]", highlight=False)
        for change in groups[title]:
            word, colour = SENSES[change.sense]
            told = folded(change.message.removeprefix(f"{title}："), MARGIN)
            console.print(f"  [{colour}]{word}[/]  {escape(told)}", highlight=False, soft_wrap=True)
            if change.witness:
                line = " " * MARGIN + folded(f"见证：{change.witness}", MARGIN)
                console.print(escape(line), style="dim", highlight=False, soft_wrap=True)
    if found.changes:
        counted = "，".join(
            f"{word} {n} 处" for sense, (word, _) in SENSES.items()
            if (n := sum(c.sense == sense for c in found.changes))
        )  # fmt: skip
        console.print(f"\n共 {len(found.changes)} 处变化：{counted}。{SENSE_WORDS}。", highlight=False)
    if found.undecided:
        console.print("\n[bold magenta]未能判定[/]", highlight=False)
        for question in found.undecided:
            console.print(f"  {escape(question)}", highlight=False)
        console.print("  没有判定的不能当作没有变化；请人工核对。", style="dim", highlight=False)


def _print_equivalent(found: Comparison) -> None:
    if found.same_bytes:
        console.print("两套政策的文件完全相同。", highlight=False)
        return
    console.print(
        f"改动了 {len(found.files)} 个文件，含义没有变化：{found.lists} 个名单上，不论什么主体、在哪一天决定，"
        "哪个部门应当（或者受建议）做什么、建议多少额度，都已证明与原来相同；程序、期限、措施的规定逐项相同。",
        highlight=False,
    )
    for path in found.files:
        console.print(f"  {escape(path)}", style="dim", highlight=False)


def folded(text: str, margin: int) -> str:
    """Text in lines that leave a margin on the left; Chinese may be broken anywhere but before a full stop or so."""
    from rich.cells import cell_len

    room = max(console.width - margin - 2, 20)
    lines, line, used = [], "", 0
    for token in TOKEN.findall(text):
        if line and used + cell_len(token) > room:
            lines.append(line)
            line, used = "", 0
        more = token if line else token.lstrip()
        line, used = line + more, used + cell_len(more)
    return f"\n{' ' * margin}".join([*lines, line])


def _print_tests(found: Comparison) -> None:
    """The witnesses as tests, memorandum by memorandum."""
    cases: defaultdict[str, list[str]] = defaultdict(list)
    for change in found.changes:
        if change.test is not None:
            cases[change.test[0]].append(change.test[1])
    for number, (memorandum, texts) in enumerate(sorted(cases.items())):
        head = f"# memoranda/{memorandum}.test.yaml：已有此文件的，把各项接到其 cases 之后"
        typer.echo("\n".join([*([""] if number else []), head, f"tests: {memorandum}", "cases:"]))
        typer.echo("".join(texts), nl=False)
    without = sum(change.test is None for change in found.changes)
    if without:
        typer.echo(f"{without} 处变化没有可写的测试（期限、程序，或者新政策中已没有这份备忘录）", err=True)
