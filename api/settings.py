"""Settings, each from an environment variable `XINHENG_<NAME>`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, Field, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from adapters.ledger.vault import Cipher
from adapters.office.intake import MAX_LINES
from adapters.office.proofs import DELAY
from adapters.policy_checks import MEGABYTES, SECONDS
from api.clock import now


def _going(clock: Path) -> Path:
    """A clock that says no time stops the start, not the first request."""
    now(clock)
    return clock


class Settings(BaseSettings):
    """Everything an installation may set. Limits are named in the error that they cause."""

    model_config = SettingsConfigDict(env_prefix="XINHENG_", frozen=True)

    database_url: str = "sqlite:///xinheng.db"
    secret_file: Path | None = None  # digests identity codes; made beside the database on first use
    signing_key_file: Path | None = None  # signs what puts policy in force; made beside the database on first use
    log_key_file: Path | None = None  # signs what is proved of the log; made beside the database on first use
    # an event is in a checkpoint within seconds; the rest is for restarts of the worker
    merge_delay: Annotated[int, Field(ge=30)] = DELAY
    log_hash: Literal["sha256", "sm3"] = "sha256"  # of a log that is yet to begin; one that has begun keeps its own
    # an authority (RFC 3161) that timestamps the log's checkpoints, and the root certificates (PEM) of its signature
    tsa_url: str | None = None
    tsa_roots: Path | None = None
    master_key_file: Path | None = None  # wraps the keys of subjects; made beside the database on first use
    # with a module, master keys are in its token; the file only opens what it wrapped before
    pkcs11_module: Path | None = None
    pkcs11_token: str | None = None  # the token's label
    pkcs11_pin_file: Path | None = None
    erased_file: Path | None = None  # who was erased; beside the master keys, and like them not with backups
    cipher: Cipher = "aes-256-gcm"  # of what is sealed from now on; what is sealed already keeps its own
    law_texts: Path | None = None  # a folder with the texts of laws, against which a proposal's citations are held
    # a proposal is checked in a process of its own: 1,000 rules take a minute of one core
    check_seconds: Annotated[float, Field(gt=0)] = SECONDS
    check_megabytes: Annotated[int, Field(ge=256)] = MEGABYTES  # the engine and its solver map some 100 empty
    engine_children: Annotated[int, Field(ge=1)] = (
        2  # durable_rules processes; a decision keeps one busy for milliseconds
    )
    # a file that says what is now, for demonstrations and tests
    simulated_clock: Annotated[Path, AfterValidator(_going)] | None = None
    database_connections: int = 40  # as many as there are request threads, so that none waits for a connection

    max_body_bytes: int = 1_048_576  # a filing with its facts is a few kilobytes
    max_records_bytes: int = 33_554_432  # 10,000 records of about 3 kB
    max_record_bytes: int = 65_536  # one line; the longest field of the catalogue is a paragraph of a decision
    # one transaction; more would keep other writers waiting for seconds on SQLite
    max_records: Annotated[int, Field(ge=1, le=MAX_LINES)] = MAX_LINES
    max_policy_bytes: int = 16_777_216  # the default bundle is under one megabyte

    # A code has 80 bits: these bound the load and the noise of guessing, not its chances.
    # A person mistypes a few times, and a public hall shares one address; failures only are counted
    portal_attempts: Annotated[int, Field(ge=1)] = 10
    # each failure costs one write to the database; from everywhere, so that many addresses gain nothing
    portal_attempts_total: Annotated[int, Field(ge=1)] = 600
    portal_window_seconds: Annotated[int, Field(ge=1)] = 600  # long enough to be felt, short enough to be waited for

    @model_validator(mode="after")
    def _token_with_module(self) -> Self:
        """A module alone would be noticed by the first command that opens something."""
        if self.pkcs11_module is not None and (not self.pkcs11_token or self.pkcs11_pin_file is None):
            message = (
                "XINHENG_PKCS11_MODULE 要有 XINHENG_PKCS11_TOKEN（令牌标签）和 XINHENG_PKCS11_PIN_FILE（PIN 文件）"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _roots_with_authority(self) -> Self:
        """An authority whose answers nobody can verify would stamp nothing."""
        if self.tsa_url is not None and self.tsa_roots is None:
            message = "XINHENG_TSA_URL 要有 XINHENG_TSA_ROOTS：时间戳机构的根证书（PEM 文件）"
            raise ValueError(message)
        return self
