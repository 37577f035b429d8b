"""Typed values from their source text: `10 万元` is fen, `30%` is basis points, `2024-01-31` is a day.

YAML's own typing plays no part, and there are no floats. The same functions read facts at intake.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from typing import Literal, cast

from engine.language.diagnostics import nearest, one_of, skeleton
from engine.language.ir import Duration, FactType, Type, Value

Unit = Literal["working days", "days", "months", "years"]

MAX_INTEGER = 1 << 62  # DuckDB, Spark and durable_rules hold 64-bit integers; a factor of two is left for sums
MAX_YEARS = 100  # look-backs must not leave the calendar (year 1)
UNIT_LIMITS = {"working days": 25_000, "days": 36_525, "months": 12 * MAX_YEARS, "years": MAX_YEARS}

INTEGER = re.compile(r"(-?)([0-9]{1,3}(?:_[0-9]{3})+|[0-9]{1,19})")
MONEY = re.compile(r"(-?)([0-9]{1,3}(?:[_,][0-9]{3})+|[0-9]{1,19})(?:\.([0-9]{1,10}))? ?(元|万元|亿元|CNY)")
RATIO = re.compile(r"(-?)([0-9]{1,15})(?:\.([0-9]{1,2}))?%")
DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
DURATION = re.compile(r"([0-9]{1,6}) (working days?|days?|months?|years?)")
IDENTIFIER = re.compile(r"[a-z][a-z0-9-]{0,79}")
FACT_NAME = re.compile(r"[a-z][a-z0-9_]{0,79}")

FEN = {"元": 100, "CNY": 100, "万元": 1_000_000, "亿元": 10_000_000_000}
RESERVED = frozenset({"all", "any", "not", "exists", "none", "count", "response", "subject", "fact", "known"})


class ScalarError(ValueError):
    """A text that is not a value of its type. `code` is the diagnostic's; the message is Chinese."""

    def __init__(self, code: str, message: str, *, expected: str = "", suggestion: str = "") -> None:
        super().__init__(message)
        self.code, self.message, self.expected, self.suggestion = code, message, expected, suggestion


SHOWN = 40  # characters of a value quoted in a message


def shown(text: str) -> str:
    """`text` in Chinese quotation marks, cut to a length that fits a message."""
    return f"“{text if len(text) <= SHOWN else text[:SHOWN] + '…'}”"


def integer(text: str) -> int:
    """`-12`, `1_000`.

    Raises:
        ScalarError: not an integer, or larger than 2^62 in size.

    """
    expected = "如 -12、1_000，绝对值不超过 2^62"
    match = INTEGER.fullmatch(text)
    if match is None:
        raise ScalarError("XH031", f"{shown(text)}不是整数", expected=expected)
    return _bounded(int(text.replace("_", "")), "XH031", text, expected)


def money(text: str) -> int:
    """`12.34 元`, `10 万元`, `1 亿元`, `5000 CNY` in fen.

    Raises:
        ScalarError: not money, finer than a fen, or larger than 2^62 fen.

    """
    expected = "如 5000 元、12.34 元、10 万元、1 亿元"
    match = MONEY.fullmatch(text)
    if match is None:
        suggestion = f"{text} 元" if INTEGER.fullmatch(text) else ""
        raise ScalarError("XH032", f"{shown(text)}不是金额", expected=expected, suggestion=suggestion)
    sign, whole, decimals, unit = match.groups()
    decimals = decimals or ""
    scaled = int(re.sub("[_,]", "", whole) + decimals) * FEN[unit]
    fen, rest = divmod(scaled, 10 ** len(decimals))
    if rest:
        raise ScalarError("XH032", f"{shown(text)}不足一分，金额须精确到分", expected=expected)
    return _bounded(-fen if sign else fen, "XH032", text, expected)


def ratio(text: str) -> int:
    """`30%`, `12.34%` in basis points.

    Raises:
        ScalarError: not a ratio, or finer than a basis point.

    """
    match = RATIO.fullmatch(text)
    if match is None:
        raise ScalarError("XH033", f"{shown(text)}不是比率", expected="如 30%、0.5%、12.34%")
    sign, whole, decimals = match.groups()
    points = int(whole) * 100 + int((decimals or "").ljust(2, "0"))
    return -points if sign else points


def date(text: str) -> dt.date:
    """`2024-01-31`.

    Raises:
        ScalarError: not written so, or no day of the calendar.

    """
    if DATE.fullmatch(text) is None:
        raise ScalarError("XH034", f"{shown(text)}不是日期", expected="如 2024-01-31")
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise ScalarError("XH034", f"日历上没有 {text} 这一天", expected="如 2024-01-31") from None


def boolean(text: str) -> bool:
    """`true` or `false`.

    Raises:
        ScalarError: anything else, among it YAML 1.1's `yes` and `on`.

    """
    if text in {"true", "false"}:
        return text == "true"
    likely = {"yes": "true", "on": "true", "是": "true", "no": "false", "off": "false", "否": "false"}
    suggestion = likely.get(text.lower()) or nearest(text, ("true", "false"))
    raise ScalarError("XH035", f"{shown(text)}不是真假值", expected="true 或 false", suggestion=suggestion)


