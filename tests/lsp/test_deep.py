"""What takes seconds to prove comes later, and never about a text that is no longer there."""

from __future__ import annotations

import asyncio
import shutil
import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from lsprotocol.types import PublishDiagnosticsParams

from api.lsp import session as module
from api.lsp.deep import look_deeper
from api.lsp.project import Files
from api.lsp.session import Session
from engine.language.diagnostics import Diagnostic
from engine.language.ir import Span
from tests.language.bundles import GOOD
from tests.lsp.places import SOUND, WAGES, WAGES_TEXT

FOUND = Diagnostic("XH200", "warning", Span(WAGES, 1, 1), "规则 x 永远不会成立")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A bundle, with an editor that is idle after a moment."""
    monkeypatch.setattr(module, "DEBOUNCE", 0.0)
    monkeypatch.setattr(module, "IDLE", 0.0)
    return Path(shutil.copytree(GOOD, tmp_path / "bundle"))


async def until(condition: Callable[[], object]) -> None:
    """Wait until something is so."""
    for _ in range(1000):
        if condition():
            return
        await asyncio.sleep(0.01)
    pytest.fail("it never came to that")


def test_deeper_findings_join_those_of_the_compiler(folder: Path) -> None:
    """After a pause, for what was edited, in the version that was looked at."""
    published: list[PublishDiagnosticsParams] = []
    asked: list[Sequence[str]] = []

    def deep(files: Files, edited: Sequence[str]) -> Sequence[Diagnostic]:
        asked.append(edited)
        return [FOUND]

    async def edit() -> None:
        session = Session(published.append, deep)
        session.set_folders([folder])
        session.opened((folder / WAGES).as_uri(), WAGES_TEXT, 7)
        await until(lambda: published and "XH200" in {d.code for d in published[-1].diagnostics})

    asyncio.run(edit())

    assert asked == [[WAGES]]
    assert published[-1].version == 7


def test_deeper_findings_of_a_text_that_changed_are_dropped(folder: Path) -> None:
    """The first look is still under way when the text changes; only the second one is shown."""
    published: list[PublishDiagnosticsParams] = []
    looked, changed = threading.Event(), threading.Event()

    def deep(files: Files, _: Sequence[str]) -> Sequence[Diagnostic]:
        if files[WAGES] == WAGES_TEXT:
            looked.set()
            changed.wait(10)
            return [FOUND]
        return [Diagnostic("XH201", "warning", FOUND.span, "第二次")]

    async def edit() -> None:
        session = Session(published.append, deep)
        session.set_folders([folder])
        uri = (folder / WAGES).as_uri()
        session.opened(uri, WAGES_TEXT, 1)
        await until(looked.is_set)
        session.changed(uri, f"{WAGES_TEXT}# 注释\n", 2)
        changed.set()
        await until(lambda: published and "XH201" in {d.code for d in published[-1].diagnostics})

    asyncio.run(edit())

    assert not any(d.code == "XH200" for params in published for d in params.diagnostics)


def test_a_deep_check_that_fails_leaves_the_session_alone(folder: Path, caplog: pytest.LogCaptureFixture) -> None:
    """What is unknown is said in the log; what the compiler found stays on show."""
    published: list[PublishDiagnosticsParams] = []

    def deep(_: Files, __: Sequence[str]) -> Sequence[Diagnostic]:
        message = "超时"
        raise TimeoutError(message)

    async def edit() -> None:
        session = Session(published.append, deep)
        session.set_folders([folder])
        uri = (folder / WAGES).as_uri()
        session.opened(uri, WAGES_TEXT, 1)
        await until(lambda: "未能判定" in caplog.text)
        session.changed(uri, "memorandum: [", 2)
        await until(lambda: any(d.code == "XH004" for params in published for d in params.diagnostics))

    asyncio.run(edit())


def test_an_impossible_rule_is_proved_to_be_one() -> None:
    """The real check, in its child process: a rule that no subject can meet."""
    rule = "  - {id: never, when: {workers: {lt: 0, gt: 10}}, then: [{advise: credit-caution, by: [banks]}]}\n"

    found = look_deeper({**SOUND, WAGES: WAGES_TEXT + rule}, [WAGES])

    assert any(d.code == "XH200" and "never" in d.message for d in found), found
