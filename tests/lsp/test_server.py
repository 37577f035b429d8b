"""A real session: the server as an editor starts it, over its standard streams, with two folders open."""

from __future__ import annotations

import shutil
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from adapters.policy_files import read_bundle
from engine.compiler import compile_policy
from tests.language.bundles import GOOD
from tests.language.hostile_worker import HOSTILE
from tests.lsp.client import Client, Json, ServerError

ROOT = Path(__file__).parents[2]
COMMAND = [sys.executable, "-m", "api.cli", "lsp", "--no-deep"]
CAPABILITIES = {
    "textDocument": {"publishDiagnostics": {"relatedInformation": True}},
    "workspace": {
        "workspaceEdit": {"documentChanges": True, "resourceOperations": ["rename"]},
        "didChangeWatchedFiles": {"dynamicRegistration": True},
    },
}
WAGES, POSTS = "memoranda/wages.yaml", "rules/measures/no-posts.yaml"


class Editor:
    """The client with a copy of the sound bundle, which each test may change as it likes."""

    def __init__(self, client: Client, folder: Path) -> None:
        self.client, self.folder = client, folder

    @property
    def version(self) -> int:
        """The version that was last sent; no two texts of a session have the same."""
        return self.client.version

    def text(self, path: str) -> str:
        """What is on disk."""
        return (self.folder / path).read_text(encoding="utf-8")

    @contextmanager
    def editing(self, path: str, text: str | None = None) -> Iterator[str]:
        """A file open in the editor, with the text given or that of the disk; its URI."""
        uri = self.client.open(self.folder / path, self.text(path) if text is None else text)
        try:
            yield uri
        finally:
            self.client.tell("textDocument/didClose", textDocument={"uri": uri})

    def type(self, uri: str, text: str) -> list[Json]:
        """Replace an open file's text; the diagnostics of that very text."""
        return self.client.published(uri, self.client.change(uri, text))

    def at(self, method: str, uri: str, text: str, word: str, offset: int = 1, **more: Any) -> Any:
        """Ask about a place: `offset` characters into the first `word` of the text."""
        before = text[: text.index(word) + offset]
        column = len(before[before.rfind("\n") + 1 :].encode("utf-16-le")) // 2
        place = {"line": before.count("\n"), "character": column}
        return self.client.ask(f"textDocument/{method}", textDocument={"uri": uri}, position=place, **more)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Client, Path]]:
    """One server for all tests here: starting it takes longer than they do."""
    folder = tmp_path_factory.mktemp("editor") / "政策"
    shutil.copytree(GOOD, folder)
    with Client(COMMAND, cwd=ROOT) as client:
        able = client.start(folder, ROOT, capabilities=CAPABILITIES)["capabilities"]
        assert able["positionEncoding"] == "utf-16"
        yield client, folder
        assert client.stop() == 0
        assert b"Traceback" not in client.errors, client.errors.decode()


@pytest.fixture
def editor(session: tuple[Client, Path]) -> Iterator[Editor]:
    """The session with its folder as it was."""
    client, folder = session
    yield Editor(client, folder)
    shutil.rmtree(folder)
    shutil.copytree(GOOD, folder)
    client.tell("workspace/didChangeWatchedFiles", changes=[])


def test_a_mistake_is_shown_where_it_is_and_goes_when_it_is_mended(editor: Editor) -> None:
    """Columns in UTF-16 behind Chinese and an emoji; code, severity, the right word and how to put it right."""
    text = editor.text(WAGES).replace(
        "  - id: procurement", "  - {id: x, title: 限制😀, overrides: [chekcs], then: []}\n  - id: procurement"
    )
    with editor.editing(WAGES) as uri:
        found = {
            d["code"]: d
            for d in editor.type(uri, text.replace("then: []}", "then: [{advise: no-posts, by: [finance]}]}"))
        }

        wrong = found["XH059"]
        assert wrong["severity"] == 1
        assert wrong["source"] == "xinheng"
        assert wrong["range"]["start"]["character"] == len("  - {id: x, title: 限制😀, overrides: [") + 1
        assert wrong["range"]["end"]["character"] == wrong["range"]["start"]["character"] + len("chekcs")
        assert "是否想写：checks" in wrong["message"]
        assert "办法：" in wrong["message"]
        assert "XH059" not in {d["code"] for d in editor.type(uri, text.replace("chekcs", "checks"))}
        assert not any(d["severity"] == 1 for d in editor.type(uri, editor.text(WAGES)))


