"""Sealing and opening under the key of a subject. To destroy that key is to erase what it sealed, wherever it is."""

from __future__ import annotations

import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable
from typing import Any, Literal, get_args

from sqlalchemy import Connection, Engine, insert, select
from sqlalchemy.dialects import postgresql, sqlite

from adapters.ledger.database import HELD
from adapters.ledger.key_tables import subject_keys
from adapters.vault.master import KEY_BYTES, NONCE_BYTES, MasterKeys, aes_gcm, invalid_tag

Cipher = Literal["aes-256-gcm", "sm4-gcm"]
"""AES-256-GCM (NIST SP 800-38D), or SM4-GCM (GB/T 32907, RFC 8998) where commercial cryptography rules ask for it."""
CIPHERS: tuple[Cipher, ...] = get_args(Cipher)
VAULT = "xinheng_vault"
SM4_KEY_BYTES = 16
TAG_BYTES = 16
CHUNK = 400
"""Parameters in one IN list; SQLite's oldest limit is 999."""
KEPT = 20_000
"""Subjects' keys kept in memory: 100 bytes each, and an inbox page or a night's run asks for many."""


class VaultError(Exception):
    """Something sealed is met on a connection without a vault, or it does not open: it was changed from outside."""


class ErasedSubjectError(Exception):
    """The subject's key is destroyed: what was sealed is lawfully erased, and nothing more can be sealed for it."""


class Vault:
    """Seals for subjects. Shared between threads; keys are remembered, and the database says which still count."""

    def __init__(self, masters: MasterKeys, cipher: Cipher = "aes-256-gcm") -> None:
        self.masters = masters
        self._cipher = CIPHERS.index(cipher)
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, tuple[bytes, bytes]] = OrderedDict()  # subject → (wrapped, key)

    def seal(self, conn: Connection, subject: str, content: bytes, label: str) -> bytes:
        """`content` under the subject's key, which is made if there is none yet. `label` says where it belongs.

        Inside a transaction that writes: until its end the key cannot be destroyed.

        Raises:
            ErasedSubjectError: the subject was erased.

        """
        key = self._for_writing(conn, subject)
        nonce = secrets.token_bytes(NONCE_BYTES)
        return bytes((self._cipher,)) + nonce + _encrypt(self._cipher, key, nonce, content, _label(subject, label))

    def open(self, conn: Connection, subject: str, sealed: bytes, label: str) -> bytes:
        """The inverse of `seal`.

        Raises:
            ErasedSubjectError: the subject was erased.
            VaultError: it is not what was sealed there.

        """
        return self.open_with(self.key_of(conn, subject), subject, sealed, label)

    def key_of(self, conn: Connection, subject: str) -> bytes:
        """A subject's key, for reading.

        Raises:
            ErasedSubjectError: there is none any more.

        """
        with self._lock:
            kept = self._kept.get(subject)
        if kept is not None and subject not in self.masters.forgotten():
            return kept[1]
        row = conn.execute(_key(subject)).one_or_none()
        return self.unwrapped(subject, *(row or (None, None)))

    def unwrapped(self, subject: str, master: str | None, wrapped: bytes | None) -> bytes:
        """A subject's key from the columns of its row, for a query that has joined it.

        Raises:
            ErasedSubjectError: the row says that it is destroyed, or the master keys have the subject as erased.

        """
        if master is None or wrapped is None or subject in self.masters.forgotten():
            raise ErasedSubjectError(subject)
        with self._lock:
            kept = self._kept.get(subject)
        if kept is not None and kept[0] == wrapped:
            return kept[1]
        key = self.masters.unwrap(master, wrapped, subject)
        self._keep(subject, wrapped, key)
        return key

    def opening(self) -> Callable[[str, str | None, bytes | None, bytes, str], bytes]:
        """What opens rows that were read at one moment: subject, `master`, `wrapped`, what is sealed, its label.

        Master keys and erased subjects are looked up once for all of them, and subjects' keys are not remembered. It
        raises like `unwrapped` and `open_with`.
        """
        forgotten = self.masters.forgotten()
        unwrap = self.masters.unwrapping()

        def opened(subject: str, master: str | None, wrapped: bytes | None, sealed: bytes, label: str) -> bytes:
            if master is None or wrapped is None or subject in forgotten:
                raise ErasedSubjectError(subject)
            return self.open_with(unwrap(master, wrapped, subject), subject, sealed, label)

        return opened

    def open_with(self, key: bytes, subject: str, sealed: bytes, label: str) -> bytes:
        """`open` with a key that is known."""
        cipher, nonce, rest = sealed[0], sealed[1 : 1 + NONCE_BYTES], sealed[1 + NONCE_BYTES :]
        try:
            return _decrypt(cipher, key, nonce, rest, _label(subject, label))
        except (invalid_tag(), ValueError, IndexError) as error:
            message = f"主体 {subject} 的封存内容（{label}）打不开，已被改动"
            raise VaultError(message) from error

    def destroy(self, conn: Connection, subject: str, at: str) -> bool:
        """Destroy a subject's key in the database; whether there was one. `MasterKeys.forget` follows the commit."""
        row = conn.execute(_key(subject).with_for_update()).one_or_none()
        if row is None:
            conn.execute(insert(subject_keys).values(subject_id=subject, destroyed_at=at))
            return False
        found = row.wrapped is not None
        gone = {"master": None, "wrapped": None, "destroyed_at": at}
        if found:
            conn.execute(subject_keys.update().where(subject_keys.c.subject_id == subject).values(gone))
        with self._lock:
            self._kept.pop(subject, None)
        return found

    def rewrap(self, conn: Connection, limit: int) -> int:
        """Wrap keys anew that an earlier master key wrapped, up to `limit`; how many were. Run until it is none."""
        current = self.masters.current()
        wanted = select(subject_keys).where(subject_keys.c.master.is_not(None), subject_keys.c.master != current)
        rows = conn.execute(wanted.order_by(subject_keys.c.subject_id).limit(limit).with_for_update()).all()
        for row in rows:
            key = self.masters.unwrap(row.master, row.wrapped, row.subject_id)
            master, wrapped = self.masters.wrap(key, row.subject_id)
            own = subject_keys.c.subject_id == row.subject_id
            conn.execute(subject_keys.update().where(own).values(master=master, wrapped=wrapped))
        return len(rows)

    def begin(self, conn: Connection, subjects: Iterable[str]) -> None:
        """Make keys for subjects that are only just coming about, in the transaction that brings them about."""
        held: dict[str, bytes] = conn.info.setdefault(HELD, {})
        rows = []
        for subject in subjects:
            key = secrets.token_bytes(KEY_BYTES)
            master, wrapped = self.masters.wrap(key, subject)
            rows.append({"subject_id": subject, "master": master, "wrapped": wrapped})
            held[subject] = key
        if rows:
            conn.execute(insert(subject_keys), rows)

    def hold(self, conn: Connection, subjects: Iterable[str]) -> None:
        """Make the keys of many subjects ready for sealing, in a transaction that writes, with few statements.

        Raises:
            ErasedSubjectError: one of them was erased.

        """
        held: dict[str, bytes] = conn.info.setdefault(HELD, {})
        wanted = sorted(set(subjects) - held.keys())
        for chunk in (wanted[i : i + CHUNK] for i in range(0, len(wanted), CHUNK)):
            found = self._lock_keys(conn, chunk)
            missing = [s for s in chunk if s not in found]
            if missing:
                rows = [(s, *self.masters.wrap(secrets.token_bytes(KEY_BYTES), s)) for s in missing]
                dialect: Any = postgresql if conn.dialect.name == "postgresql" else sqlite
                conn.execute(
                    dialect.insert(subject_keys).on_conflict_do_nothing(),
                    [{"subject_id": s, "master": master, "wrapped": wrapped} for s, master, wrapped in rows],
                )
                found |= self._lock_keys(conn, missing)
            for subject, (master, wrapped) in found.items():
                held[subject] = self.unwrapped(subject, master, wrapped)

    def _lock_keys(self, conn: Connection, subjects: list[str]) -> dict[str, tuple[str | None, bytes | None]]:
        query = select(subject_keys).where(subject_keys.c.subject_id.in_(subjects)).with_for_update(read=True)
        return {row.subject_id: (row.master, row.wrapped) for row in conn.execute(query)}

    def _for_writing(self, conn: Connection, subject: str) -> bytes:
        held: dict[str, bytes] = conn.info.setdefault(HELD, {})
        if subject not in held:
            self.hold(conn, (subject,))
        return held[subject]

    def _keep(self, subject: str, wrapped: bytes, key: bytes) -> None:
        with self._lock:
            self._kept[subject] = wrapped, key
            self._kept.move_to_end(subject)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)


