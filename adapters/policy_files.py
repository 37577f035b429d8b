"""Reads policy files from disk for the compiler, which itself touches none."""

from __future__ import annotations

import sysconfig
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import engine
from engine.language.source import MAX_BYTES

FOLDERS = ("rules", "memoranda")
SKIPPED = frozenset({"schema", "documents"})  # generated schemas and letter templates under rules/
MAX_FILES = 10_000  # the default bundle has some 300; more is a wrong folder
SUFFIX = ".yaml"
SETTLED_SECONDS = 0.2
"""For how long files have to stay the same; an editor, or a copy of the whole bundle, writes without such a pause."""


class BundleError(Exception):
    """A bundle cannot be read: a path is missing, two files have one name, or there are far too many."""


class UnsettledError(BundleError):
    """Somebody is writing to the files at this moment."""


def default_bundle() -> Path:
    """The folder that holds the shipped `rules/` and `memoranda/`: the source tree's, else the installed data.

    Raises:
        BundleError: neither is there.

    """
    beside = Path(engine.__file__).resolve().parent.parent
    installed = Path(sysconfig.get_path("data")) / "share" / "xinheng"
    for root in (beside, installed):
        if all((root / folder).is_dir() for folder in FOLDERS):
            return root
    message = f"没有找到随附的政策文件（{' 和 '.join(FOLDERS)}）"
    raise BundleError(message)


def read_bundle(paths: Sequence[Path] = ()) -> dict[str, str | bytes]:
    """Relative POSIX path → content of every YAML file below `paths`; none means the shipped bundle.

    A folder that holds `rules/` or `memoranda/` stands for these two. A path is given relative to the folder named, so
    the same bundle has the same version anywhere. Contents are bytes, cut off just beyond the largest size that the
    compiler accepts, so that it can say so.

    Raises:
        BundleError: a path does not exist, two files get the same relative path, or there are too many.
        OSError: a file cannot be read.

    """
    files: dict[str, str | bytes] = {}
    for name, file in bundle_files(paths).items():
        with file.open("rb") as stream:
            files[name] = stream.read(MAX_BYTES + 1)
    return files


def read_settled(paths: Sequence[Path] = ()) -> dict[str, str | bytes]:
    """The same, if nobody is writing: files are read twice, a moment apart, and have to be the same in every respect.

    Raises:
        UnsettledError: they changed meanwhile.
        BundleError: as `read_bundle`.
        OSError: as `read_bundle`.

    """
    before, files = _stamps(paths), read_bundle(paths)
    time.sleep(SETTLED_SECONDS)
    if read_bundle(paths) != files or _stamps(paths) != before:
        message = "政策文件正在被改动，请等写完再来"
        raise UnsettledError(message)
    return files


def _stamps(paths: Sequence[Path]) -> dict[str, tuple[int, int, int]]:
    found = {name: file.stat() for name, file in bundle_files(paths).items()}
    return {name: (s.st_ino, s.st_mtime_ns, s.st_size) for name, s in found.items()}


def bundle_files(paths: Sequence[Path] = ()) -> dict[str, Path]:
    """The same relative path → where the file is on disk.

    Raises:
        BundleError: a path does not exist, two files get the same relative path, or there are too many.

    """
    files: dict[str, Path] = {}
    for path in paths or (default_bundle(),):
        for name, file in _files(path):
            if name in files:
                message = f"两处都有文件 {name}"
                raise BundleError(message)
            if len(files) >= MAX_FILES:
                message = f"政策文件超过 {MAX_FILES:,} 个"
                raise BundleError(message)
            files[name] = file
    return files


def _files(path: Path) -> Iterator[tuple[str, Path]]:
    if path.is_file():
        yield path.name, path
        return
    if not path.is_dir():
        message = f"没有文件或目录 {path}"
        raise BundleError(message)
    roots = [path / folder for folder in FOLDERS if (path / folder).is_dir()]
    base = path.parent if not roots and path.name in FOLDERS else path
    for root in roots or [path]:
        for file in sorted(root.rglob(f"*{SUFFIX}")):
            if file.is_file() and not SKIPPED & set(file.relative_to(root).parts[:-1]):
                yield file.relative_to(base).as_posix(), file
