"""Texts with a cursor in them, and the sound bundle to put them in."""

from __future__ import annotations

from lsprotocol.types import Position

from api.lsp.project import Files, View
from tests.language.bundles import GOOD, files

CURSOR = "▮"
SOUND = files(GOOD)
WAGES = "memoranda/wages.yaml"
WAGES_TEXT = SOUND[WAGES].decode()  # type: ignore[union-attr]


def with_cursor(text: str) -> tuple[str, Position]:
    """The text without its cursor, and where that stood."""
    before, _, after = text.partition(CURSOR)
    return before + after, Position(before.count("\n"), len(before) - (before.rfind("\n") + 1))


def view_of(files: Files = SOUND) -> View:
    """A view that has compiled these files."""
    view = View()
    view.compile(files)
    return view
