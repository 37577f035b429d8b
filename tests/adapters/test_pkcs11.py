"""Master keys in a real token (SoftHSM2): they never leave it, and a pulled token is said so and awaited."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import pytest
from pydantic import ValidationError
from sqlalchemy import select

from adapters.ledger import read
from adapters.ledger.decisions import StoredDecision, decisions_of
from adapters.ledger.key_tables import subject_keys
from adapters.ledger.vault import Vault, with_vault
from adapters.office.erasing import rewrap, wrapped_with
from adapters.vault import FileMasterKeys, MasterKeyError, Pkcs11MasterKeys
from adapters.vault import pkcs11 as adapter
from api.assembly import vault_of
from api.settings import Settings
from tests.adapters.databases import Databases
from tests.adapters.support import Desk, open_desk

LIBRARY = Path("/usr/lib/softhsm/libsofthsm2.so")
pytestmark = pytest.mark.skipif(
    not LIBRARY.exists() or shutil.which("softhsm2-util") is None,
    reason="SoftHSM2 is not installed: apt-get install softhsm2",
)
PIN = "739164"
KEY = bytes(range(32))


@dataclass(frozen=True)
class Token:
    """A token of SoftHSM2, which is a folder."""

    folder: Path
    pin: Path
    journal: Path

    def masters(self, earlier: FileMasterKeys | None = None) -> Pkcs11MasterKeys:
        """Master keys in it."""
        return Pkcs11MasterKeys(LIBRARY, "xinheng", self.pin, self.journal, earlier=earlier)

    def pull(self) -> None:
        """Take the token out."""
        (found,) = (self.folder / "tokens").iterdir()
        found.rename(self.folder / "pulled")

    def put_back(self) -> None:
        """Put it in again."""
        (self.folder / "pulled").rename(self.folder / "tokens" / "again")


@pytest.fixture
def token(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Token]:
    """A fresh token."""
    config, pin = tmp_path / "softhsm2.conf", tmp_path / "pin"
    (tmp_path / "tokens").mkdir()
    config.write_text(f"directories.tokendir = {tmp_path / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n")
    pin.write_text(f"{PIN}\n")
    monkeypatch.setenv("SOFTHSM2_CONF", str(config))
    made = ("--init-token", "--free", "--label", "xinheng", "--so-pin", "51840962", "--pin", PIN)
    subprocess.run(["softhsm2-util", *made], check=True, capture_output=True)
    found = Token(tmp_path, pin, tmp_path / "erased")
    yield found
    found.masters()._close()


def test_a_key_is_made_in_the_token_and_cannot_be_taken_out(token: Token) -> None:
    """AES-256, sensitive and never extractable, good for nothing but encrypting and decrypting."""
    import pkcs11  # noqa: PLC0415 - where the token's library is missing, this may be too
    from pkcs11 import Attribute  # noqa: PLC0415 - as above

    masters = token.masters()
    name = masters.current()
    (opened,) = adapter._OPEN.values()
    key = opened.keys[name]
    no = ("EXTRACTABLE", "MODIFIABLE", "WRAP", "UNWRAP", "SIGN", "VERIFY", "DERIVE")
    yes = ("PRIVATE", "SENSITIVE", "ALWAYS_SENSITIVE", "NEVER_EXTRACTABLE", "LOCAL", "TOKEN", "ENCRYPT", "DECRYPT")

    assert (name[:3], masters.known()) == ("m1-", (name,))
    assert key[Attribute.VALUE_LEN] == 32
    assert {n: key[Attribute[n]] for n in no + yes} == dict.fromkeys(no, False) | dict.fromkeys(yes, True)
    with pytest.raises(pkcs11.AttributeSensitive):
        key[Attribute.VALUE]


def test_a_wrapped_key_opens_for_its_subject_under_its_master_and_unchanged(token: Token) -> None:
    """Anything else is refused in words, and the next one opens all the same."""
    masters = token.masters()
    name, wrapped = masters.wrap(KEY, "s1")
    again = masters.wrap(KEY, "s1")[1]
    newer = masters.rotate()
    flipped = bytes((*wrapped[:-1], wrapped[-1] ^ 1))

    assert masters.unwrap(name, wrapped, "s1") == KEY
    assert (len(wrapped), KEY in wrapped, wrapped == again) == (12 + 32 + 16, False, False)
    for bad in ((name, wrapped, "s2"), (newer, wrapped, "s1"), (name, flipped, "s1"), (name, b"", "s1")):
        with pytest.raises(MasterKeyError, match="打不开主体"):
            masters.unwrap(*bad)
    with pytest.raises(MasterKeyError, match="没有主密钥 m9-00000000"):
        masters.unwrap("m9-00000000", wrapped, "s1")
    assert masters.unwrap(name, wrapped, "s1") == KEY


def test_the_newest_is_the_highest_by_number(token: Token) -> None:
    """Ten comes after nine; other keys in the token are nobody's master key."""
    masters = token.masters()
    masters.current()
    (opened,) = adapter._OPEN.values()
    others = opened._made(10) | opened._made(9)
    newest, ninth = others

    assert masters.known()[1:] == (ninth, newest)
    assert (masters.current(), masters.wrap(KEY, "s")[0]) == (newest, newest)
    assert masters.rotate().startswith("m11-")


