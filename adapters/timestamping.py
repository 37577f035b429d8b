"""Timestamps by someone else's clock (RFC 3161): that a checkpoint stood at an instant, in the words of an authority.

Optional. A token is asked for over HTTP and verified before it is kept; whoever has the authority's root certificates
verifies it again without this system, with `openssl ts -verify` too.
"""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from rfc3161_client import TimeStampResponse, Verifier, VerifierBuilder

TIMEOUT = 10.0
"""Seconds that the authority may take: it signs one hash."""
MAX_BYTES = 1 << 16
"""Of a token: it holds a hash, a time and a few certificates."""
MEDIA_TYPE = "application/timestamp-query"


class TimestampError(Exception):
    """There is no token, or it does not prove what it should. The message is Chinese."""


class Timestamper(Protocol):
    """An authority that says when something stood."""

    def stamp(self, message: bytes) -> bytes:
        """A fresh token over a message: the authority's whole answer in DER, which `time_of` accepts.

        Raises:
            TimestampError: none was to be had.

        """
        ...

    def time_of(self, token: bytes, message: bytes) -> str:
        """The instant at which the message stood, as the log writes instants.

        Raises:
            TimestampError: the token is not of an authority that is trusted, or not over this message.

        """
        ...


class TrustedRoots:
    """Verifies tokens against root certificates, a PEM file of one or more."""

    def __init__(self, roots: Path) -> None:
        self._roots = roots

    def time_of(self, token: bytes, message: bytes) -> str:
        """See `Timestamper.time_of`."""
        from rfc3161_client import VerifierBuilder  # noqa: PLC0415 - only installations with an authority load it

        return self._verified(VerifierBuilder(), token, message)

    def _verified(self, builder: VerifierBuilder, token: bytes, message: bytes) -> str:
        from rfc3161_client import VerificationError, decode_timestamp_response  # noqa: PLC0415 - see above

        try:
            answer: TimeStampResponse = decode_timestamp_response(token)
            verifier = self._with_roots(builder)
            verifier.verify_message(answer, message)
        except (VerificationError, ValueError) as error:
            message_ = f"时间戳不成立：{error}"
            raise TimestampError(message_) from error
        moment = answer.tst_info.gen_time.astimezone(dt.UTC)
        return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")

    def _with_roots(self, builder: VerifierBuilder) -> Verifier:
        from cryptography.x509 import load_pem_x509_certificates  # noqa: PLC0415 - see above

        try:
            found = load_pem_x509_certificates(self._roots.read_bytes())
        except (OSError, ValueError) as error:
            message = f"时间戳机构的根证书 {self._roots} 读不了"
            raise TimestampError(message) from error
        for root in found:
            builder = builder.add_root_certificate(root)
        return builder.build()


class HttpTimestamper(TrustedRoots):
    """An authority that is asked over HTTP (RFC 3161, section 3.4)."""

    def __init__(self, url: str, roots: Path) -> None:
        super().__init__(roots)
        self._url = url

    def stamp(self, message: bytes) -> bytes:
        """See `Timestamper.stamp`."""
        import httpx  # noqa: PLC0415 - see above
        from rfc3161_client import HashAlgorithm, TimestampRequestBuilder, VerifierBuilder  # noqa: PLC0415 - see above

        asked = TimestampRequestBuilder().data(message).hash_algorithm(HashAlgorithm.SHA256).build()
        try:
            answer = httpx.post(
                self._url, content=asked.as_bytes(), headers={"Content-Type": MEDIA_TYPE}, timeout=TIMEOUT
            ).raise_for_status()
        except (httpx.HTTPError, httpx.InvalidURL) as error:
            message_ = f"时间戳机构没有答复：{type(error).__name__}"
            raise TimestampError(message_) from error
        if len(answer.content) > MAX_BYTES:
            raise TimestampError("时间戳机构的答复过长")
        self._verified(VerifierBuilder.from_request(asked), answer.content, message)
        return answer.content
