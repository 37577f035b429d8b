"""Proofs: a Merkle tree over all events, its signed checkpoints, and who countersigns them."""

from __future__ import annotations

import secrets
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0004"
down_revision: str | None = "0003"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Step forward."""
    log = op.create_table(
        "log",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("origin", KEY, nullable=False),
        sa.Column("key", KEY, nullable=True),
        sa.Column("hash", KEY, nullable=True),
        sa.Column("mark", sa.BigInteger(), nullable=False),
        sa.Column("pending_mark", sa.BigInteger(), nullable=True),
        sa.Column("pending_transaction", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log")),
    )
    op.bulk_insert(log, [{"id": 1, "origin": f"xinheng-{secrets.token_hex(8)}", "mark": 0}])
    op.create_table(
        "log_leaves",
        sa.Column("number", SERIAL, autoincrement=False, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("event", KEY, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_log_leaves")),
        sa.UniqueConstraint("position", name=op.f("uq_log_leaves_position")),
        sa.UniqueConstraint("event", name=op.f("uq_log_leaves_event")),
    )
    op.create_table(
        "log_nodes",
        sa.Column("number", SERIAL, autoincrement=False, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_log_nodes")),
    )
    op.create_table(
        "log_checkpoints",
        sa.Column("size", SERIAL, autoincrement=False, nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("signature", KEY, nullable=False),
        sa.Column("at", KEY, nullable=False),
        sa.Column("late", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("size", name=op.f("pk_log_checkpoints")),
    )
    op.create_index("ix_log_checkpoints_at", "log_checkpoints", ["at"])
    op.create_table(
        "log_witnesses",
        sa.Column("key", KEY, nullable=False),
        sa.Column("department", KEY, nullable=False),
        sa.Column("registered_at", KEY, nullable=False),
        sa.Column("registered_by", sa.Text(), nullable=False),
        sa.Column("revoked_at", KEY, nullable=True),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_log_witnesses")),
    )
    op.create_table(
        "log_countersignatures",
        sa.Column("size", SERIAL, autoincrement=False, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("statement", sa.Text(), nullable=False),
        sa.Column("signature", KEY, nullable=False),
        sa.ForeignKeyConstraint(["key"], ["log_witnesses.key"], name=op.f("fk_log_countersignatures_key")),
        sa.ForeignKeyConstraint(["size"], ["log_checkpoints.size"], name=op.f("fk_log_countersignatures_size")),
        sa.PrimaryKeyConstraint("size", "key", name=op.f("pk_log_countersignatures")),
    )
