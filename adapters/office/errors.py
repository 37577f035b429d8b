"""What the office answers when it cannot do what was asked. `code` is stable; `title` is Chinese for people."""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.casework.model import Refusal


@dataclass(frozen=True, slots=True)
class FieldError:
    """One thing wrong with an input. `field` is a dotted path such as `facts.amount_owed` or `subject.code`."""

    field: str
    code: str
    message: str


class OfficeError(Exception):
    """The root of all errors that a caller of the office must expect."""

    code = "office-error"
    title = "无法办理"

    def __init__(self, detail: str = "", *, code: str | None = None, title: str | None = None) -> None:
        super().__init__(detail or title or self.title)
        self.detail = detail
        self.code = code or type(self).code
        self.title = title or type(self).title


class UnauthenticatedError(OfficeError):
    """No key, an unknown key or a revoked key (HTTP 401)."""

    code = "unauthenticated"
    title = "密钥无效或已吊销"


class ForbiddenError(OfficeError):
    """The principal's department or roles do not permit this (HTTP 403)."""

    code = "forbidden"
    title = "无权办理"


class NotFoundError(OfficeError):
    """There is no such thing, or it is not the principal's to see: the two are never told apart (HTTP 404)."""

    code = "not-found"
    title = "未找到"


class ErasedError(OfficeError):
    """The personal data that this rests on were lawfully erased; that they were is itself on record (HTTP 410)."""

    code = "erased"
    title = "个人信息已依法删除"


class ConflictError(OfficeError):
    """Someone else was faster, or the thing exists already (HTTP 409). Retrying after a fresh read is safe.

    Codes: `conflict` (another writer), `already-listed`; of erasure `case-open`, `already-erased`; of policy
    `policy-active`, `policy-proposed`, `policy-closed`, `policy-moved`, `policy-pending`, `never-in-force`,
    `no-earlier-policy`.
    """

    code = "conflict"
    title = "与他人的办理冲突，请刷新后重试"


class PreconditionError(OfficeError):
    """The thing changed since the caller read it: `If-Match` does not hold (HTTP 412)."""

    code = "precondition-failed"
    title = "内容已变化，请刷新后重试"


class IdempotencyError(OfficeError):
    """The idempotency key was used before with another request (HTTP 422)."""

    code = "idempotency-mismatch"
    title = "幂等键已用于另一请求"


class InvalidError(OfficeError):
    """The input is wrong (HTTP 422); `errors` name each field."""

    code = "invalid"
    title = "内容有误"

    def __init__(self, errors: tuple[FieldError, ...], detail: str = "") -> None:
        super().__init__(detail or "；".join(f"{e.field}：{e.message}" for e in errors[:5]))
        self.errors = errors


class RefusedError(OfficeError):
    """Casework refuses the command in this state (HTTP 409); code and title are the refusal's own."""

    code = "refused"

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail, code=refusal.code, title=refusal.title)


class UnrecordedError(OfficeError):
    """That somebody looks could not be put on record, so nothing was shown (HTTP 503)."""

    code = "unrecorded"
    title = "查询记录写不进去，未作答复，请稍后重试"


class UndecidedError(OfficeError):
    """The two engines differ or neither could be run, so no decision was made (HTTP 503). Nothing was filed."""

    code = "undecided"
    title = "两个引擎未得出一致的决定，未作任何处理"


_UNSEEN = re.compile("[\0-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069\ud800-\udfff\ufffe\uffff]")
"""Control characters but tab and line ends, controls of writing direction, halves of surrogate pairs, no characters."""


def storable(text: str) -> bool:
    """Whether both databases can hold a text and a letter can show it as it is.

    PostgreSQL refuses NUL, neither database takes half a surrogate pair, and `adapters.documents` renders no letter
    with characters that cannot be seen or that turn the direction of what is read.
    """
    return _UNSEEN.search(text) is None