def with_vault(engine: Engine, vault: Vault) -> Engine:
    """The same engine, whose connections know the vault."""
    return engine.execution_options(**{VAULT: vault})


def vault_of(conn: Connection) -> Vault:
    """The vault of a connection.

    Raises:
        VaultError: the engine was opened without one.

    """
    found: Vault | None = conn.get_execution_options().get(VAULT)
    if found is None:
        message = "数据库没有连同主密钥打开，封存的内容读不了"
        raise VaultError(message)
    return found


def _key(subject: str) -> Any:
    return select(subject_keys.c.master, subject_keys.c.wrapped).where(subject_keys.c.subject_id == subject)


def _label(subject: str, label: str) -> bytes:
    return f"xinheng {label} {subject}".encode()


def _encrypt(cipher: int, key: bytes, nonce: bytes, content: bytes, label: bytes) -> bytes:
    if cipher == 0:
        return aes_gcm()(key).encrypt(nonce, content, label)
    from cryptography.hazmat.primitives.ciphers import Cipher as Mode  # noqa: PLC0415 - few use SM4
    from cryptography.hazmat.primitives.ciphers import algorithms, modes  # noqa: PLC0415 - as above

    encryptor = Mode(algorithms.SM4(key[:SM4_KEY_BYTES]), modes.GCM(nonce)).encryptor()
    encryptor.authenticate_additional_data(label)
    return encryptor.update(content) + encryptor.finalize() + encryptor.tag


def _decrypt(cipher: int, key: bytes, nonce: bytes, sealed: bytes, label: bytes) -> bytes:
    if cipher == 0:
        return aes_gcm()(key).decrypt(nonce, sealed, label)
    from cryptography.hazmat.primitives.ciphers import Cipher as Mode  # noqa: PLC0415 - few use SM4
    from cryptography.hazmat.primitives.ciphers import algorithms, modes  # noqa: PLC0415 - as above

    content, tag = sealed[:-TAG_BYTES], sealed[-TAG_BYTES:]
    decryptor = Mode(algorithms.SM4(key[:SM4_KEY_BYTES]), modes.GCM(nonce, tag)).decryptor()
    decryptor.authenticate_additional_data(label)
    return decryptor.update(content) + decryptor.finalize()
