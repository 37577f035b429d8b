"""Policies by name: folders, revisions, versions, and which is meant where a name could be several."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from adapters.ledger import read
from adapters.policy_files import read_bundle
from adapters.policy_sources import Shelf, Source, SourceError, in_git, policy_from
from tests.adapters.bundle import FILES
from tests.adapters.databases import Databases
from tests.adapters.support import Desk, open_desk

MORE = FILES | {"memoranda/arrears.yaml": FILES["memoranda/arrears.yaml"].replace("50 万元", "60 万元")}
pytestmark = pytest.mark.skipif(shutil.which("git") is None, reason="git is not installed")


def write(folder: Path, files: Mapping[str, str]) -> Path:
    """A bundle on disk, with files beside that are none of it."""
    others = {
        "rules/schema/list.json": "{}",
        "rules/schema/x.yaml": "a: b",
        "rules/README.md": "#",
        "notes.yaml": "n: 1",
    }
    for path, text in (others | dict(files)).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    return folder


def git(folder: Path, *words: str) -> str:
    """What git says."""
    settings = ["-c", "user.name=x", "-c", "user.email=x@example.org", "-c", "commit.gpgsign=false"]
    done = subprocess.run(["git", *settings, *words], cwd=folder, capture_output=True, check=True, text=True)
    return done.stdout.strip()


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two commits of a bundle in a folder `政策` of a repository; the working copy is a third."""
    top = tmp_path_factory.mktemp("repository")
    git(top, "init", "--quiet", "--initial-branch", "main")
    folder = write(top / "政策", FILES)
    (folder / "rules" / "link.yaml").symlink_to("README.md")
    git(top, "add", ".")
    git(top, "commit", "--quiet", "-m", "一")
    write(folder, MORE)
    git(top, "commit", "--quiet", "-a", "-m", "二")
    write(folder, MORE | {"memoranda/a-grade.yaml": "x"})
    return folder


def nowhere() -> None:
    """There is no ledger."""


def texts(source: Source) -> dict[str, str]:
    """Files as text."""
    return {path: text if isinstance(text, str) else text.decode() for path, text in source.files.items()}


@pytest.mark.parametrize(
    ("name", "files"),
    [("HEAD", MORE), ("HEAD~1", FILES), ("git:HEAD~1:政策", FILES), ("main:政策", MORE)],
)
def test_a_revision_is_the_bundle_of_that_commit(repository: Path, name: str, files: Mapping[str, str]) -> None:
    """As `read_bundle` would read it from a checkout: no schemas, no links, none of the files beside."""
    found = policy_from(name, nowhere, repository)

    assert texts(found) == dict(files)
    assert found.label.startswith("git 版本")


def test_parts_of_a_revision_have_the_names_of_parts_of_a_folder(repository: Path, tmp_path: Path) -> None:
    """`rules`, a folder within it, one file; from the top of the repository the whole of it."""
    git(repository.parent, "worktree", "add", "--quiet", str(tmp_path / "copy"), "HEAD")
    (tmp_path / "copy" / "政策" / "rules" / "link.yaml").unlink()
    for part in ("政策/rules", "政策/rules/lists", "政策/memoranda/arrears.yaml", "政策"):
        found = policy_from(f"HEAD:{part}", nowhere, repository)
        assert dict(found.files) == read_bundle([tmp_path / "copy" / part])
    with pytest.raises(SourceError, match="没有政策文件"):
        policy_from("git:HEAD:别处", nowhere, repository)


def test_a_folder_goes_before_a_revision_of_the_same_name(repository: Path) -> None:
    """Unless a prefix says which is meant."""
    write(repository / "HEAD", {"rules/laws/only.yaml": "x"})
    try:
        assert list(policy_from("HEAD", nowhere, repository).files) == ["rules/laws/only.yaml"]
        assert texts(policy_from("git:HEAD", nowhere, repository)) == MORE
        assert list(policy_from("folder:HEAD", nowhere, repository).files) == ["rules/laws/only.yaml"]
    finally:
        shutil.rmtree(repository / "HEAD")


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("no-such", "不知道 no-such"), ("git:no-such", "没有版本 no-such"), ("folder:no-such", "没有文件或目录"),
        ("version:ffff", "没有数据库"), ("current", "没有数据库"), ("git:--help", "不是 git 的版本"), ("", "没有写"),
        ("git:HEAD..HEAD~1", "没有版本"), ("git:-h:x", "不是 git 的版本"),
    ],
)  # fmt: skip
def test_what_means_nothing_is_told(repository: Path, name: str, words: str) -> None:
    """In words; an option is never taken for a revision."""
    with pytest.raises(SourceError, match=words):
        policy_from(name, nowhere, repository)


def test_outside_a_repository_there_are_no_revisions(tmp_path: Path) -> None:
    """And it says so."""
    assert not in_git(tmp_path)
    with pytest.raises(SourceError, match="不在 git 仓库中"):
        policy_from("git:HEAD", nowhere, tmp_path)


@pytest.fixture
def desk(databases: Databases) -> Iterator[Desk]:
    """A ledger; reading policies is the same on each database."""
    with databases.fresh("sqlite") as engine:
        yield open_desk(engine)


def test_a_version_is_found_by_the_beginning_of_its_hash(desk: Desk, tmp_path: Path) -> None:
    """The one in force and the one to come also by their names; a folder of that name goes first."""
    first = desk.office.current_policy().version
    start = desk.office.context.today().replace(month=12)
    coming = desk.publish(MORE, start=start)
    with read(desk.engine) as conn:
        shelf = Shelf(conn, desk.office.context.policies, desk.office.context.now())

        def find(name: str) -> Source:
            return policy_from(name, lambda: shelf, tmp_path)

        for name in (first, first[:10], f"version:{first[:4]}", "current", "version:current"):
            assert (find(name).version, texts(find(name))) == (first, FILES)
        assert (find("pending").version, find(coming[:8]).version) == (coming, coming)
        assert find("pending").since == "2026-12-23T16:00:00.000000Z"
        assert find("current").since is None
        write(tmp_path / first[:8], {"rules/laws/only.yaml": "x"})
        assert find(first[:8]).version is None
        assert find(f"version:{first[:8]}").version == first
        for name, words in (
            ("version:no", "不是政策版本"),
            (f"version:{'0' * 12}", "没有政策版本"),
            ("0" * 12, "不知道"),
        ):
            with pytest.raises(SourceError, match=words):
                find(name)


def test_nothing_is_pending_unless_it_is(desk: Desk, tmp_path: Path) -> None:
    """Said in words."""
    with read(desk.engine) as conn:
        shelf = Shelf(conn, desk.office.context.policies, desk.office.context.now())
        with pytest.raises(SourceError, match="没有已批准而待生效"):
            policy_from("pending", lambda: shelf, tmp_path)
