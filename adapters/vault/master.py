"""The master key, which wraps the keys of subjects: a port, and a file as its default."""

from __future__ import annotations

import json
import os
import secrets
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from adapters.signing import make_once

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
NONCE_BYTES = 12


class MasterKeyError(Exception):
    """A master key is missing, cannot be read, or does not open what is said to be wrapped with it."""


class MasterKeys(Protocol):
    """Holds master keys by id. One of them wraps what is new; those before it only open what they wrapped.

    `forget` notes subjects whose data were erased. Nothing is opened for them any more, not even from a backup of the
    database that was made when they still had a key: the note is kept with the master keys, not in the database.
    """

    def current(self) -> str:
        """The id of the key that wraps now.

        Raises:
            MasterKeyError: there is no usable key.

        """
        ...

    def known(self) -> tuple[str, ...]:
        """The ids of all keys that can still open something, oldest first."""
        ...

    def wrap(self, key: bytes, subject: str) -> tuple[str, bytes]:
        """A subject's key under the current master key: the id of that one, and the wrapped key."""
        ...

    def unwrap(self, master: str, wrapped: bytes, subject: str) -> bytes:
        """The inverse of `wrap`.

        Raises:
            MasterKeyError: the master key is not there, or the wrapped key is not that subject's.

        """
        ...

    def unwrapping(self) -> Callable[[str, bytes, str], bytes]:
        """`unwrap` for many keys of one moment, for which what need not be looked up each time is looked up once."""
        ...

    def rotate(self) -> str:
        """Make a new current key; returns its id. Nothing is wrapped anew by this."""
        ...

    def retire(self, master: str) -> None:
        """Destroy a key that is no longer current. What is still wrapped with it, in backups too, is lost."""
        ...

    def forget(self, subjects: Iterable[str]) -> None:
        """Note erased subjects; those noted before stay so."""
        ...

    def forgotten(self) -> frozenset[str]:
        """Every subject noted."""
        ...


