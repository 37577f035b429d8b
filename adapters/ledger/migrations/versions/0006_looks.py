"""Who looked: every read of a subject."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0006"
down_revision: str | None = "0005"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """Step forward."""
    op.create_table(
        "looks",
        sa.Column("id", KEY, nullable=False),
        sa.Column("subject_id", KEY, nullable=False),
        sa.Column("at", KEY, nullable=False),
        sa.Column("department", KEY, nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("key_id", KEY, nullable=False),
        sa.Column("what", KEY, nullable=False),
        sa.Column("case_id", KEY, nullable=True),
        sa.Column("about", sa.Text(), nullable=False),
        sa.Column("matter", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("stated", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", "subject_id", name=op.f("pk_looks")),
    )
    op.create_index("ix_looks_subject_id", "looks", ["subject_id", "at"])
    op.create_index("ix_looks_department", "looks", ["department", "at"])