def test_a_mistake_shows_in_files_that_are_not_open(editor: Editor) -> None:
    """Taking a measure away hurts the memorandum that obliges it; closing without saving takes all back."""
    other = (editor.folder / WAGES).as_uri()
    with editor.editing(POSTS) as uri:
        editor.type(uri, editor.text(POSTS).replace("measure: no-posts", "measure: no-post"))
        editor.client.wait(lambda: "XH054" in codes(editor.client, other), "an unknown measure")
    editor.client.wait(lambda: "XH054" not in codes(editor.client, other), "its end")


def test_what_belongs_to_a_mistake_is_shown_with_it(editor: Editor) -> None:
    """The first of two rules of one name, as a place to go to."""
    with editor.editing(WAGES) as uri:
        found = editor.type(uri, editor.text(WAGES).replace("id: posts", "id: procurement"))
        (double,) = (d for d in found if d["code"] == "XH027")

        (related,) = double["relatedInformation"]
        assert unquote(related["location"]["uri"]) == unquote(uri)
        assert related["location"]["range"]["start"]["line"] == editor.text(WAGES).split("\n").index(
            "  - id: procurement"
        )


def test_typing_fast_ends_in_the_diagnostics_of_the_last_text(editor: Editor) -> None:
    """Versions only go up, and what is published is what the compiler says of that version."""
    text = editor.text(WAGES)
    states = [text[: len(text) - n] for n in range(0, 120, 3)]
    with editor.editing(WAGES) as uri:
        before = len(editor.client.heard)
        for state in states:
            editor.client.change(uri, state)
        found = editor.client.published(uri, editor.version)
        published = [
            message["params"]["version"]
            for message in editor.client.heard[before:]
            if message["method"] == "textDocument/publishDiagnostics"
            and message["params"]["uri"] == uri
            and "version" in message["params"]
        ]

    expected = compile_policy({**read_bundle([editor.folder]), WAGES: states[-1]}).diagnostics
    assert [d.code for d in expected if d.span.path == WAGES] == [d["code"] for d in found]
    assert published == sorted(set(published))
    assert len(published) < len(states) / 2


def test_a_half_typed_rule_is_completed(editor: Editor) -> None:
    """Over the protocol, while the file does not parse."""
    text = f"{editor.text(WAGES)}  - id: x\n    when: {{all: [{{workers: 1}}, {{amount_ow"
    with editor.editing(WAGES, text) as uri:
        found = editor.at("completion", uri, text, ", {amount_ow", len(", {amount_ow"))

    assert "amount_owed" in {item["label"] for item in found["items"]}
    assert any(item["detail"] == "拖欠金额（金额）" for item in found["items"])


def test_names_are_explained_and_followed(editor: Editor) -> None:
    """Hover, definition and references of a department, from where it is mentioned."""
    text = editor.text(WAGES)
    with editor.editing(WAGES) as uri:
        said = editor.at("hover", uri, text, "finance")["contents"]["value"]
        (place,) = editor.at("definition", uri, text, "finance")
        found = editor.at("references", uri, text, "finance", context={"includeDeclaration": True})

    assert "财政局" in said
    assert place["uri"] == (editor.folder / "rules/departments/finance.yaml").as_uri()
    assert len(found) > 3
    assert place in found


def test_a_fact_is_followed_to_its_list_and_an_article_to_its_law(editor: Editor) -> None:
    """Also from a derived fact to its derivation."""
    text = editor.text(WAGES)
    with editor.editing(WAGES) as uri:
        (listed,) = editor.at("definition", uri, text, "amount_owed: {lte")
        (derived,) = editor.at("definition", uri, text, "tier: high")
        (article,) = editor.at("definition", uri, text, "第二条")

    assert listed["uri"].endswith("rules/lists/wage-arrears.yaml")
    assert derived["uri"] == uri
    assert article["uri"].endswith("rules/laws/joint-notice.yaml")


def test_renaming_a_department_moves_its_file_and_leaves_a_sound_bundle(editor: Editor) -> None:
    """The edit that the server proposes, applied as an editor applies it."""
    text = editor.text(WAGES)
    with editor.editing(WAGES) as uri:
        assert editor.at("prepareRename", uri, text, "finance")["placeholder"] == "finance"
        edit = editor.at("rename", uri, text, "finance", newName="treasury")
        with pytest.raises(ServerError, match="已经有部门“banks”"):
            editor.at("rename", uri, text, "finance", newName="banks")
        with pytest.raises(ServerError, match="内建"):
            editor.at("prepareRename", uri, text, "subject.kind")
    apply(edit)
    compiled = compile_policy(read_bundle([editor.folder]))

    assert compiled.policy is not None
    assert "treasury" in compiled.policy.departments
    assert "finance" not in compiled.policy.departments