class Journal:
    """The erased subjects, one opaque id a line, in a file that only grows. Several processes may share it."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        self._read: tuple[tuple[int, int, int], frozenset[str]] | None = None

    def forget(self, subjects: Iterable[str]) -> None:
        """See `MasterKeys.forget`.

        Raises:
            MasterKeyError: the file cannot be written.

        """
        new = sorted(set(subjects) - self.forgotten())
        if not new:
            return
        try:
            with self._lock, self._path.open("a", encoding="ascii") as file:
                file.writelines(f"{subject}\n" for subject in new)
                file.flush()
                os.fsync(file.fileno())
        except OSError as error:
            message = f"{self._path}：{error.strerror}"
            raise MasterKeyError(message) from error

    def forgotten(self) -> frozenset[str]:
        """See `MasterKeys.forgotten`.

        Raises:
            MasterKeyError: the file is there and cannot be read.

        """
        try:
            stamp = _stamp(self._path)
            if self._read is None or self._read[0] != stamp:
                self._read = stamp, frozenset(self._path.read_text(encoding="ascii").split())
        except FileNotFoundError:
            return frozenset()
        except OSError as error:
            message = f"{self._path}：{error.strerror}"
            raise MasterKeyError(message) from error
        return self._read[1]


class FileMasterKeys:
    """Master keys in a JSON file that only its owner may read, made on first use; AES-256-GCM wraps.

    Beside it, unless another file is named, `<file>.erased` has the erased subjects. Files are replaced whole, so that
    several processes may share them; each looks again when the file has changed.
    """

    def __init__(self, path: Path, journal: Path | None = None) -> None:
        self.path = path
        self._journal = Journal(journal or path.with_name(f"{path.name}.erased"))
        self._lock = threading.Lock()
        self._read: tuple[tuple[int, int, int], dict[str, bytes]] | None = None

    def current(self) -> str:
        """See `MasterKeys.current`."""
        return next(reversed(self._keys()))

    def known(self) -> tuple[str, ...]:
        """See `MasterKeys.known`."""
        return tuple(self._keys())

    def wrap(self, key: bytes, subject: str) -> tuple[str, bytes]:
        """See `MasterKeys.wrap`."""
        name, master = next(reversed(self._keys().items()))
        nonce = secrets.token_bytes(NONCE_BYTES)
        return name, nonce + aes_gcm()(master).encrypt(nonce, key, label_of(name, subject))

    def unwrap(self, master: str, wrapped: bytes, subject: str) -> bytes:
        """See `MasterKeys.unwrap`."""
        return self.unwrapping()(master, wrapped, subject)

    def unwrapping(self) -> Callable[[str, bytes, str], bytes]:
        """`unwrap` for many keys of one moment: the file is looked at once."""
        ciphers = {name: aes_gcm()(key) for name, key in self._keys().items()}

        def unwrap(master: str, wrapped: bytes, subject: str) -> bytes:
            cipher = ciphers.get(master)
            if cipher is None:
                message = f"没有主密钥 {master}"
                raise MasterKeyError(message)
            try:
                return cipher.decrypt(wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:], label_of(master, subject))
            except (invalid_tag(), ValueError) as error:
                message = f"主密钥 {master} 打不开主体 {subject} 的密钥"
                raise MasterKeyError(message) from error

        return unwrap

    def rotate(self) -> str:
        """See `MasterKeys.rotate`."""
        with self._lock:
            keys = self._keys()
            name = f"m{int(next(reversed(keys)).lstrip('m').split('-')[0]) + 1}-{secrets.token_hex(4)}"
            self._replace(keys | {name: secrets.token_bytes(KEY_BYTES)})
        return name

    def retire(self, master: str) -> None:
        """See `MasterKeys.retire`."""
        with self._lock:
            keys = self._keys()
            if master not in keys:
                message = f"没有主密钥 {master}"
                raise MasterKeyError(message)
            if master == next(reversed(keys)):
                message = f"主密钥 {master} 正在使用，不能停用"
                raise MasterKeyError(message)
            self._replace({name: key for name, key in keys.items() if name != master})

    def forget(self, subjects: Iterable[str]) -> None:
        """See `MasterKeys.forget`."""
        self._journal.forget(subjects)

    def forgotten(self) -> frozenset[str]:
        """See `MasterKeys.forgotten`."""
        return self._journal.forgotten()

    def _keys(self) -> dict[str, bytes]:
        try:
            try:
                stamp = _stamp(self.path)
            except FileNotFoundError:
                make_once(self.path, _written({f"m1-{secrets.token_hex(4)}": secrets.token_bytes(KEY_BYTES)}))
                stamp = _stamp(self.path)
            if self._read is None or self._read[0] != stamp:
                raw = json.loads(self.path.read_text(encoding="ascii"))
                self._read = stamp, _usable({name: bytes.fromhex(key) for name, key in raw["keys"].items()})
            keys = self._read[1]
        except OSError as error:
            message = f"{self.path}：{error.strerror}"
            raise MasterKeyError(message) from error
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            message = f"{self.path} 不是主密钥文件"
            raise MasterKeyError(message) from error
        if not keys:
            message = f"{self.path} 没有可用的主密钥"
            raise MasterKeyError(message)
        return keys

    def _replace(self, keys: dict[str, bytes]) -> None:
        made = self.path.with_name(f"{self.path.name}.{os.getpid()}.{secrets.token_hex(4)}")
        try:
            with os.fdopen(os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(_written(keys))
                file.flush()
                os.fsync(file.fileno())
            made.replace(self.path)
        except OSError as error:
            with suppress(OSError):
                made.unlink()
            message = f"{self.path}：{error.strerror}"
            raise MasterKeyError(message) from error
        self._read = None


def _usable(keys: dict[str, bytes]) -> dict[str, bytes]:
    """The keys, or none if one of them is no key."""
    return keys if all(len(key) == KEY_BYTES for key in keys.values()) else {}


@cache
def aes_gcm() -> type[AESGCM]:
    """The cipher, loaded when it is first needed: many commands open nothing, and those that do open very much."""
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM  # noqa: PLC0415 - see above

    return AESGCM


def invalid_tag() -> type[Exception]:
    """What the cipher raises for what was changed; as above."""
    from cryptography.exceptions import InvalidTag  # noqa: PLC0415 - as above

    return InvalidTag


def _written(keys: dict[str, bytes]) -> bytes:
    return json.dumps({"keys": {name: key.hex() for name, key in keys.items()}}, indent=1).encode()


def _stamp(path: Path) -> tuple[int, int, int]:
    found = os.stat(path)  # noqa: PTH116 - asked for every subject, and several times as fast as `Path.stat`
    return found.st_mtime_ns, found.st_size, found.st_ino


def label_of(master: str, subject: str) -> bytes:
    """What is authenticated with a wrapped key, so that it opens under no other master key and for no one else."""
    return f"xinheng subject key {master} {subject}".encode()