def test_a_database_moves_from_the_file_into_the_token_and_on_to_another_key(
    databases: Databases, token: Token
) -> None:
    """What the file wrapped opens until it is wrapped anew, then without the file; a retired key opens nothing."""
    with databases.fresh("sqlite") as fresh:
        file = FileMasterKeys(token.folder / "file.json")
        case = open_desk(with_vault(fresh, Vault(file))).file().case.id
        masters = token.masters(file)
        engine = with_vault(fresh, Vault(masters))
        desk = open_desk(engine)

        assert masters.known()[0] == file.current()
        assert all(d.content is not None for d in decided(desk, case))
        with pytest.raises(MasterKeyError, match="删去该文件"):
            masters.retire(file.current())
        first = masters.current()
        assert sum(rewrap(desk.office.context)) > 0
        assert set(wrapped_with(desk.office.context)) == {first}
        file.path.unlink()
        assert (masters.known(), file.path.exists()) == ((first,), False)

        with read(engine) as conn:
            row = conn.execute(select(subject_keys).limit(1)).one()
        second = masters.rotate()
        between = desk.file().case.id
        assert set(wrapped_with(desk.office.context)) == {first, second}
        assert sum(rewrap(desk.office.context, batch=1)) > 0
        with pytest.raises(MasterKeyError, match="正在使用"):
            masters.retire(second)
        masters.retire(first)

        assert (masters.known(), set(wrapped_with(desk.office.context))) == ((second,), {second})
        later = open_desk(with_vault(fresh, Vault(token.masters())))
        assert all(d.content is not None for c in (case, between) for d in decided(later, c))
        for gone in (row.master, "m7-00000000"):
            with pytest.raises(MasterKeyError, match=f"没有主密钥 {gone}"):
                masters.unwrap(gone, row.wrapped, row.subject_id)
            with pytest.raises(MasterKeyError, match=f"没有主密钥 {gone}"):
                masters.retire(gone)


OTHER = """
import sys
from pathlib import Path
from adapters.vault import Pkcs11MasterKeys
module, pin, journal, name, wrapped = sys.argv[1:]
masters = Pkcs11MasterKeys(Path(module), "xinheng", Path(pin), Path(journal))
assert masters.unwrap(name, bytes.fromhex(wrapped), "s1") == bytes(range(32))
masters.forget(["gone"])
newer = masters.rotate()
print(newer, *(w if isinstance(w, str) else w.hex() for w in masters.wrap(bytes(range(32)), "s2")))
masters.retire(name)
"""


def test_two_processes_share_a_token(token: Token) -> None:
    """What the other made, wrapped, retired and erased is found here at the next call, in the session that is open."""
    masters = token.masters()
    name, wrapped = masters.wrap(KEY, "s1")
    command = [sys.executable, "-c", OTHER, str(LIBRARY), str(token.pin), str(token.journal), name, wrapped.hex()]
    newer, by, made = subprocess.run(command, check=True, capture_output=True, text=True).stdout.split()

    assert by == newer
    assert masters.wrap(KEY, "s3")[0] in {name, newer}
    assert masters.unwrap(by, bytes.fromhex(made), "s2") == KEY
    assert (masters.current(), masters.known(), masters.forgotten()) == (newer, (newer,), {"gone"})
    with pytest.raises(MasterKeyError, match=f"没有主密钥 {name}"):
        masters.unwrap(name, wrapped, "s1")