def test_a_file_is_put_into_its_normal_form(editor: Editor) -> None:
    """As `xinheng fmt` does it; a file in that form needs no edit, and one that cannot be read gets none."""
    ask = {"options": {"tabSize": 2, "insertSpaces": True}}
    with editor.editing(POSTS, "title:   限制任职\n" + editor.text(POSTS).replace("title: 限制任职\n", "")) as uri:
        assert editor.client.ask("textDocument/formatting", textDocument={"uri": uri}, **ask)
    with editor.editing(POSTS) as uri:
        (edit,) = editor.client.ask("textDocument/formatting", textDocument={"uri": uri}, **ask) or [None]
        done = edit["newText"] if edit else editor.text(POSTS)
        editor.type(uri, done)
        assert editor.client.ask("textDocument/formatting", textDocument={"uri": uri}, **ask) == []
        editor.type(uri, "measure: [")
        assert editor.client.ask("textDocument/formatting", textDocument={"uri": uri}, **ask) == []


def test_a_file_has_an_outline(editor: Editor) -> None:
    """Rules and derived facts with their titles, each inside the document and not into the next."""
    with editor.editing(WAGES) as uri:
        (top,) = editor.client.ask("textDocument/documentSymbol", textDocument={"uri": uri})

    assert top["name"] == "备忘录 wages"
    assert [child["name"] for child in top["children"]] == [
        "grave", "tier", "penalties", "procurement", "posts", "checks", "lenient", "credit",
    ]  # fmt: skip
    assert top["children"][3]["detail"] == "限制政府采购"
    spans = [(c["range"]["start"]["line"], c["range"]["end"]["line"]) for c in top["children"]]
    assert all(first[1] <= second[0] for first, second in pairwise(spans))


def test_the_right_word_is_one_click_away(editor: Editor) -> None:
    """A diagnostic that knows it offers the change."""
    with editor.editing(WAGES) as uri:
        found = editor.type(uri, editor.text(WAGES).replace("by: [finance]", "by: [finanse]", 1))
        (wrong,) = (d for d in found if d["code"] == "XH052")
        (action,) = editor.client.ask(
            "textDocument/codeAction", textDocument={"uri": uri}, range=wrong["range"], context={"diagnostics": [wrong]}
        )

    assert action["title"] == "改为“finance”"
    assert action["edit"]["changes"][uri] == [{"range": wrong["range"], "newText": "finance"}]


def test_what_changes_on_disk_is_seen(editor: Editor) -> None:
    """A colleague's new department, a deleted measure; the server asked to be told of changes."""
    editor.client.wait(
        lambda: any(m["method"] == "client/registerCapability" for m in editor.client.heard), "a registration"
    )
    department = editor.text("rules/departments/banks.yaml").replace("banks", "audit")
    (editor.folder / "rules/departments/audit.yaml").write_text(department, encoding="utf-8")
    (editor.folder / POSTS).unlink()
    editor.client.tell("workspace/didChangeWatchedFiles", changes=[])
    wages = (editor.folder / WAGES).as_uri()

    editor.client.wait(lambda: "XH054" in codes(editor.client, wages), "the missing measure")
    text = editor.text(WAGES)
    with editor.editing(WAGES) as uri:
        found = editor.at("completion", uri, text, "by: [finance]", len("by: ["))

    assert "audit" in {item["label"] for item in found["items"]}


def test_other_yaml_files_are_left_alone(editor: Editor, tmp_path: Path) -> None:
    """A workspace has more YAML in it than policy."""
    uri = editor.client.open(tmp_path / "compose.yaml", "services:\n  web: [\n")

    assert (
        editor.client.ask("textDocument/hover", textDocument={"uri": uri}, position={"line": 0, "character": 2}) is None
    )
    assert uri not in editor.client.diagnostics


