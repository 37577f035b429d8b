"""Identity codes: published samples pass, every slip is caught and said in Chinese."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.identity import (
    ORGANISATION_ALPHABET,
    InvalidCode,
    check_code,
    organisation_check_character,
    person_check_character,
    scheme_of,
    schemes_for,
)

BODIES = st.builds(
    lambda head, area, tail: head + area + tail,
    st.text(ORGANISATION_ALPHABET, min_size=2, max_size=2),
    st.text("0123456789", min_size=6, max_size=6),
    st.text(ORGANISATION_ALPHABET, min_size=9, max_size=9),
)
PERSONS = st.builds(
    lambda area, day, order: f"{area}{day:%Y%m%d}{order:03d}",
    st.integers(100_000, 999_999),
    st.dates(min_value=dt.date(1900, 1, 1), max_value=dt.date(2026, 1, 1)),
    st.integers(0, 999),
)


@pytest.mark.parametrize(
    ("kind", "text", "expected"),
    [
        ("natural-person", "11010519491231002X", "11010519491231002X"),
        ("natural-person", "11010519491231002x", "11010519491231002X"),
        ("natural-person", "１１０１０５１９４９１２３１００２ｘ", "11010519491231002X"),
        ("farmer-household", " 440524188001010014\n", "440524188001010014"),
        ("enterprise", "91350100M000100Y43", "91350100M000100Y43"),
        ("sole-trader", "91350100m000100y43", "91350100M000100Y43"),
    ],
)
def test_a_published_sample_is_accepted(kind: str, text: str, expected: str) -> None:
    """Full-width forms, small letters and white space are folded."""
    assert expected == check_code(kind, text)


@given(BODIES)
def test_every_organisation_code_with_its_check_character_passes(body: str) -> None:
    """Letters in the first position included; python-stdnum refuses those."""
    code = body + organisation_check_character(body)

    assert code == check_code("enterprise", code)


@given(BODIES, st.integers(0, 17), st.sampled_from(ORGANISATION_ALPHABET))
def test_one_wrong_character_in_an_organisation_code_is_caught(body: str, place: int, other: str) -> None:
    """GB 32100's check character finds every single substitution."""
    code = body + organisation_check_character(body)
    if code[place] == other:
        return
    with pytest.raises(InvalidCode):
        check_code("enterprise", code[:place] + other + code[place + 1 :])


@given(PERSONS)
def test_every_person_code_with_its_check_character_passes(body: str) -> None:
    """A person's number is also a household's, in a space of its own."""
    code = body + person_check_character(body)

    assert code == check_code("natural-person", code)
    assert {"person", "household"} <= set(schemes_for(code))


@given(PERSONS, st.integers(0, 16))
def test_two_neighbours_swapped_in_a_person_code_are_caught(body: str, place: int) -> None:
    """MOD 11-2 finds every swap of neighbours."""
    code = body + person_check_character(body)
    swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
    if swapped == code:
        return
    with pytest.raises(InvalidCode):
        check_code("natural-person", swapped)


@pytest.mark.parametrize(
    ("kind", "text", "reason"),
    [
        ("natural-person", "110105491231002", "应为18位，现为15位"),
        ("natural-person", "110105194902310022", "出生日期"),
        ("natural-person", "110105174912310021", "过早"),
        ("natural-person", "010105194912310021", "不能以0开头"),
        ("natural-person", "11010519491231002Y", "末位应为数字或X"),
        ("natural-person", "110105194912310021", "校验位不符"),
        ("enterprise", "91350100M000100Y4", "应为18位，现为17位"),
        ("enterprise", "9135O100M000100Y43", "第5位"),
        ("enterprise", "91A50100M000100Y43", "行政区划"),
        ("enterprise", "91350100M000100Y44", "校验位不符"),
        ("cat", "91350100M000100Y43", "主体类型"),
    ],
)
def test_a_wrong_code_is_refused_with_its_reason(kind: str, text: str, reason: str) -> None:
    """The reason is Chinese and does not repeat the number."""
    with pytest.raises(InvalidCode, match=reason) as raised:
        check_code(kind, text)

    assert text not in str(raised.value)


def test_a_household_and_its_head_are_two_subjects() -> None:
    """They share a number but not the space it is looked up in."""
    assert scheme_of("farmer-household") != scheme_of("natural-person")


def test_nothing_is_a_valid_code_of_no_kind() -> None:
    """A name never matches."""
    assert schemes_for("长垣县某某公司") == ()
