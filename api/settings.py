"""Settings, each from an environment variable `XINHENG_<NAME>`."""

from __future__ import annotations

from pathlib import Path

from pydantic_settings import BaseSettings, SettingsConfigDict


class Settings(BaseSettings):
    """Everything an installation may set. Limits are named in the error that they cause."""

    model_config = SettingsConfigDict(env_prefix="XINHENG_", frozen=True)

    database_url: str = "sqlite:///xinheng.db"
    secret_file: Path | None = None  # digests identity codes; made beside the database on first use
    engine_children: int = 2  # durable_rules processes; one decision keeps one of them busy for milliseconds
    database_connections: int = 40  # as many as there are request threads, so that none waits for a connection

    max_body_bytes: int = 1_048_576  # a filing with its facts is a few kilobytes
    max_records_bytes: int = 33_554_432  # 10,000 records of about 3 kB
    max_records: int = 10_000  # one transaction; more would keep other writers waiting for seconds on SQLite
    max_policy_bytes: int = 16_777_216  # the default bundle is under one megabyte
    max_page: int = 200  # a page is read and rendered in one go
