"""Replay: the compiled form of each policy version is kept."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0005"
down_revision: str | None = "0004"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")


def upgrade() -> None:
    """Step forward."""
    op.add_column("policies", sa.Column("ir", sa.LargeBinary(), nullable=True))
    op.add_column("policies", sa.Column("ir_digest", KEY, nullable=True))
    op.add_column("activations", sa.Column("ir", KEY, nullable=True))
