"""Compiling again after an edit gives what compiling anew gives, and reads only what changed."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine import compiler
from engine.compiler import Workspace, compile_policy
from tests.language.bundles import BROKEN, GOOD, files

SOUND = files(GOOD)
OVERLAYS = [files(folder) for folder in sorted(BROKEN.iterdir())]
PATHS = sorted(SOUND)

Files = dict[str, str | bytes]


@st.composite
def edits(draw: st.DrawFn) -> list[Files]:
    """The states of a bundle as it is edited: pieces cut and pasted, files broken, mended, deleted, renamed."""
    state: Files = dict(SOUND)
    states = [state]
    for _ in range(draw(st.integers(1, 4))):
        state = dict(state)
        path = draw(st.sampled_from(sorted(state)))
        text = state[path]
        match draw(st.sampled_from(("cut", "paste", "delete", "rename", "overlay", "mend", "break", "as text"))):
            case "cut" if text:
                start = draw(st.integers(0, len(text) - 1))
                state[path] = text[:start] + text[start + draw(st.integers(1, 40)) :]
            case "paste":
                at = draw(st.integers(0, len(text)))
                piece = draw(st.sampled_from((b"\n", b"x", b": ", b"- ", b"[", b"'", b"\t", b"*a", b"\xff", b"wages")))
                whole = text.encode() if isinstance(text, str) else text
                state[path] = whole[:at] + piece + whole[at:]
            case "delete" if len(state) > 1:
                del state[path]
            case "rename":
                state[draw(st.sampled_from((path.replace(".yaml", "-2.yaml"), f"rules/schema/{path}")))] = state.pop(
                    path
                )
            case "overlay":
                state |= draw(st.sampled_from(OVERLAYS))
            case "mend":
                state |= SOUND
            case "as text" if isinstance(text, bytes):
                state[path] = text.decode(errors="replace")
            case _:
                state[path] = draw(st.sampled_from((b"", b"\0", b"law: [", b"law: x\nlaw: y\n")))
        states.append(state)
    return states


@settings(max_examples=15, deadline=None)
@given(edits())
def test_compiling_again_is_compiling_anew(states: list[Files]) -> None:
    """The same policy, draft, diagnostics and counts after any history of edits."""
    workspace = Workspace()

    for state in states:
        assert compile_policy(state) == workspace.compile(state)


def test_only_what_changed_is_read_again(monkeypatch: pytest.MonkeyPatch) -> None:
    """One edit, one file; and a file that went is forgotten."""
    read: list[str] = []
    original = compiler.read_document

    def counting(path: str, *rest: object) -> object:
        read.append(path)
        return original(path, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(compiler, "read_document", counting)
    workspace = Workspace()
    workspace.compile(SOUND)
    edited = PATHS[0]
    first, read[:] = list(read), []
    workspace.compile({**SOUND, edited: SOUND[edited] + b"\n"})  # type: ignore[operator]
    second, read[:] = list(read), []
    workspace.compile({path: text for path, text in SOUND.items() if path != edited})

    assert (first, second, read) == (PATHS, [edited], [])
    assert workspace.document(edited, SOUND[edited]) is None
    assert workspace.document(PATHS[1], b"") is None
    assert workspace.document(PATHS[1], SOUND[PATHS[1]]) is not None


def test_the_draft_is_there_when_the_policy_is_not() -> None:
    """As far as it could be built: what is wrong is missing from it, the rest is not."""
    path = "rules/measures/no-procurement.yaml"
    compiled = compile_policy({**SOUND, path: "measure: no-procurement\n"})
    whole = compile_policy(SOUND)

    assert compiled.policy is None
    assert whole.policy is whole.draft
    assert set(whole.draft.measures) - set(compiled.draft.measures) == {"no-procurement"}
    assert compiled.draft.lists == whole.draft.lists
