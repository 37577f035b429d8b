"""A folder of policy files as an editor sees it: what is on disk, with its unsaved buffers over it."""

from __future__ import annotations

from collections.abc import Mapping
from copy import copy
from pathlib import Path

from adapters.policy_files import FOLDERS, SKIPPED, SUFFIX
from api.lsp.grammar import kind_of
from api.lsp.index import File, Index, read_file
from api.lsp.positions import lines_of, text_of
from engine.compiler import Compiled, Workspace
from engine.language import source
from engine.language.diagnostics import Reporter

Files = Mapping[str, str | bytes]
HEAD = 4_096  # characters in which a policy file shows its kind, behind comments


class Project:
    """One bundle. `files` is what counts now; it is replaced, never changed, so that it can be handed to a thread.

    root: the folder that paths are relative to. open: path → text in the editor.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.open: dict[str, str] = {}
        self._disk: Files = {}
        self.files: Files = {}

    def put_disk(self, files: Files) -> None:
        """Take note of what is on disk."""
        self._disk = files
        self.files = {**files, **self.open}

    def put(self, path: str, text: str | None) -> None:
        """Lay an editor's text over a file; `None` takes it away again."""
        if text is None:
            self.open.pop(path, None)
        else:
            self.open[path] = text
        self.files = {**self._disk, **self.open}

    def path_of(self, file: Path) -> str | None:
        """A file's path in the bundle, if it belongs to it."""
        if file.suffix != SUFFIX or not file.is_relative_to(self.root):
            return None
        path = file.relative_to(self.root)
        whole = any((self.root / folder).is_dir() for folder in FOLDERS)
        if (whole and path.parts[0] not in FOLDERS) or SKIPPED & set(path.parts[:-1]):
            return None
        return path.as_posix()


class View:
    """What can be said about a state of the files. Everything here may take a while, and runs in one thread."""

    def __init__(self) -> None:
        self._workspace = Workspace()
        self._known: dict[str, tuple[str | bytes, File | None]] = {}  # as of the content: its names, or the last ones
        self.compiled: Compiled | None = None

    def compile(self, files: Files) -> Compiled:
        """Compile, reading only what changed."""
        self.compiled = self._workspace.compile(files)
        return self.compiled

    def trial(self, files: Files) -> Compiled:
        """Compile other files without losing sight of these."""
        return copy(self._workspace).compile(files)

    def index(self, files: Files, instead: Mapping[str, File] | None = None) -> Index:
        """The names in all files; a file that cannot be parsed has those of its last state that could.

        instead: files as mended while they are typed.
        """
        self._known = {path: self._read(path, content) for path, content in files.items()}
        found = {path: file for path, (_, file) in self._known.items() if file is not None}
        return Index({**found, **(instead or {})}.values())

    def _read(self, path: str, content: str | bytes) -> tuple[str | bytes, File | None]:
        before = self._known.get(path)
        if before is not None and before[0] == content:
            return before
        document = self._workspace.document(path, content)
        tree = document.tree if document else source.read(path, content, Reporter())
        file = read_file(path, tree) if tree else None
        return content, file or (before[1] if before else None)


def find_root(file: Path, folders: tuple[Path, ...]) -> Path | None:
    """The folder of the bundle that a file belongs to.

    That is the nearest one above it that holds `rules/` or `memoranda/`, else the workspace folder it is in, else its
    own.
    """
    inside = next((folder for folder in folders if file.is_relative_to(folder)), None)
    for folder in file.parents:
        if folder.name not in FOLDERS and any(_within(file, folder / name) for name in FOLDERS):
            return folder
    return inside or file.parent


def _within(file: Path, folder: Path) -> bool:
    return file.is_relative_to(folder) and folder.is_dir()


def looks_like_policy(text: str) -> bool:
    """Whether the first key of a text is one with which policy files begin."""
    first = next((line for line in lines_of(text[:HEAD]) if line.strip() and not line.startswith(("#", "---"))), "")
    key, colon, _ = first.partition(":")
    return bool(colon) and kind_of({key: None}) == key


def lines(files: Files, path: str) -> list[str]:
    """The lines of a file; of one that is not there, one empty line."""
    return lines_of(text_of(files.get(path, "")))
