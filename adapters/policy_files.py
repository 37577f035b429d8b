"""Reads policy files from disk for the compiler, which itself touches none."""

from __future__ import annotations

import sysconfig
from collections.abc import Iterator, Sequence
from pathlib import Path

import engine
from engine.language.source import MAX_BYTES

FOLDERS = ("rules", "memoranda")
SKIPPED = frozenset({"schema", "documents"})  # generated schemas and letter templates under rules/
MAX_FILES = 10_000  # the default bundle has some 300; more is a wrong folder
SUFFIX = ".yaml"


class BundleError(Exception):
    """A bundle cannot be read: a path is missing, two files have one name, or there are far too many."""


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
    for path in paths or (default_bundle(),):
        for name, file in _files(path):
            if name in files:
                message = f"两处都有文件 {name}"
                raise BundleError(message)
            if len(files) >= MAX_FILES:
                message = f"政策文件超过 {MAX_FILES:,} 个"
                raise BundleError(message)
            with file.open("rb") as stream:
                files[name] = stream.read(MAX_BYTES + 1)
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
