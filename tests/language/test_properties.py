"""Whatever the text, the compiler answers with a policy or with diagnostics; it never raises."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from engine.compiler import compile_policy
from engine.language import as_github, as_json, as_text
from engine.language.ir import Type
from engine.language.scalars import ScalarError, parse, show
from tests.language.bundles import GOOD, files, good

TEXTS = good()
PATHS = sorted(TEXTS)
WORDS = sorted({word for text in TEXTS.values() for word in text.split()})
SCRAPS = [
    "{", "}", "[", "]", ":", ": ", "- ", "\n", "  ", "&a ", "*a", "!x ", "'", '"', "|", ">", "%", "#", "---\n", "\t",
    "\0",
    "null", "~", "no", "1e3", "٣", "Ａ", "\u202e", "\ud800", "😀", "2025-02-30", "-1 元", "99999999999999999999",
]  # fmt: skip


def answered(bundle: dict[str, str | bytes]) -> None:
    """Compile and render; the invariants of `Compiled` hold."""
    compiled = compile_policy(bundle)
    failed = any(d.severity == "error" for d in compiled.diagnostics)
    assert (compiled.policy is None) == failed
    as_text(compiled.diagnostics, bundle)
    as_json(compiled.diagnostics)
    as_github(compiled.diagnostics)


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300) | st.binary(max_size=300))
def test_arbitrary_text_is_answered(content: str | bytes) -> None:
    """Bytes of any kind in a file of any name."""
    answered({"rules/laws/x.yaml": content})


@settings(max_examples=300, deadline=None)
@given(st.integers(min_value=0))
def test_a_mutated_bundle_is_answered(seed: int) -> None:
    """Sound files with words swapped, dropped, doubled and replaced, so that they get past the first gates."""
    rng = random.Random(seed)
    bundle: dict[str, str | bytes] = dict(TEXTS)
    for _ in range(rng.randint(1, 4)):
        path = rng.choice(PATHS)
        text = bundle[path]
        assert isinstance(text, str)
        start = rng.randrange(len(text) + 1)
        end = min(len(text), start + rng.choice([0, 0, 1, 2, 8, 40]))
        bundle[path] = text[:start] + rng.choice([rng.choice(WORDS), rng.choice(SCRAPS), ""]) + text[end:]
    answered(bundle)


@settings(max_examples=200, deadline=None)
@given(st.integers(min_value=0))
def test_a_bundle_with_values_exchanged_is_answered(seed: int) -> None:
    """Well-formed YAML whose values stand in the wrong places reaches the builders and the checks."""
    rng = random.Random(seed)
    bundle: dict[str, str | bytes] = dict(TEXTS)
    for _ in range(rng.randint(1, 3)):
        path = rng.choice(PATHS)
        text = bundle[path]
        assert isinstance(text, str)
        words = text.split(" ")
        words[rng.randrange(len(words))] = rng.choice(WORDS)
        bundle[path] = " ".join(words)
    answered(bundle)


def test_a_bundle_without_any_one_file_is_answered() -> None:
    """References into nothing are reported, not followed."""
    for path in PATHS:
        answered({p: t for p, t in files(GOOD).items() if p != path})


@settings(max_examples=300, deadline=None)
@given(st.integers(min_value=-(1 << 62), max_value=1 << 62), st.sampled_from([Type.INTEGER, Type.MONEY, Type.RATIO]))
def test_a_shown_number_reads_back(value: int, kind: Type) -> None:
    """What a witness prints can be pasted into a policy; ratios are bounded tighter than money."""
    if kind is Type.RATIO:
        value %= 10**15

    assert parse(kind, show(kind, value)) == value


@settings(max_examples=300, deadline=None)
@given(st.text(max_size=30), st.sampled_from(list(Type)))
def test_a_scalar_parses_or_says_why(text: str, kind: Type) -> None:
    """Only `ScalarError` leaves the parsers."""
    code = "XH"
    try:
        parse(kind, text, ("a", "b"))
    except ScalarError as error:
        code = error.code

    assert code.startswith("XH")
