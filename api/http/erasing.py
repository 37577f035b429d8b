"""Lawful erasure of personal data: for custodians; auditors see what was erased."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Path
from pydantic import Field

from adapters.office.erasing import MAX_REFERENCE, Erasure
from api.http.calls import CallNow, LookNow
from api.http.requests import Body, Officer
from api.http.responses import Out
from api.http.signed import PROMISE, SignedOut, promise_out

router = APIRouter(prefix="/v1", tags=["erasure"])
Ground = Literal["purpose-served", "retention-expired", "consent-withdrawn", "unlawful-processing", "other-law"]


class ErasureIn(Body):
    """A request to erase."""

    officer: Officer
    ground: Ground = Field(description="个人信息保护法第四十七条第一款（一）至（五）项")
    reference: str = Field(
        min_length=1, max_length=MAX_REFERENCE, description="申请或者批准的文号、事由", examples=["长信〔2031〕9号"]
    )


class ErasureOut(Out):
    """An erasure."""

    subject: str = Field(description="主体的不透明标识")
    at: str
    by: str = Field(description="部门/经办人")
    ground: str
    article: str = Field(description="个人信息保护法的条款项")
    reference: str
    cases: int = Field(description="涉及案件数")
    decisions: int = Field(description="内容已删除的决定数")
    promise: SignedOut | None = Field(default=None, description=PROMISE)

    @classmethod
    def of(cls, erasure: Erasure) -> ErasureOut:
        """From the office's."""
        values = {name: getattr(erasure, name) for name in cls.model_fields if name != "promise"}
        return cls(**values, promise=promise_out(erasure.promise))


class ErasuresOut(Out):
    """Erasures."""

    items: list[ErasureOut]


@router.post("/subjects/{subject}/erasure", summary="依法删除个人信息", status_code=201, response_model=ErasureOut)
def erase(
    subject: Annotated[str, Path(max_length=64, description="主体的不透明标识")], body: ErasureIn, call: CallNow
) -> ErasureOut:
    """销毁主体的密钥，不能恢复；案件须已全部办结。台账的各项证明仍然成立。"""
    return ErasureOut.of(call.office.erase(call.principal(body.officer), subject, body.ground, body.reference))


@router.get("/erasures", summary="删除记录", response_model=ErasuresOut)
def erasures(call: LookNow) -> ErasuresOut:
    """依法删除的记录，最近的在前，最多一千条。"""
    return ErasuresOut(items=[ErasureOut.of(e) for e in call.office.erasures(call.principal())])
