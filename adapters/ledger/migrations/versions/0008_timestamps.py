"""Timestamps of checkpoints by an authority's clock."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0008"
down_revision: str | None = "0007"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Step forward."""
    op.create_table(
        "log_timestamps",
        sa.Column("size", SERIAL, autoincrement=False, nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.Column("proved_at", KEY, nullable=False),
        sa.Column("asked_at", KEY, nullable=False),
        sa.ForeignKeyConstraint(
            ["size"], ["log_checkpoints.size"], name=op.f("fk_log_timestamps_size_log_checkpoints")
        ),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_log_timestamps")),
    )