def duration(text: str) -> Duration:
    """`3 working days`, `10 days`, `6 months`, `2 years`; `1 day`.

    Raises:
        ScalarError: not written so, zero, or longer than a century.

    """
    expected = "如 3 working days、10 days、6 months、2 years"
    match = DURATION.fullmatch(text)
    if match is None:
        raise ScalarError("XH036", f"{shown(text)}不是期限", expected=expected)
    amount, unit = int(match[1]), match[2].removesuffix("s") + "s"
    value = Duration(amount, cast("Unit", unit))
    if not 1 <= amount <= UNIT_LIMITS[unit]:
        raise ScalarError("XH036", f"{shown(text)}须在 1 到 {UNIT_LIMITS[unit]:,} {unit} 之间", expected=expected)
    if str(value) != text:
        raise ScalarError("XH036", f"{shown(text)}的单复数不对", expected=expected, suggestion=str(value))
    return value


def identifier(text: str) -> str:
    """A document's id.

    Raises:
        ScalarError: it has other characters than `a-z0-9-`, look-alikes among them.

    """
    return _name(text, IDENTIFIER, "XH025", "标识", "以小写英文字母开头，只含小写字母、数字、连字符")


def fact_name(text: str) -> str:
    """The name of a fact or of a record's field.

    Raises:
        ScalarError: it has other characters than `a-z0-9_`, look-alikes among them, or is a word of the language.

    """
    expected = "以小写英文字母开头，只含小写字母、数字、下划线"
    if text in RESERVED:
        raise ScalarError("XH079", f"{shown(text)}是保留字，不能用作事实名称", expected=expected)
    return _name(text, FACT_NAME, "XH079", "事实名称", expected)


def enum(text: str, values: Sequence[str], what: str = "取值") -> str:
    """One of `values`.

    Raises:
        ScalarError: none of them; the nearest is suggested.

    """
    if text in values:
        return text
    raise ScalarError(
        "XH074", f"没有{shown(text)}这个{what}", expected=one_of(values), suggestion=nearest(text, values)
    )


def parse(kind: Type, text: str, values: Sequence[str] = ()) -> Value:
    """The runtime value of a scalar of type `kind` (for `list`: of one member).

    Raises:
        ScalarError: the text is no value of the type.

    """
    match kind:
        case Type.INTEGER:
            return integer(text)
        case Type.MONEY:
            return money(text)
        case Type.RATIO:
            return ratio(text)
        case Type.DATE:
            return date(text).toordinal()
        case Type.BOOLEAN:
            return boolean(text)
        case Type.TEXT:
            return text
        case Type.ENUM | Type.LIST:
            return enum(text, values) if values or kind is Type.ENUM else text


def parse_fact(fact: FactType, raw: object) -> Value:
    """The runtime value of `fact` from text, or from a list of texts if it is a list.

    Raises:
        ScalarError: the value does not fit the declaration.

    """
    if fact.type is Type.LIST:
        if not isinstance(raw, list | tuple) or not all(isinstance(m, str) for m in raw):
            raise ScalarError("XH073", f"事实 {fact.name} 须为文字列表", expected="[甲, 乙]")
        return tuple(str(parse(Type.LIST, m, fact.values)) for m in raw)
    if not isinstance(raw, str):
        raise ScalarError("XH073", f"事实 {fact.name} 须为一个{fact.type}值，不是列表或键值表")
    return parse(fact.type, raw, fact.values)


def show(kind: Type, value: Value) -> str:
    """A runtime value as the policy would write it."""
    match kind:
        case Type.MONEY:
            yuan, fen = divmod(abs(int(value)), 100)  # type: ignore[arg-type]  # money is an int
            return f"{'-' if int(value) < 0 else ''}{yuan}{f'.{fen:02}' if fen else ''} 元"  # type: ignore[arg-type]
        case Type.RATIO:
            whole, points = divmod(abs(int(value)), 100)  # type: ignore[arg-type]  # a ratio is an int
            return f"{'-' if int(value) < 0 else ''}{whole}{f'.{points:02}' if points else ''}%"  # type: ignore[arg-type]
        case Type.DATE:
            return dt.date.fromordinal(int(value)).isoformat()  # type: ignore[arg-type]  # a date is an int
        case Type.BOOLEAN:
            return "true" if value else "false"
        case _:
            return "、".join(value) if isinstance(value, tuple) else str(value)


def show_fact(fact: FactType, value: Value) -> str:
    """A runtime value of `fact` as a person reads it: 是 or 否, and the title of a value that has one."""
    if fact.type is Type.BOOLEAN:
        return "是" if value else "否"
    if isinstance(value, tuple):
        return "、".join(fact.titles.get(member, member) for member in value)
    return fact.titles.get(value, value) if isinstance(value, str) else show(fact.type, value)


def _bounded(value: int, code: str, text: str, expected: str) -> int:
    if abs(value) > MAX_INTEGER:
        raise ScalarError(code, f"{shown(text)}的绝对值超过 2^62", expected=expected)
    return value


def _name(text: str, pattern: re.Pattern[str], code: str, what: str, expected: str) -> str:
    if pattern.fullmatch(text):
        return text
    plain = skeleton(text)
    if not text.isascii() and pattern.fullmatch(plain):
        raise ScalarError(
            "XH016", f"{what}{shown(text)}中有字形相似但不是半角英文的字符", expected=expected, suggestion=plain
        )
    guess = re.sub("[^a-z0-9]+", "_" if pattern is FACT_NAME else "-", plain).strip("-_")
    suggestion = guess if pattern.fullmatch(guess) else ""
    raise ScalarError(code, f"{what}{shown(text)}不合规范", expected=expected, suggestion=suggestion)
