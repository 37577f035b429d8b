"""One editor's session: its projects, and what was found in them, kept up with every change."""

from __future__ import annotations

import asyncio
import gc
import logging
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import unquote

from lsprotocol.types import Diagnostic, PublishDiagnosticsParams
from pygls.uris import to_fs_path

from adapters.policy_files import FOLDERS, BundleError, read_bundle
from api.lsp.positions import Encoding
from api.lsp.project import Files, Project, View, find_root, looks_like_policy
from api.lsp.publishing import convert
from engine.language import diagnostics as engine

T = TypeVar("T")
Publish = Callable[[PublishDiagnosticsParams], None]
Deep = Callable[[Files, Sequence[str]], Sequence[engine.Diagnostic]]
"""What takes seconds to find: from files and the memoranda that were edited. Runs in a thread of its own."""

DEBOUNCE = 0.04  # seconds without typing before a compilation, which itself takes some 80 ms
IDLE = 1.5  # seconds without typing before the deep check
logger = logging.getLogger("xinheng.lsp")


class Room:
    """A project with all that belongs to it. Only the event loop changes it; `view` is used in the worker alone."""

    def __init__(self, root: Path) -> None:
        self.project = Project(root)
        self.view = View()
        self.ready = asyncio.Event()  # set while what is on disk has been read and compiled
        self.stale = True  # whether the disk has to be read again
        self.settled = False
        self.uris: dict[str, str] = {}  # path → URI, as the editor writes it
        self.versions: dict[str, int | None] = {}  # of open files
        self.published: dict[str, tuple[list[Diagnostic], int | None]] = {}
        self.edited: set[str] = set()  # memoranda, since the deep check last looked
        self.timer: asyncio.TimerHandle | None = None
        self.idle: asyncio.TimerHandle | None = None
        self.busy = self.again = False

    def address(self, path: str) -> str:
        """The URI of a file."""
        return self.uris.get(path) or (self.project.root / path).as_uri()


