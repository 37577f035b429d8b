"""Master keys in a PKCS#11 token (an HSM): made there, and used without ever leaving it."""

from __future__ import annotations

import re
import secrets
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from adapters.vault.master import KEY_BYTES, NONCE_BYTES, FileMasterKeys, Journal, MasterKeyError, label_of

T = TypeVar("T")
TAG_BITS = 128
FRESH_SECONDS = 1.0
"""How long `wrap` goes by the keys it saw: a search costs several times what wrapping does, and an import wraps
thousands. What another process made in between is found by the next one, and an older key wraps as well."""
_NAME = re.compile(r"m([1-9][0-9]*)-[0-9a-f]{8}")


@dataclass(slots=True)
class _Opened:
    """A session in which the user is logged in, and the master keys seen in it, oldest first."""

    session: Any
    keys: dict[str, Any] = field(default_factory=dict)
    looked: float = 0.0

    def look(self) -> dict[str, Any]:
        """The master keys that are there now. The first is made if there is none.

        Raises:
            PKCS11Error: there were some in this session, and there are none: that is how a token that is gone looks.

        """
        api = _api()
        wanted = {api.Attribute.CLASS: api.ObjectClass.SECRET_KEY, api.Attribute.KEY_TYPE: api.KeyType.AES}
        labelled = {str(key[api.Attribute.LABEL]): key for key in list(self.session.get_objects(wanted))}
        names = sorted((int(found[1]), name) for name in labelled if (found := _NAME.fullmatch(name)))
        if self.keys and not names:
            raise api.TokenNotPresent
        self.keys = {name: labelled[name] for _, name in names} or self._made(1)
        self.looked = time.monotonic()
        return self.keys

    def make(self) -> str:
        """A new key, in the token and nowhere else; its name."""
        last = _NAME.fullmatch(next(reversed(self.look())))
        assert last is not None
        made = self._made(int(last[1]) + 1)
        self.keys |= made
        return next(iter(made))

    def key(self, name: str) -> Any:
        """A key by its name.

        Raises:
            PKCS11Error: it is not there.

        """
        found = self.keys.get(name) or self.look().get(name)
        if found is None:
            raise _api().NoSuchKey
        return found

    def _made(self, number: int) -> dict[str, Any]:
        api = _api()
        name = f"m{number}-{secrets.token_hex(4)}"
        template = {
            api.Attribute.LABEL: name, api.Attribute.PRIVATE: True, api.Attribute.SENSITIVE: True,
            api.Attribute.EXTRACTABLE: False, api.Attribute.MODIFIABLE: False,
        }  # fmt: skip
        use = api.MechanismFlag.ENCRYPT | api.MechanismFlag.DECRYPT
        key = self.session.generate_key(api.KeyType.AES, KEY_BYTES * 8, store=True, capabilities=use, template=template)
        return {name: key}


_LOCK = threading.Lock()
"""Held for every call into a library: they are initialised without locks of their own, once for the process."""
_OPEN: dict[tuple[str, str], _Opened] = {}
"""The session of each token (module, label): whoever is logged in is so for the whole process."""


