"""The log's checkpoints and proofs, open to all because they hold hashes only; and receipts, a department's own."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request
from pydantic import Field

from adapters.office import Office
from adapters.office.proofs import MAX_VERSION, Vouched
from api.http.calls import LookNow
from api.http.cases import CaseId
from api.http.requests import Body
from api.http.responses import Out
from api.http.signed import SignedOut
from engine.proof.merkle import MAX_SIZE

router = APIRouter(prefix="/v1/log", tags=["log"])
receipts = APIRouter(prefix="/v1/cases/{case}/receipts", tags=["log"])
HASH = "^[0-9a-f]{64}$"
Size = Annotated[int | None, Query(ge=0, le=MAX_SIZE, description="树的大小，即事件数；默认为最新检查点的")]


class CheckpointOut(SignedOut):
    """A checkpoint and who countersigned it."""

    countersignatures: list[SignedOut] = Field(description="见证人的副署")

    @classmethod
    def vouched(cls, given: Vouched) -> CheckpointOut:
        """From the office's view."""
        made = given.sealed.signed
        return cls(
            statement=dict(made.statement), key=made.key, signature=made.signature,
            countersignatures=[SignedOut.of(c) for c in given.countersignatures],
        )  # fmt: skip


class InclusionOut(Out):
    """That an event is in a tree."""

    hash: str = Field(description="sha256 | sm3")
    number: int = Field(description="第几片叶子，从 0 起")
    size: int = Field(description="树的大小")
    path: list[str] = Field(description="从叶子到根的哈希，自下而上")


class EventInclusionOut(InclusionOut):
    """That an event, named by its hash, is in a tree."""

    event: str = Field(description="事件的哈希")


class ConsistencyOut(Out):
    """That one tree begins with another."""

    first: int
    second: int
    path: list[str] = Field(description="一致性证明的哈希")


class LogKeyOut(Out):
    """A key of the log."""

    key: str
    first: int | None = Field(description="由它签署的第一个检查点的大小")
    last: int | None = Field(description="由它签署的最后一个检查点的大小")
    current: bool


class WitnessOut(Out):
    """A witness."""

    department: str
    key: str
    registered_at: str
    revoked_at: str | None


class LogKeysOut(Out):
    """What a verifier has to know of the log; its keys are to be compared with those got by another way."""

    origin: str = Field(description="日志的名称")
    hash: str | None = Field(description="树的哈希算法；null：尚无检查点")
    delay: int = Field(description="承诺收录的秒数")
    keys: list[LogKeyOut]
    witnesses: list[WitnessOut]


class CountersignatureIn(Body):
    """A witness's countersignature."""

    statement: dict[str, Any] = Field(description="副署的陈述，见 docs/proofs.md")
    key: str = Field(pattern=HASH, description="见证人登记的公钥")
    signature: str = Field(pattern="^[0-9a-f]{128}$")


class ReceiptOut(Out):
    """A receipt, to be verified without this service."""

    type: str = Field(description="xinheng-receipt/1")
    case: str
    version: int = Field(description="案件的第几个事件")
    event: str = Field(description="事件的哈希")
    promise: SignedOut
    inclusion: InclusionOut | None = Field(description="null：尚未收录")
    checkpoint: SignedOut | None
    countersignatures: list[SignedOut]
    timestamp: str | None = Field(None, description="检查点的可信时间戳（RFC 3161），DER 的 base64；null：没有")


def _office(request: Request) -> Office:
    office: Office = request.app.state.office
    return office


@router.get("/checkpoint", summary="检查点", response_model=CheckpointOut)
def checkpoint(request: Request, size: Size = None) -> CheckpointOut:
    """最新的检查点，或者某一大小的；不要密钥。"""
    return CheckpointOut.vouched(_office(request).proofs.checkpoint(size))


@router.get("/inclusion", summary="收录证明", response_model=EventInclusionOut)
def inclusion(
    request: Request,
    event: Annotated[str | None, Query(pattern=HASH, description="事件的哈希")] = None,
    leaf: Annotated[int | None, Query(ge=0, le=MAX_SIZE, description="第几片叶子，从 0 起")] = None,
    size: Size = None,
) -> EventInclusionOut:
    """某一事件在某一大小的树里；event 与 leaf 须且只须写一个。不要密钥。"""
    found, proof = _office(request).proofs.inclusion(event=event, number=leaf, size=size)
    return EventInclusionOut(event=found, **proof.document())


@router.get("/consistency", summary="一致性证明", response_model=ConsistencyOut)
def consistency(
    request: Request,
    first: Annotated[int, Query(ge=0, le=MAX_SIZE, description="较小的树的大小")],
    second: Size = None,
) -> ConsistencyOut:
    """较大的树以较小的树开头：只增加，没有改动。不要密钥。"""
    return ConsistencyOut.model_validate(_office(request).proofs.consistency(first, second))


@router.get("/keys", summary="日志的公钥和见证人", response_model=LogKeysOut)
def keys(request: Request) -> LogKeysOut:
    """公钥须以别的途径核对；向要核对的系统自己要公钥，等于没有核对。"""
    return LogKeysOut.model_validate(_office(request).proofs.keys())


@router.post("/countersignatures", status_code=201, summary="副署检查点", response_model=SignedOut)
def countersign(body: CountersignatureIn, request: Request) -> SignedOut:
    """见证人核对一致性之后副署；不要密钥，凭登记的公钥。重复副署保留第一次的。"""
    return SignedOut.of(_office(request).proofs.countersign(body.model_dump()))


@receipts.get("/{event}", summary="凭证", response_model=ReceiptOut)
def receipt(
    case: CaseId,
    event: Annotated[int, Path(ge=0, le=MAX_VERSION, description="案件的第几个事件，即办理后的版本")],
    call: LookNow,
    size: Size = None,
) -> ReceiptOut:
    """承诺、收录证明和签名的检查点，可以离线核对；发起部门、审计和办理该事件的部门可见。"""
    return ReceiptOut.model_validate(call.office.receipt(call.principal(), case, event, size))
