"""Ed25519 signatures (RFC 8032) under what puts policy in force, and where their key is kept."""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from contextlib import suppress
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

KEY_ID_LENGTH = 16
"""Hex digits that stand for a public key where people read it; trust is decided by the whole key."""


class SigningKeyError(Exception):
    """The signing key cannot be read or made, or is of another kind."""


class Signer(Protocol):
    """Holds the key of an installation, and knows whose signatures it accepts. Keys and signatures are hex."""

    @property
    def public_key(self) -> str:
        """The key with which its signatures are verified, 32 bytes.

        Raises:
            SigningKeyError: there is no usable key.

        """
        ...

    def sign(self, message: bytes) -> str:
        """The signature under a message, 64 bytes."""
        ...

    def trusts(self, public_key: str) -> bool:
        """Whether signatures by this key count: its own, and those it was told of."""
        ...


class FileSigner:
    """The key in a PEM file (PKCS #8), made on first use and readable by its owner only.

    `<file>.trusted` may name further public keys, one a line: those of before the key was replaced, and on a machine
    that only verifies the only ones.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def public_key(self) -> str:
        """See `Signer.public_key`."""
        return _public(self._key)

    def sign(self, message: bytes) -> str:
        """See `Signer.sign`."""
        return self._key.sign(message).hex()

    def trusts(self, public_key: str) -> bool:
        """See `Signer.trusts`."""
        if public_key in self._trusted:
            return True
        return self.path.exists() and self.public_key == public_key

    @cached_property
    def _trusted(self) -> frozenset[str]:
        beside = self.path.with_name(f"{self.path.name}.trusted")
        try:
            return frozenset(beside.read_text(encoding="ascii").split())
        except FileNotFoundError:
            return frozenset()
        except (OSError, UnicodeDecodeError) as error:
            message = f"{beside} 读不了"
            raise SigningKeyError(message) from error

    @cached_property
    def _key(self) -> Ed25519PrivateKey:
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415 - few commands sign or verify
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - as above

        def fresh() -> bytes:
            return Ed25519PrivateKey.generate().private_bytes(
                serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            )

        try:
            if not self.path.exists():
                make_once(self.path, fresh())
            key = serialization.load_pem_private_key(self.path.read_bytes(), None)
        except OSError as error:
            message = f"{self.path}：{error.strerror}"
            raise SigningKeyError(message) from error
        except (TypeError, ValueError) as error:
            message = f"{self.path} 不是未加密的 PEM 私钥"
            raise SigningKeyError(message) from error
        if not isinstance(key, Ed25519PrivateKey):
            message = f"{self.path} 不是 Ed25519 私钥"
            raise SigningKeyError(message)
        return key


class DerivedSigner:
    """A key derived from the secret of the database, for an office that is given none of its own."""

    def __init__(self, secret: bytes) -> None:
        self._seed = hmac.new(secret, b"xinheng policy signatures", hashlib.sha256).digest()

    @property
    def public_key(self) -> str:
        """See `Signer.public_key`."""
        return _public(self._key)

    def sign(self, message: bytes) -> str:
        """See `Signer.sign`."""
        return self._key.sign(message).hex()

    def trusts(self, public_key: str) -> bool:
        """See `Signer.trusts`."""
        return self.public_key == public_key

    @cached_property
    def _key(self) -> Ed25519PrivateKey:
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey  # noqa: PLC0415 - see above

        return Ed25519PrivateKey.from_private_bytes(self._seed)


def key_id(public_key: str) -> str:
    """What people call a public key: the beginning of its SHA-256."""
    return hashlib.sha256(bytes.fromhex(public_key)).hexdigest()[:KEY_ID_LENGTH]


def make_once(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, unless it is there. Nobody ever reads half of it.

    Raises:
        OSError: it cannot be written.

    """
    made = path.with_name(f"{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    with suppress(FileExistsError):
        os.link(made, path)  # whoever starts at the same moment gets the same file
    made.unlink()


def _public(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes_raw().hex()
