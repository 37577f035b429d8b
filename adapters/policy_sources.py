"""Policies by name: a folder or file, a revision in git, or a version in the ledger.

What a name may mean is tried in this order, and the first that it can be is taken:

1. `folder:PATH`, `git:REV`, `git:REV:PATH`, `version:HASH`: what is said, and nothing else;
2. a path that exists;
3. `current` and `pending`, the versions in force and approved to come; the hash of a version, or the beginning of one;
4. a revision of the git repository around the current folder, `REV` or `REV:PATH`.

`PATH` in git is counted from the top of the repository. Without one it is the current folder, if that holds policies in
that revision, else the top.
"""

from __future__ import annotations

import os
import re
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath

from sqlalchemy import Connection

from adapters.ledger.activations import Activation, read_activations, still_to_come
from adapters.ledger.policies import PolicyStore, UnknownPolicyError, stored_versions
from adapters.policy_files import FOLDERS, MAX_FILES, SKIPPED, SUFFIX, BundleError, read_bundle
from engine.language.source import MAX_BYTES

CURRENT, PENDING = "current", "pending"
FOLDER, GIT, VERSION = "folder:", "git:", "version:"
SHORTEST = 4
"""Characters of a hash that are taken for one."""
HASH = re.compile(r"[0-9a-f]{4,64}")
SECONDS = 60
"""How long git may take for one question."""


class SourceError(Exception):
    """A name means no policy, or several. The message is Chinese; details name what there is to choose from."""

    def __init__(self, message: str, *details: str) -> None:
        super().__init__(message)
        self.details = details


@dataclass(frozen=True, slots=True)
class Source:
    """The files of a policy, and where they are from in words.

    version: set for one from the ledger. since: the instant from which a pending one will be in force.
    """

    files: Mapping[str, str | bytes]
    label: str
    version: str | None = None
    since: str | None = None


@dataclass(frozen=True, slots=True)
class Shelf:
    """The versions in a ledger, as a connection sees them at an instant (`adapters.office.ports.instant`)."""

    conn: Connection
    policies: PolicyStore
    now: str


FindShelf = Callable[[], Shelf | None]
"""Opens the ledger when a name may be that of a version; None if there is no ledger."""


def policy_from(text: str, find_shelf: FindShelf, here: Path | None = None) -> Source:
    """The policy that a name means; see the top of this module.

    Args:
        text: the name.
        find_shelf: how to come by the ledger.
        here: the current folder.

    Raises:
        SourceError: it means none, or several.
        OSError: a file cannot be read.

    """
    here = here or Path.cwd()
    ways: tuple[tuple[str, Callable[[str], Source]], ...] = (
        (FOLDER, lambda name: _folder(here / name)),
        (VERSION, lambda name: _version(name, find_shelf())),
        (GIT, lambda name: _git(name, here)),
    )
    for prefix, find in ways:
        if text.startswith(prefix):
            return find(text.removeprefix(prefix))
    if not text.strip():
        raise SourceError("没有写是哪一套政策")
    if (here / text).exists():
        return _folder(here / text)
    if text in {CURRENT, PENDING}:
        return _version(text, find_shelf())
    shelf = find_shelf() if HASH.fullmatch(text) else None
    if shelf is not None and _versions(text, shelf):
        return _version(text, shelf)
    try:
        return _git(text, here)
    except SourceError as error:
        why = "数据库里没有这个版本" if shelf is not None else "不是数据库里的版本"
        raise SourceError(f"不知道 {text} 是哪一套政策", "没有这个文件或文件夹", why, str(error)) from None


def _folder(path: Path) -> Source:
    try:
        return Source(read_bundle([path]), f"文件夹 {path}" if path.is_dir() else f"文件 {path}")
    except BundleError as error:
        raise SourceError(str(error)) from error


# --- the ledger ---------------------------------------------------------------------------------------------------


def _version(name: str, shelf: Shelf | None) -> Source:
    if shelf is None:
        raise SourceError(f"没有数据库，找不到政策版本 {name}")
    if name == CURRENT:
        return _stored(_current(shelf), "现行政策", shelf)
    if name == PENDING:
        coming = pending(shelf)
        return replace(_stored(coming.version, "待生效的政策", shelf), since=coming.effective_from)
    if not HASH.fullmatch(name):
        raise SourceError(
            f"{name} 不是政策版本", f"应为版本的十六进制哈希（或其前 {SHORTEST} 位以上）、current、pending"
        )
    found = _versions(name, shelf)
    if not found:
        raise SourceError(f"数据库里没有政策版本 {name}")
    if len(found) > 1:
        raise SourceError(f"{name} 开头的政策版本有 {len(found)} 个，请多写几位", *found)
    return _stored(found[0], "政策版本", shelf)


def _stored(version: str, what: str, shelf: Shelf) -> Source:
    return Source(shelf.policies.files(shelf.conn, version), f"{what} {version[:12]}", version)


def _versions(prefix: str, shelf: Shelf) -> list[str]:
    return [version for version in stored_versions(shelf.conn) if version.startswith(prefix)]


def _current(shelf: Shelf) -> str:
    try:
        return shelf.policies.current_version(shelf.conn, shelf.now)
    except UnknownPolicyError as error:
        raise SourceError("尚无生效的政策") from error


