"""Newline-delimited JSON, taken apart while it arrives: only finished objects and one unfinished line are held."""

from __future__ import annotations

import json
from typing import Any

from adapters.office import FieldError, InvalidError, RecordResult
from api.http.problems import LimitError


class Lines:
    """Objects by line number, and the lines that are none. Blank lines are skipped; line numbers count from 1.

    Args:
        most: lines in one request.
        longest: bytes in one line; a longer one is rejected and never held.

    """

    def __init__(self, most: int, longest: int) -> None:
        self.most, self.longest = most, longest
        self.good: dict[int, dict[str, Any]] = {}
        self.rejected: list[RecordResult] = []
        self._number = 0
        self._rest = bytearray()
        self._overlong = False

    def feed(self, chunk: bytes) -> None:
        """Take the next part of the body.

        Raises:
            LimitError: there are more than `most` lines.

        """
        first, *others = chunk.split(b"\n")
        self._append(first)
        for part in others:
            self._finish()
            self._append(part)

    def end(self) -> None:
        """The body is complete.

        Raises:
            InvalidError: it held no line.
            LimitError: there are more than `most` lines.

        """
        self._finish()
        if self._number == 0:
            raise InvalidError((FieldError("body", "lines", f"应为 1 至 {self.most} 行"),))

    def _append(self, part: bytes) -> None:
        if self._overlong or len(self._rest) + len(part) > self.longest:
            self._overlong = True
            self._rest.clear()
        else:
            self._rest += part

    def _finish(self) -> None:
        line, overlong = bytes(self._rest), self._overlong
        self._rest.clear()
        self._overlong = False
        if not overlong and not line.strip():
            return
        self._number += 1
        if self._number > self.most:
            raise LimitError("too-many-lines", 422, f"最多 {self.most} 行", limit=self.most, setting="max_records")
        if overlong:
            self._reject("too-long", f"一行最长 {self.longest} 字节（XINHENG_MAX_RECORD_BYTES）")
            return
        try:
            value = json.loads(line)
            if b"\\ud" in line.lower():  # half a surrogate pair is no text, and could not even be named in the answer
                json.dumps(value, ensure_ascii=False).encode()
        except (ValueError, RecursionError):
            value = None
        if isinstance(value, dict):
            self.good[self._number] = value
        else:
            self._reject("json", "不是 JSON 对象")

    def _reject(self, code: str, message: str) -> None:
        self.rejected.append(RecordResult(self._number, "rejected", errors=(FieldError("", code, message),)))
