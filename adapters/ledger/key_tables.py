"""The table of subjects' keys. Without the master key, which is kept elsewhere, it opens nothing."""

from __future__ import annotations

from sqlalchemy import Column, LargeBinary, Table

from adapters.ledger.tables import Key, metadata

subject_keys = Table(
    "subject_keys",
    metadata,
    Column("subject_id", Key, primary_key=True),
    Column("master", Key, index=True),  # id of the master key that wraps it; none: destroyed
    Column("wrapped", LargeBinary),
    Column("destroyed_at", Key),
)