def pending(shelf: Shelf) -> Activation:
    """What is approved and to come into force.

    Raises:
        SourceError: nothing is, or more than one version.

    """
    coming = still_to_come(read_activations(shelf.conn), shelf.now)
    if not coming:
        raise SourceError("没有已批准而待生效的政策")
    if len(coming) > 1:
        raise SourceError(
            "待生效的政策不止一个，请写明版本", *(f"{a.version} 自 {a.effective_from} 起" for a in coming)
        )
    return coming[0]


# --- git ----------------------------------------------------------------------------------------------------------


def in_git(here: Path) -> bool:
    """Whether a folder lies in a git repository that has a commit."""
    try:
        _run(here, "rev-parse", "--verify", "--quiet", "HEAD^{commit}")
    except SourceError:
        return False
    return True


def _git(name: str, here: Path) -> Source:
    """The files of `REV` or `REV:PATH`; nothing is checked out."""
    revision, _, folder = name.partition(":")
    if not revision or revision.startswith("-"):
        raise SourceError(f"{name} 不是 git 的版本")
    try:
        top = Path(_run(here, "rev-parse", "--show-toplevel").decode().strip())
    except SourceError as error:
        raise SourceError(f"当前文件夹不在 git 仓库中（{error}）") from error
    try:
        found = _run(top, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    except SourceError as error:
        raise SourceError(f"git 仓库里没有版本 {revision}") from error
    commit = found.decode().strip()
    entries = _entries(top, commit)
    if not folder:
        inside = PurePosixPath(os.path.relpath(here.resolve(), top.resolve())).as_posix()
        holds = inside != "." and any(path.startswith(tuple(f"{inside}/{f}/" for f in FOLDERS)) for path, _ in entries)
        folder = inside if holds else "."
    chosen = dict(_chosen(entries, folder.rstrip("/") or "."))
    where = "" if folder == "." else f" 的 {folder}"
    if not chosen:
        raise SourceError(f"git 版本 {revision}{where} 里没有政策文件")
    if len(chosen) > MAX_FILES:
        raise SourceError(f"政策文件超过 {MAX_FILES:,} 个")
    return Source(dict(_contents(top, chosen)), f"git 版本 {revision}（{commit[:12]}）{where}")


def _entries(top: Path, commit: str) -> list[tuple[str, str]]:
    """The plain files of a commit: path from the top, and the object that holds its content."""
    entries = []
    for line in _run(top, "ls-tree", "-r", "-z", "--full-tree", commit).split(b"\0"):
        about, _, path = line.partition(b"\t")
        if about.startswith(b"100"):  # not a link, nor a repository inside
            entries.append((path.decode("utf-8", "surrogateescape"), about.split()[2].decode()))
    return entries


def _chosen(entries: Sequence[tuple[str, str]], folder: str) -> Iterator[tuple[str, str]]:
    """What `read_bundle` would take of a folder or a file, by the names that it would give."""
    paths = [(PurePosixPath(path), blob) for path, blob in entries if path.endswith(SUFFIX)]
    base = PurePosixPath(folder)
    alone = next((blob for path, blob in paths if path == base), None)
    if alone is not None:
        yield base.name, alone
        return
    below = [(path.relative_to(base), blob) for path, blob in paths if path.is_relative_to(base)]
    roots = [f for f in FOLDERS if any(path.parts[0] == f and len(path.parts) > 1 for path, _ in below)]
    for path, blob in below:
        inner = path.parts[1:] if roots else path.parts
        if (not roots or path.parts[0] in roots) and not SKIPPED & set(inner[:-1]):
            yield (base.name / path if not roots and base.name in FOLDERS else path).as_posix(), blob


def _contents(top: Path, chosen: Mapping[str, str]) -> Iterator[tuple[str, bytes]]:
    """The files' contents, cut off just beyond the largest size that the compiler accepts."""
    asked = "".join(f"{blob}\n" for blob in chosen.values())
    answer = _run(top, "cat-file", "--batch", given=asked.encode())
    at = 0
    for path, blob in chosen.items():
        end = answer.index(b"\n", at)
        about = answer[at:end].split()
        if about[:2] != [blob.encode(), b"blob"]:
            raise SourceError(f"git 读不出 {path}", answer[at:end].decode("utf-8", "replace"))
        size = int(about[2])
        yield path, answer[end + 1 : end + 1 + min(size, MAX_BYTES + 1)]
        at = end + 1 + size + 1


def _run(folder: Path, *words: str, given: bytes | None = None) -> bytes:
    """What git says, with nothing asked of the user, of hooks or of the network.

    Raises:
        SourceError: it failed, with its words.

    """
    settings = {"GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1", "GIT_OPTIONAL_LOCKS": "0", "LC_ALL": "C"}
    try:
        done = subprocess.run(  # noqa: S603 - a fixed program; what the user names is no option
            ["git", *words],  # noqa: S607 - the user's own git
            cwd=folder, input=given, stdin=None if given is not None else subprocess.DEVNULL, capture_output=True,
            timeout=SECONDS, check=False, env=os.environ | settings,
        )  # fmt: skip
    except FileNotFoundError as error:
        raise SourceError("没有安装 git") from error
    except subprocess.TimeoutExpired as error:
        raise SourceError(f"git {words[0]} 超过 {SECONDS} 秒") from error
    if done.returncode:
        raise SourceError(done.stderr.decode("utf-8", "replace").strip().splitlines()[-1] if done.stderr else "失败")
    return done.stdout
