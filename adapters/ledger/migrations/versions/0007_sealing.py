"""Personal data is sealed under a key per subject."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0007"
down_revision: str | None = "0006"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """Step forward. Hashes of events cover what they say, so a ledger from before sealing cannot be carried over."""
    if op.get_bind().execute(sa.text("SELECT 1 FROM subjects LIMIT 1")).first() is not None:
        message = "此库的个人信息未封存，事件的哈希又覆盖其内容，不能升级；请留存旧库备查，另建新库"
        raise RuntimeError(message)
    op.create_table(
        "subject_keys",
        sa.Column("subject_id", KEY, nullable=False),
        sa.Column("master", KEY, nullable=True),
        sa.Column("wrapped", sa.LargeBinary(), nullable=True),
        sa.Column("destroyed_at", KEY, nullable=True),
        sa.PrimaryKeyConstraint("subject_id", name=op.f("pk_subject_keys")),
    )
    op.create_index("ix_subject_keys_master", "subject_keys", ["master"])
    op.add_column("events", sa.Column("words", sa.Text(), nullable=True))
    op.add_column("cases", sa.Column("words", sa.Text(), nullable=True))
    with op.batch_alter_table("decisions") as table:
        for name in ("document", "facts", "limits"):
            table.drop_column(name)
        table.add_column(sa.Column("subject_id", KEY, nullable=False))
        table.add_column(sa.Column("content", sa.LargeBinary(), nullable=True))
    op.create_index("ix_decisions_subject_id", "decisions", ["subject_id"])
    op.drop_table("contents")
    op.create_table(
        "contents",
        sa.Column("digest", KEY, nullable=False),
        sa.Column("subject_id", KEY, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_contents")),
    )
    op.create_index("ix_contents_subject_id", "contents", ["subject_id"])
    op.drop_table("identities")
    op.create_table(
        "identities",
        sa.Column("subject_id", KEY, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["subject_id"], ["subjects.id"], name=op.f("fk_identities_subject_id")),
        sa.PrimaryKeyConstraint("subject_id", name=op.f("pk_identities")),
    )
    with op.batch_alter_table("records") as table:
        table.drop_column("fields")
        table.add_column(sa.Column("fields", sa.LargeBinary(), nullable=False))
    op.drop_table("idempotency")
    op.create_table(
        "idempotency",
        sa.Column("key", KEY, nullable=False),
        sa.Column("principal", KEY, nullable=False),
        sa.Column("digest", KEY, nullable=False),
        sa.Column("subject_id", KEY, nullable=True),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("at", KEY, nullable=False),
        sa.PrimaryKeyConstraint("key", "principal", name=op.f("pk_idempotency")),
    )
    op.create_index("ix_idempotency_subject_id", "idempotency", ["subject_id"])
