"""The placeholders a template may use, and the completion of a context to their shape."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

TITLES: Mapping[str, str] = {
    "notice": "列入名单告知书",
    "decision": "列入名单决定书",
    "repair-notice": "信用修复告知书",
    "repair-answer": "信用修复决定书",
    "objection-answer": "异议答复书",
    "response-slip": "联合奖惩响应回执",
    "delisting": "移出名单告知书",
}
"""Kind of letter → its Chinese name."""

PLACEHOLDERS: Mapping[str, Any] = {
    "number": "文号，如 项发改信告〔2026〕12号",
    "list_title": "名单名称",
    "subject_name": "主体名称",
    "subject_code_masked": "主体代码，已遮蔽",
    "initiator_title": "发起部门全称，落款用",
    "department_title": "实施或者答复的部门全称",
    "officer": "承办人",
    "date": "成文日期，如 2026年11月24日",
    "facts": [{"title": "事实名称", "value": "事实内容"}],
    "reasons": "理由",
    "basis": [{"title": "法规名称，不带书名号", "article": "条款，如 第四十八条"}],
    "measures": [
        {"title": "措施名称", "department": "实施部门", "basis": "依据", "mode": "实施方式", "until": "期限"},
    ],
    "rights": ["一项权利，含行使的期限和途径"],
    "statement_until": "提出陈述、申辩的截止日期",
    "hearing_until": "申请听证的截止日期；空着表示没有听证权",
    "answers": [{"point": "对方提出的一点", "answer": "对这一点的答复"}],
    "outcome": "决定或者处理结果",
    "periods": [{"title": "期限名称", "start": "起算", "minimum": "最短", "maximum": "最长"}],
    "repair": {"earliest": "最早可以申请修复的日期", "requires": ["一项修复条件"], "how": "申请修复的途径"},
    "objection": {"how": "提出异议的途径", "days": "异议办理期限，如 7个工作日"},
    "obligation": {
        "measure": "应响应的措施",
        "outcome": "办理结果",
        "reason": "办理情况或者理由",
        "evidence": [{"title": "佐证材料名称", "sha256": "佐证材料的 SHA-256"}],
    },
    "receipt": "核验码",
    "promise": "收录承诺的短码；有它的，文书末尾自动加上二维码",
}
"""Placeholder → what it stands for. A leaf is a text, `[shape]` a list of that shape, a mapping a group of parts."""

_REFUSED = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Controls of writing direction: a letter that holds one reads otherwise than what is stored."""
_LINE_BREAKS = str.maketrans({"\r": "\n", "\x85": "\n", "\u2028": "\n", "\u2029": "\n"})
_MAX_SHOWN = 40


def complete(context: Mapping[str, Any]) -> dict[str, Any]:
    """The context with every placeholder present: texts checked, integers as text, what is missing empty.

    Keys that `PLACEHOLDERS` does not have are kept, so that a template may use more than the shipped ones do.

    Raises:
        ValueError: a value has another shape than documented, or a text holds a character that no letter can show.

    """
    known = {key: _shaped(context.get(key), shape, key) for key, shape in PLACEHOLDERS.items()}
    return known | {key: _free(value, key) for key, value in context.items() if key not in known}


def _shaped(value: Any, shape: Any, path: str) -> Any:
    if isinstance(shape, str):
        return _text(value, path)
    if isinstance(shape, list):
        if value is None:
            return []
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise ValueError(f"{path} 应当是列表，得到的是 {_shown(value)}")  # noqa: TRY004 - the interface names one error
        return [_shaped(item, shape[0], f"{path}[{index}]") for index, item in enumerate(value)]
    if value is not None and not isinstance(value, Mapping):
        raise ValueError(f"{path} 应当是含 {'、'.join(shape)} 的一组值，得到的是 {_shown(value)}")
    given: Mapping[str, Any] = value or {}
    known = {key: _shaped(given.get(key), part, f"{path}.{key}") for key, part in shape.items()}
    return known | {key: _free(item, f"{path}.{key}") for key, item in given.items() if key not in known}


def _free(value: Any, path: str) -> Any:
    """A value of no documented shape, its texts checked all the same."""
    if isinstance(value, Mapping):
        return {_text(key, path): _free(item, f"{path}.{key}") for key, item in value.items()}
    if isinstance(value, Sequence) and not isinstance(value, str):
        return [_free(item, f"{path}[{index}]") for index, item in enumerate(value)]
    return _text(value, path)


def _text(value: Any, path: str) -> str:
    if value is None:
        return ""
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    if not isinstance(value, str):
        raise ValueError(f"{path} 应当是文字，得到的是 {_shown(value)}")  # noqa: TRY004 - as above
    text = "".join(value).replace("\r\n", "\n").translate(_LINE_BREAKS)  # join: a plain str even of a Markup
    for position, character in enumerate(text, 1):
        if not _writable(character):
            raise ValueError(f"{path} 的第 {position} 个字符 U+{ord(character):04X} 不能写进文书，请改正原始数据")
    return text


def _writable(character: str) -> bool:
    """Whether XML 1.0 allows the character and it is no control but tab and line feed."""
    code = ord(character)
    if code < 0x20:  # noqa: PLR2004 - the C0 controls
        return character in "\t\n"
    return not (0x7F <= code < 0xA0 or 0xD800 <= code < 0xE000 or code in {0xFFFE, 0xFFFF} or character in _REFUSED)  # noqa: PLR2004 - DEL and C1 controls, surrogates, non-characters


def _shown(value: Any) -> str:
    text = repr(value)
    return f"{type(value).__name__} {text if len(text) <= _MAX_SHOWN else text[:_MAX_SHOWN] + '…'}"
