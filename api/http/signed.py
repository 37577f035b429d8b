"""Signed statements in responses, and the promise that goes with every write."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from engine.proof.signed import Signed

PROMISE = "收录承诺：所记事件在所写时刻之前进入签名的检查点"


class SignedOut(BaseModel):
    """A statement and the Ed25519 signature under its RFC 8785 text."""

    model_config = ConfigDict(from_attributes=True)

    statement: dict[str, Any] = Field(description="陈述；签名所及的是它的规范文本（RFC 8785）")
    key: str = Field(description="公钥，十六进制")
    signature: str = Field(description="签名，十六进制")

    @classmethod
    def of(cls, signed: Signed) -> SignedOut:
        """From what was signed."""
        return cls.model_construct(statement=dict(signed.statement), key=signed.key, signature=signed.signature)


def promise_out(promise: Signed | None) -> SignedOut | None:
    """The promise of a write."""
    return SignedOut.of(promise) if promise is not None else None