def test_a_pulled_token_is_said_so_and_awaited(token: Token) -> None:
    """Whatever is asked fails in words while it is away; no key is made in its absence; then all goes on."""
    masters = token.masters()
    name, wrapped = masters.wrap(KEY, "s1")
    token.pull()
    for ask in (masters.current, masters.rotate, lambda: masters.unwrap(name, wrapped, "s1"),
                lambda: masters.wrap(KEY, "s2"), lambda: masters.retire("m1-00000000")):  # fmt: skip
        with pytest.raises(MasterKeyError, match="令牌 xinheng 不可用：没有这个标签的令牌"):
            ask()
    token.put_back()

    assert masters.unwrap(name, wrapped, "s1") == KEY
    assert masters.known() == (name,)


@pytest.mark.parametrize("ask", ["current", "known", "unwrap", "wrap"])
def test_a_session_lost_meanwhile_is_opened_anew(token: Token, ask: str) -> None:
    """The token was away for a moment between two calls; nobody has to notice."""
    masters = token.masters()
    name, wrapped = masters.wrap(KEY, "s1")
    token.pull()
    with pytest.raises(adapter._api().TokenNotPresent):
        next(iter(adapter._OPEN.values())).look()
    token.put_back()
    answers = {
        "current": masters.current, "known": lambda: masters.known()[0],
        "unwrap": lambda: masters.unwrap(name, wrapped, "s1"), "wrap": lambda: masters.wrap(KEY, "s2")[0],
    }  # fmt: skip

    assert answers[ask]() == (KEY if ask == "unwrap" else name)


def test_a_wrong_pin_is_tried_once(token: Token) -> None:
    """A service that went on trying would lock the token; a corrected file is read at the next call."""
    masters = token.masters()
    token.pin.write_text("000000")
    with pytest.raises(MasterKeyError, match="PIN 不对"):
        masters.current()
    with pytest.raises(MasterKeyError, match="不再尝试"):
        masters.current()
    token.pin.write_text(PIN)

    assert masters.current().startswith("m1-")
    token.pin.unlink()
    with pytest.raises(MasterKeyError, match="pin：No such file"):
        Pkcs11MasterKeys(LIBRARY, "other", token.pin, token.journal).current()


def test_what_is_set_wrong_is_named(token: Token) -> None:
    """A library that is none, and a label that no token has."""
    for module, label, words in (
        (token.pin, "xinheng", "令牌 xinheng 不可用：.*invalid ELF|file too short"),
        (token.folder / "none.so", "xinheng", "none.so"),
        (LIBRARY, "xinhang", "令牌 xinhang 不可用：没有这个标签的令牌"),
    ):
        with pytest.raises(MasterKeyError, match=words):
            Pkcs11MasterKeys(module, label, token.pin, token.journal).current()


def test_threads_take_turns(token: Token) -> None:
    """One session serves them all, and each gets its own key back, with a fault of one in between."""
    masters = token.masters()

    def there_and_back(number: int) -> bool:
        key, subject = secrets.token_bytes(32), f"s{number}"
        name, wrapped = masters.wrap(key, subject)
        if number % 20 == 7:
            with pytest.raises(MasterKeyError):
                masters.unwrap(name, wrapped, "another")
        return masters.unwrap(name, wrapped, subject) == key

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(there_and_back, range(60)))
    assert len(masters.known()) == 1


def test_the_settings_choose_the_token(token: Token, monkeypatch: pytest.MonkeyPatch) -> None:
    """With a module the vault is in the token, with the journal where the file's is; half a setting is refused."""
    url = f"sqlite:///{token.folder / 'x.db'}"
    with pytest.raises(ValidationError, match="XINHENG_PKCS11_TOKEN"):
        Settings(database_url=url, pkcs11_module=LIBRARY)
    before = vault_of(Settings(database_url=url)).masters
    before.forget(["gone"])
    monkeypatch.setenv("XINHENG_PKCS11_MODULE", os.fspath(LIBRARY))
    monkeypatch.setenv("XINHENG_PKCS11_TOKEN", "xinheng")
    monkeypatch.setenv("XINHENG_PKCS11_PIN_FILE", str(token.pin))
    masters = vault_of(Settings(database_url=url)).masters

    assert isinstance(before, FileMasterKeys)
    assert isinstance(masters, Pkcs11MasterKeys)
    assert masters.known() == (masters.current(),)
    assert masters.forgotten() == {"gone"}
    assert not (token.folder / "x.db.master-keys.json").exists()
    monkeypatch.setenv("XINHENG_ERASED_FILE", str(token.folder / "elsewhere"))
    assert vault_of(Settings(database_url=url)).masters.forgotten() == frozenset()


def decided(desk: Desk, case: str) -> tuple[StoredDecision, ...]:
    """The decisions of a case."""
    with read(desk.engine) as conn:
        return decisions_of(conn, case)