class Session:
    """All projects of a session. `related`: whether the editor shows related places."""

    def __init__(self, publish: Publish, deep: Deep | None = None) -> None:
        self.encoding = Encoding()
        self.related = False
        self.folders: tuple[Path, ...] = ()
        self._publish = publish
        self._deep = deep
        self._rooms: dict[Path, Room] = {}
        self._worker = ThreadPoolExecutor(1, "xinheng-lsp")
        self._tasks: set[asyncio.Task[None]] = set()

    async def run(self, function: Callable[..., T], *args: Any) -> T:
        """Call a function in the worker, one after the other."""
        return await asyncio.get_running_loop().run_in_executor(self._worker, function, *args)

    # --- files ---------------------------------------------------------------------------------------------------

    def set_folders(self, folders: Sequence[Path]) -> None:
        """The workspace has these folders now. Those that hold a bundle are checked at once."""
        self.folders = tuple(folders)
        for folder in folders:
            if any((folder / name).is_dir() for name in FOLDERS):
                self._room(folder)

    def find(self, uri: str) -> tuple[Room, str] | None:
        """The project that a file belongs to, and its path there."""
        file = _file(uri)
        rooms = sorted(self._rooms.values(), key=lambda room: len(room.project.root.parts), reverse=True)
        for room in rooms if file else ():
            assert file is not None
            if (path := room.project.path_of(file)) is not None:
                return room, path
        return None

    def opened(self, uri: str, text: str, version: int | None) -> None:
        """A file was opened in the editor."""
        found, file = self.find(uri), _file(uri)
        if found is None and file is not None and (root := find_root(file, self.folders)):
            if any((root / name).is_dir() for name in FOLDERS) or looks_like_policy(text):
                self._room(root)
            found = self.find(uri)
        if found is not None:
            room, path = found
            room.uris[path] = uri
            self._put(room, path, text, version)

    def changed(self, uri: str, text: str, version: int | None) -> None:
        """The text of an open file changed."""
        if (found := self.find(uri)) is not None:
            self._put(*found, text, version)

    def closed(self, uri: str) -> None:
        """A file was closed; what is on disk counts again."""
        if (found := self.find(uri)) is not None:
            room, path = found
            room.versions.pop(path, None)
            room.project.put(path, None)
            self._schedule(room, disk=True)

    def disk_changed(self) -> None:
        """Something changed on disk, or may have."""
        for room in self._rooms.values():
            self._schedule(room, disk=True)

    def _put(self, room: Room, path: str, text: str, version: int | None) -> None:
        room.versions[path] = version
        room.project.put(path, text)
        room.edited.add(path)
        self._schedule(room)

    def _room(self, root: Path) -> Room:
        if root not in self._rooms:
            self._rooms[root] = Room(root)
            self._schedule(self._rooms[root], delay=0)
        return self._rooms[root]

    # --- checking ------------------------------------------------------------------------------------------------

    def _schedule(self, room: Room, *, disk: bool = False, delay: float = DEBOUNCE) -> None:
        if disk:
            room.stale = True
            room.ready.clear()
        for timer in (room.timer, room.idle):
            if timer is not None:
                timer.cancel()
        room.idle = None
        room.timer = asyncio.get_running_loop().call_later(delay, self._start, self._check, room)

    def _start(self, work: Callable[[Room], Any], room: Room) -> None:
        task = asyncio.get_running_loop().create_task(work(room))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _check(self, room: Room) -> None:
        """Compile what counts now, and publish it unless it has changed meanwhile: then another check is under way."""
        if room.busy:
            room.again = True
            return
        room.busy = room.again = True
        try:
            while room.again:
                room.again = False
                await self._check_once(room)
        except Exception:
            logger.exception("检查 %s 时出错", room.project.root)
        finally:
            room.busy = False
            if not room.stale:
                room.ready.set()

    async def _check_once(self, room: Room) -> None:
        if room.stale:
            room.stale = False
            try:
                room.project.put_disk(await self.run(read_bundle, (room.project.root,)))
            except (BundleError, OSError) as error:
                logger.warning("读不了 %s：%s", room.project.root, error)
        files = room.project.files
        found = await self.run(self._compile, room, files)
        if not room.settled:
            room.settled = True
            await self.run(_settle, room.view, files)
        if not room.stale:
            room.ready.set()
        if files is room.project.files and not room.stale:
            self._show(room, found)
            if self._deep is not None and room.edited:
                room.idle = asyncio.get_running_loop().call_later(IDLE, self._start, self._look_deeper, room)

    def _compile(self, room: Room, files: Files) -> dict[str, list[Diagnostic]]:
        return self._convert(room, files, room.view.compile(files).diagnostics)

    def _convert(self, room: Room, files: Files, found: Sequence[engine.Diagnostic]) -> dict[str, list[Diagnostic]]:
        return convert(found, files, room.address, self.encoding, related=self.related)

    async def _look_deeper(self, room: Room) -> None:
        """Run the deep check on what was edited, and publish what it finds if nothing has changed meanwhile."""
        files, compiled = room.project.files, room.view.compiled
        if self._deep is None or compiled is None or compiled.policy is None:
            return
        edited = sorted(room.edited)
        try:
            deeper = await _in_background(self._deep, files, edited)
        except Exception as error:  # noqa: BLE001 - whatever it was, what is compiled stays on show
            logger.warning("未能判定：%s", error)
            return
        if files is room.project.files:
            room.edited -= set(edited)
            self._show(room, self._convert(room, files, [*compiled.diagnostics, *deeper]))

    def _show(self, room: Room, found: Mapping[str, list[Diagnostic]]) -> None:
        """Publish what differs from what the editor has."""
        for path in sorted(found.keys() | room.published.keys() | room.versions.keys()):
            now = (found.get(path, []), room.versions.get(path))
            if room.published.get(path, ([], None)) != now:
                room.published[path] = now
                self._publish(PublishDiagnosticsParams(room.address(path), now[0], now[1]))


def _file(uri: str) -> Path | None:
    path = to_fs_path(unquote(uri)) if uri.startswith("file:") else None
    return Path(path) if path else None


def _settle(view: View, files: Files) -> None:
    """Read all names, and spare the collector what has been loaded by now: it stays while somebody types."""
    view.index(files)
    gc.collect()
    gc.freeze()


async def _in_background(function: Callable[..., T], *args: Any) -> T:
    """Call a function in a thread that does not keep the process alive."""
    loop = asyncio.get_running_loop()
    future: asyncio.Future[T] = loop.create_future()

    def settle(result: T | None, error: Exception | None) -> None:
        if not future.done():
            future.set_exception(error) if error else future.set_result(result)  # type: ignore[arg-type]

    def run() -> None:
        try:
            result, error = function(*args), None
        except Exception as raised:  # noqa: BLE001 - handed to whoever waits
            result, error = None, raised
        if not loop.is_closed():
            loop.call_soon_threadsafe(settle, result, error)

    threading.Thread(target=run, daemon=True).start()
    return await future
