"""Due process and time: clocks, remedies, messages, workers, letters, codes for subjects."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0002"
down_revision: str | None = "0001"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")
NEVER = "9999-12-31"


def upgrade() -> None:
    """Step forward."""
    no = sa.false()
    op.add_column("cases", sa.Column("marked", sa.Boolean(), nullable=False, server_default=no))
    op.add_column("cases", sa.Column("suspended", sa.Boolean(), nullable=False, server_default=no))
    op.add_column("cases", sa.Column("wake_on", KEY, nullable=False, server_default=NEVER))
    op.add_column("cases", sa.Column("process", sa.Text(), nullable=False, server_default="{}"))
    op.create_index("ix_cases_wake_on", "cases", ["wake_on"])
    op.add_column("obligations", sa.Column("rearm_by", KEY, nullable=True))
    op.add_column("obligations", sa.Column("effective_on", KEY, nullable=True))
    op.add_column("obligations", sa.Column("expires_on", KEY, nullable=True))
    op.add_column("obligations", sa.Column("rungs", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("obligations", sa.Column("quiet", sa.Boolean(), nullable=False, server_default=no))
    op.add_column("obligations", sa.Column("wake_on", KEY, nullable=False, server_default=NEVER))
    op.execute("UPDATE obligations SET provisional = '{}'")
    op.create_index("ix_obligations_wake_on", "obligations", ["wake_on"])
    op.create_table(
        "messages",
        sa.Column("id", KEY, nullable=False),
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("department_id", KEY, nullable=False),
        sa.Column("audience", KEY, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("obligation_id", KEY, nullable=True),
        sa.Column("due_on", KEY, nullable=True),
        sa.Column("at", KEY, nullable=False),
        sa.Column("delivered_at", KEY, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
    )
    op.create_index("ix_messages_department_id", "messages", ["department_id", "at", "id"])
    waiting = sa.text("delivered_at IS NULL")
    op.create_index(
        "ix_messages_waiting", "messages", ["at", "id"], sqlite_where=waiting, postgresql_where=waiting
    )
    op.create_table(
        "heartbeats",
        sa.Column("worker", KEY, nullable=False),
        sa.Column("at", KEY, nullable=False),
        sa.Column("period", sa.Integer(), nullable=False),
        sa.Column("canary_on", KEY, nullable=True),
        sa.Column("calendars", KEY, nullable=False),
        sa.PrimaryKeyConstraint("worker", name=op.f("pk_heartbeats")),
    )
    op.create_table(
        "documents",
        sa.Column("id", KEY, nullable=False),
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("party_id", KEY, nullable=True),
        sa.Column("context", KEY, nullable=False),
        sa.Column("template", KEY, nullable=True),
        sa.Column("docx", KEY, nullable=True),
        sa.Column("pdf", KEY, nullable=True),
        sa.Column("at", KEY, nullable=False),
        sa.Column("key_id", KEY, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_documents")),
    )
    op.create_index("ix_documents_case_id", "documents", ["case_id", "at"])
    op.create_table(
        "contents",
        sa.Column("digest", KEY, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_contents")),
    )
    op.create_table(
        "numbers",
        sa.Column("series", KEY, nullable=False),
        sa.Column("last", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("series", name=op.f("pk_numbers")),
    )
    op.create_table(
        "access_codes",
        sa.Column("digest", KEY, nullable=False),
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("party_id", KEY, nullable=False),
        sa.Column("issued_at", KEY, nullable=False),
        sa.Column("expires_at", KEY, nullable=False),
        sa.Column("key_id", KEY, nullable=False),
        sa.Column("used_at", KEY, nullable=True),
        sa.Column("session", KEY, nullable=True),
        sa.Column("session_until", KEY, nullable=True),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_access_codes")),
        sa.UniqueConstraint("session", name=op.f("uq_access_codes_session")),
    )