def test_a_policy_file_of_another_folder_is_checked_with_its_own_bundle(editor: Editor, tmp_path: Path) -> None:
    """The nearest folder above it that holds `rules/` or `memoranda/` is its bundle."""
    shutil.copytree(GOOD, tmp_path / "deep" / "other")
    path = tmp_path / "deep" / "other" / WAGES
    uri = editor.client.open(path, path.read_text(encoding="utf-8").replace("list: wage-arrears", "list: nowhere"))

    assert "XH053" in {d["code"] for d in editor.client.published(uri)}


HOSTILE_NAMES = (
    "billion-laughs", "many-aliases", "deep-flow", "nul", "bidi", "lone-surrogate", "condition-of-nots", "directives",
)  # fmt: skip


def test_a_hostile_file_neither_hangs_nor_ends_the_server(editor: Editor) -> None:
    """Each is typed, asked about while it is there, and forgotten."""
    with editor.editing(POSTS) as uri:
        for name in HOSTILE_NAMES:
            content = HOSTILE[name]()
            assert isinstance(content, str)
            editor.client.change(uri, content)
            end = {"line": content.count("\n"), "character": len(content.split("\n")[-1])}
            for method in ("completion", "hover", "definition"):
                editor.client.ask(f"textDocument/{method}", textDocument={"uri": uri}, position=end)
            assert editor.client.published(uri, editor.version), name
        assert [d for d in editor.type(uri, editor.text(POSTS)) if d["severity"] == 1] == []


def test_a_nonsensical_request_is_refused_and_the_next_one_answered(editor: Editor) -> None:
    """Places that are not there, files that are not there, methods and parameters that are none."""
    text = editor.text(WAGES)
    with editor.editing(WAGES) as uri:
        far = {"line": 10**6, "character": 10**6}
        for method in ("completion", "hover", "definition", "prepareRename"):
            editor.client.ask(f"textDocument/{method}", textDocument={"uri": uri}, position=far)
            for other in ("file:///nowhere/x.yaml", "untitled:Untitled-1", "no uri"):
                result = editor.client.ask(f"textDocument/{method}", textDocument={"uri": other}, position=far)
                assert result in (None, [])
        with pytest.raises(ServerError):
            editor.client.ask("textDocument/nothing", textDocument={"uri": uri})
        editor.client.begin("textDocument/hover", place="here")  # pygls says so in a message, and answers nothing
        editor.client.tell("textDocument/didClose", textDocument={"uri": "file:///never/opened.yaml"})

        assert "财政局" in editor.at("hover", uri, text, "finance")["contents"]["value"]


def test_the_default_bundle_is_checked_as_it_is_typed(session: tuple[Client, Path]) -> None:
    """From a keystroke to the diagnostics; `benchmarks/editing.py` holds the limit, this only that it is no wait."""
    client, _ = session
    path = ROOT / "memoranda" / "wage-arrears-2017-2058.yaml"
    text = path.read_text(encoding="utf-8")
    uri = client.open(path, text)
    assert client.published(uri, client.version) == []
    times = []
    for wrong in (True, False) * 3:
        start = time.perf_counter()
        found = client.published(
            uri, client.change(uri, text.replace("by: [finance]", "by: [finanse]", 1) if wrong else text)
        )
        times.append(time.perf_counter() - start)
        assert [d["code"] for d in found] == (["XH052"] if wrong else [])
    client.tell("textDocument/didClose", textDocument={"uri": uri})

    assert statistics.median(times) < 2.0


def codes(client: Client, uri: str) -> set[str]:
    """The codes that are shown in a file now."""
    return {d["code"] for d in client.diagnostics.get(uri, {"diagnostics": []})["diagnostics"]}


def apply(edit: Json) -> None:
    """Carry out a workspace edit on disk, as an editor does: columns are those of UTF-16."""
    for change in edit["documentChanges"]:
        if change.get("kind") == "rename":
            Path(unquote(change["oldUri"].removeprefix("file://"))).rename(
                unquote(change["newUri"].removeprefix("file://"))
            )
            continue
        path = Path(unquote(change["textDocument"]["uri"].removeprefix("file://")))
        lines = path.read_text(encoding="utf-8").split("\n")
        for each in sorted(
            change["edits"], key=lambda e: (-e["range"]["start"]["line"], -e["range"]["start"]["character"])
        ):
            line = each["range"]["start"]["line"]
            units = lines[line].encode("utf-16-le")
            start, end = (2 * each["range"][side]["character"] for side in ("start", "end"))
            lines[line] = (units[:start] + each["newText"].encode("utf-16-le") + units[end:]).decode("utf-16-le")
        path.write_text("\n".join(lines), encoding="utf-8")
