"""Identity codes: the only thing that may match a subject. A name can suggest, never trigger.

Organisations carry the unified social credit code (统一社会信用代码, GB 32100-2015), persons the citizen identity
number (公民身份号码, GB 11643-1999). Both have 18 characters and a check character.
"""

from __future__ import annotations

import datetime as dt
import unicodedata
from typing import Literal

Scheme = Literal["organisation", "person", "household"]
"""The space in which a code names one subject. A household goes by its head's number, yet is not that person."""

SCHEMES: dict[str, Scheme] = {
    "enterprise": "organisation",
    "sole-trader": "organisation",
    "public-body": "organisation",
    "social-organisation": "organisation",
    "village": "organisation",
    "township": "organisation",
    "natural-person": "person",
    "farmer-household": "household",
}
CODE_LENGTH = 18
ORGANISATION_ALPHABET = "0123456789ABCDEFGHJKLMNPQRTUWXY"
"""GB 32100-2015: digits and capitals without I, O, S, V, Z."""
EARLIEST_BIRTH = dt.date(1850, 1, 1)
_DIGITS = frozenset("0123456789")


class InvalidCode(ValueError):  # noqa: N818 - reads as the fact it states
    """A text that is no valid identity code. `str()` is the reason in Chinese; it never repeats the text."""


def scheme_of(kind: str) -> Scheme:
    """The space of codes that subjects of this kind are named in.

    Raises:
        InvalidCode: there is no such kind of subject.

    """
    try:
        return SCHEMES[kind]
    except KeyError:
        message = f"不认识的主体类型 {kind}"
        raise InvalidCode(message) from None


def normalise(text: str) -> str:
    """Capital ASCII letters and digits: full-width forms folded, letters raised, white space and hyphens dropped."""
    folded = unicodedata.normalize("NFKC", text).upper()
    return "".join(c for c in folded if not c.isspace() and c != "-")


def check_code(kind: str, text: str) -> str:
    """The normalised code of a subject of this kind.

    Raises:
        InvalidCode: the text is not a valid code for this kind.

    >>> check_code("natural-person", "１１０１０５１９４９１２３１００２ｘ")
    '11010519491231002X'
    """
    code = normalise(text)
    if scheme_of(kind) == "organisation":
        _check_organisation(code)
    else:
        _check_person(code)
    return code


def schemes_for(text: str) -> tuple[Scheme, ...]:
    """In which spaces a text is a valid code; empty when in none. A text valid as both is possible, though rare."""
    found: list[Scheme] = []
    for kind, schemes in (("enterprise", ("organisation",)), ("natural-person", ("person", "household"))):
        try:
            check_code(kind, text)
        except InvalidCode:
            continue
        found += schemes  # type: ignore[arg-type]  # the literals above
    return tuple(found)


def organisation_check_character(body: str) -> str:
    """The 18th character for the first 17 (GB 32100-2015, 附录 A: weights 3^i modulo 31)."""
    total = sum(ORGANISATION_ALPHABET.index(c) * pow(3, i, 31) for i, c in enumerate(body))
    return ORGANISATION_ALPHABET[-total % 31]


def person_check_character(body: str) -> str:
    """The 18th character for the first 17 digits (GB 11643-1999; ISO 7064 MOD 11-2)."""
    total = sum(int(c) * pow(2, CODE_LENGTH - 1 - i, 11) for i, c in enumerate(body))
    return "10X98765432"[total % 11]


def _check_organisation(code: str) -> None:
    if len(code) != CODE_LENGTH:
        message = f"统一社会信用代码应为18位，现为{len(code)}位"
        raise InvalidCode(message)
    if wrong := [i for i, c in enumerate(code, start=1) if c not in ORGANISATION_ALPHABET]:
        message = f"统一社会信用代码第{wrong[0]}位不是允许的字符（不使用 I、O、S、V、Z）"
        raise InvalidCode(message)
    if not _DIGITS.issuperset(code[2:8]):
        message = "统一社会信用代码第3至8位应为登记机关行政区划码（数字）"
        raise InvalidCode(message)
    if organisation_check_character(code[:-1]) != code[-1]:
        message = "统一社会信用代码校验位不符，请核对"
        raise InvalidCode(message)


def _check_person(code: str) -> None:
    if len(code) != CODE_LENGTH:
        message = f"公民身份号码应为18位，现为{len(code)}位"
        raise InvalidCode(message)
    if not _DIGITS.issuperset(code[:-1]) or code[-1] not in _DIGITS | {"X"}:
        message = "公民身份号码前17位应为数字，末位应为数字或X"
        raise InvalidCode(message)
    if code[0] == "0":
        message = "公民身份号码的地址码不能以0开头"
        raise InvalidCode(message)
    try:
        born = dt.date(int(code[6:10]), int(code[10:12]), int(code[12:14]))
    except ValueError:
        message = "公民身份号码第7至14位不是有效的出生日期"
        raise InvalidCode(message) from None
    if born < EARLIEST_BIRTH:
        message = "公民身份号码第7至14位的出生日期过早"
        raise InvalidCode(message)
    if person_check_character(code[:-1]) != code[-1]:
        message = "公民身份号码校验位不符，请核对"
        raise InvalidCode(message)