class Pkcs11MasterKeys:
    """AES-256 keys in a token, labelled `m1-…`, `m2-…`, neither readable nor extractable; the token's AES-GCM wraps.

    The token is first touched when a key is needed. It is for one database: what is labelled like that is taken for a
    master key. `earlier` is the file from before there was a token: it still opens what it wrapped, if it is there.
    """

    def __init__(
        self, module: Path, token: str, pin_file: Path, journal: Path, *, earlier: FileMasterKeys | None = None
    ) -> None:
        self._module, self._token, self._pin_file = str(module), token, pin_file
        self._journal = Journal(journal)
        self._earlier = earlier
        self._refused: str | None = None

    def current(self) -> str:
        """See `MasterKeys.current`."""
        return self._run(lambda opened: next(reversed(opened.look())))

    def known(self) -> tuple[str, ...]:
        """See `MasterKeys.known`."""
        return self._in_file() + self._run(lambda opened: tuple(opened.look()))

    def wrap(self, key: bytes, subject: str) -> tuple[str, bytes]:
        """See `MasterKeys.wrap`."""
        nonce = secrets.token_bytes(NONCE_BYTES)

        def wrapped(opened: _Opened) -> tuple[str, bytes]:
            fresh = opened.keys and time.monotonic() - opened.looked < FRESH_SECONDS
            name, master = next(reversed((opened.keys if fresh else opened.look()).items()))
            return name, nonce + bytes(master.encrypt(key, **_gcm(nonce, name, subject)))

        return self._run(wrapped)

    def unwrap(self, master: str, wrapped: bytes, subject: str) -> bytes:
        """See `MasterKeys.unwrap`."""
        if self._earlier is not None and master in self._in_file():
            return self._earlier.unwrap(master, wrapped, subject)
        nonce, sealed = wrapped[:NONCE_BYTES], wrapped[NONCE_BYTES:]
        wrong = f"主密钥 {master} 打不开主体 {subject} 的密钥"

        def unwrapped(opened: _Opened) -> bytes:
            found = opened.key(master)
            try:
                return bytes(found.decrypt(sealed, **_gcm(nonce, master, subject)))
            except (_api().EncryptedDataInvalid, _api().EncryptedDataLenRange) as error:
                raise MasterKeyError(wrong) from error

        return self._run(unwrapped, master, wrong)

    def unwrapping(self) -> Callable[[str, bytes, str], bytes]:
        """See `MasterKeys.unwrapping`."""
        return self.unwrap

    def rotate(self) -> str:
        """See `MasterKeys.rotate`."""
        return self._run(_Opened.make)

    def retire(self, master: str) -> None:
        """See `MasterKeys.retire`."""
        if self._earlier is not None and master in self._in_file():
            message = f"主密钥 {master} 不在令牌里，在 {self._earlier.path}；删去该文件，就停用了它"
            raise MasterKeyError(message)

        def retired(opened: _Opened) -> None:
            if master == next(reversed(opened.look())):
                message = f"主密钥 {master} 正在使用，不能停用"
                raise MasterKeyError(message)
            opened.key(master).destroy()
            del opened.keys[master]

        self._run(retired, master)

    def forget(self, subjects: Iterable[str]) -> None:
        """See `MasterKeys.forget`."""
        self._journal.forget(subjects)

    def forgotten(self) -> frozenset[str]:
        """See `MasterKeys.forgotten`."""
        return self._journal.forgotten()

    def _in_file(self) -> tuple[str, ...]:
        # asked for its keys, a file that is not there would be made
        return self._earlier.known() if self._earlier is not None and self._earlier.path.exists() else ()

    def _run(self, act: Callable[[_Opened], T], master: str = "", wrong: str = "") -> T:
        """Do something in the token; once more in a new session if the one there was may have been lost.

        Tokens report in their own ways what is wrong (SoftHSM says *general error* to a wrong tag as well as to a token
        that is gone), so whatever fails in a session just opened is the fault of what was asked: `wrong` says so.
        """
        api = _api()
        with _LOCK:
            lasting = _OPEN.get((self._module, self._token))
            if lasting is not None:
                try:
                    return act(lasting)
                except api.PKCS11Error:
                    self._close()
            opened = self._open()
            try:
                return act(opened)
            except api.PKCS11Error as error:
                self._close()
                if isinstance(error, api.NoSuchKey):
                    message = f"没有主密钥 {master}"
                else:
                    message = wrong or f"令牌 {self._token} 做不到：{_named(error)}"
                raise MasterKeyError(message) from error

    def _open(self) -> _Opened:
        api = _api()
        try:
            pin = self._pin_file.read_text(encoding="utf-8").strip()
        except (OSError, ValueError) as error:
            message = f"{self._pin_file}：{error.strerror if isinstance(error, OSError) else '不是文本'}"
            raise MasterKeyError(message) from error
        if pin == self._refused:  # a few wrong ones lock the token
            message = f"令牌 {self._token} 不接受 {self._pin_file} 里的 PIN；改正以前不再尝试，以免锁住令牌"
            raise MasterKeyError(message)
        try:
            session = api.lib(self._module).get_token(token_label=self._token).open(rw=True, user_pin=pin)
        except api.PKCS11Error as error:
            self._close()
            if isinstance(error, api.PinIncorrect | api.PinInvalid | api.PinLenRange | api.PinLocked | api.PinExpired):
                self._refused = pin
            message = f"令牌 {self._token} 不可用：{_named(error)}"
            raise MasterKeyError(message) from error
        opened = _OPEN[self._module, self._token] = _Opened(session)
        return opened

    def _close(self) -> None:
        """Let go of the library: some see a token that has come back only once they are initialised anew."""
        for other in [other for other in _OPEN if other[0] == self._module]:
            del _OPEN[other]
        with suppress(_api().PKCS11Error):
            _api().lib(self._module).finalize()


@cache
def _api() -> Any:
    """The library python-pkcs11, which only an installation with a token has."""
    try:
        import pkcs11  # noqa: PLC0415 - see above
    except ModuleNotFoundError as error:
        message = "没有安装 python-pkcs11：pip install 'xinheng[hsm]'"
        raise MasterKeyError(message) from error
    return pkcs11


def _gcm(nonce: bytes, master: str, subject: str) -> dict[str, Any]:
    api = _api()
    parameters = api.GCMParams(nonce, label_of(master, subject), TAG_BITS)
    return {"mechanism": api.Mechanism.AES_GCM, "mechanism_param": parameters}


_WORDS = {
    "NoSuchToken": "没有这个标签的令牌",
    "MultipleTokensReturned": "有几个令牌都是这个标签",
    "TokenNotPresent": "令牌已拔出",
    "DeviceRemoved": "令牌已拔出",
    "PinIncorrect": "PIN 不对",
    "PinLocked": "PIN 已锁住",
    "PinExpired": "PIN 已过期",
    "MechanismInvalid": "它没有 AES-GCM 或者不能产生 AES 密钥",
}


def _named(error: Exception) -> str:
    name = type(error).__name__
    return _WORDS.get(name) or str(error) or name
