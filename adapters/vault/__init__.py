"""Where the master key is kept that wraps the keys of subjects."""

from __future__ import annotations

from adapters.vault.master import FileMasterKeys, MasterKeyError, MasterKeys
from adapters.vault.pkcs11 import Pkcs11MasterKeys

__all__ = ["FileMasterKeys", "MasterKeyError", "MasterKeys", "Pkcs11MasterKeys"]
