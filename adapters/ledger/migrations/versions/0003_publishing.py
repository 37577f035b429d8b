"""Publishing: proposals with checks, activations from a date with signatures, live cases that follow."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0003"
down_revision: str | None = "0002"
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Step forward."""
    conn = op.get_bind()
    stored = conn.execute(sa.text("SELECT * FROM policies ORDER BY proposed_at, version")).mappings().all()
    put_in_force = conn.execute(sa.text("SELECT * FROM activations ORDER BY id")).mappings().all()
    op.create_table(
        "proposals",
        sa.Column("id", SERIAL, sa.Identity(always=False), nullable=False),
        sa.Column("version", KEY, nullable=False),
        sa.Column("base", KEY, nullable=True),
        sa.Column("rollback", sa.Boolean(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("from_on", KEY, nullable=True),
        sa.Column("migration", KEY, nullable=False),
        sa.Column("checks", sa.Text(), nullable=False),
        sa.Column("checks_digest", KEY, nullable=False),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.Column("changes_digest", KEY, nullable=False),
        sa.Column("proposed_at", KEY, nullable=False),
        sa.Column("proposed_department", KEY, nullable=False),
        sa.Column("proposed_officer", sa.Text(), nullable=False),
        sa.Column("proposed_key", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("closed_at", KEY, nullable=True),
        sa.Column("closed_by", sa.Text(), nullable=True),
        sa.Column("closed_key", KEY, nullable=True),
        sa.Column("remark", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["version"], ["policies.version"], name=op.f("fk_proposals_version")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_proposals")),
    )
    is_open = sa.text("state = 'open'")
    op.create_index(
        "ix_proposals_open", "proposals", ["version"], unique=True, sqlite_where=is_open, postgresql_where=is_open
    )
    op.drop_table("activations")
    op.create_table(
        "activations",
        sa.Column("id", SERIAL, sa.Identity(always=False), nullable=False),
        sa.Column("act", KEY, nullable=False),
        sa.Column("version", KEY, nullable=False),
        sa.Column("replaces", KEY, nullable=True),
        sa.Column("proposal_id", SERIAL, nullable=False),
        sa.Column("effective_from", KEY, nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=False),
        sa.Column("approved_key", KEY, nullable=False),
        sa.Column("approved_at", KEY, nullable=False),
        sa.Column("remark", sa.Text(), nullable=False),
        sa.Column("previous", KEY, nullable=True),
        sa.Column("signer", KEY, nullable=True),
        sa.Column("signature", KEY, nullable=True),
        sa.ForeignKeyConstraint(["proposal_id"], ["proposals.id"], name=op.f("fk_activations_proposal_id")),
        sa.ForeignKeyConstraint(["version"], ["policies.version"], name=op.f("fk_activations_version")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activations")),
    )
    op.create_table(
        "case_migrations",
        sa.Column("activation_id", SERIAL, nullable=False),
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("at", KEY, nullable=False),
        sa.ForeignKeyConstraint(["activation_id"], ["activations.id"], name=op.f("fk_case_migrations_activation_id")),
        sa.PrimaryKeyConstraint("activation_id", "case_id", name=op.f("pk_case_migrations")),
    )
    _carry_over(conn, stored, put_in_force)
    for name in ("proposed_at", "proposed_department", "proposed_officer", "proposed_key"):
        op.drop_column("policies", name)


def _carry_over(conn: sa.Connection, stored: Sequence[sa.RowMapping], put_in_force: Sequence[sa.RowMapping]) -> None:
    """What was in force stays so from when it was approved; what was only proposed was never checked, and lapses."""
    first = {row["version"]: row for row in reversed(put_in_force)}
    numbers = {row["version"]: number for number, row in enumerate(stored, start=1)}
    for row in stored:
        given = first.get(row["version"])
        conn.execute(
            sa.text(
                "INSERT INTO proposals (id, version, rollback, reason, migration, checks, checks_digest, changes, "
                "changes_digest, proposed_at, "
                "proposed_department, proposed_officer, proposed_key, state, closed_at, closed_by, closed_key, remark) "
                "VALUES (:id, :version, :rollback, '', 'keep', '[]', :checks, '{}', :changes, :proposed_at, :proposed_department, "
                ":proposed_officer, :proposed_key, :state, :closed_at, :closed_by, :closed_key, :remark)"
            ),
            {
                "id": numbers[row["version"]], "version": row["version"], "rollback": False,
                "checks": hashlib.sha256(b"[]").hexdigest(), "changes": hashlib.sha256(b"{}").hexdigest(),
                "proposed_at": row["proposed_at"], "proposed_department": row["proposed_department"],
                "proposed_officer": row["proposed_officer"], "proposed_key": row["proposed_key"],
                "state": "approved" if given else "withdrawn",
                "closed_at": given["approved_at"] if given else row["proposed_at"],
                "closed_by": given["approved_by"] if given else None,
                "closed_key": given["approved_key"] if given else None,
                "remark": None if given else "系统升级前提出，未经检查，须重新提出",
            },
        )
    before = None
    for row in put_in_force:
        conn.execute(
            sa.text(
                "INSERT INTO activations (id, act, version, replaces, proposal_id, effective_from, approved_by, "
                "approved_key, approved_at, remark) VALUES (:id, :act, :version, :replaces, :proposal, :at, "
                ":approved_by, :approved_key, :at, '')"
            ),
            {
                "id": row["id"], "act": "approval" if before else "first", "version": row["version"],
                "replaces": before, "proposal": numbers[row["version"]], "at": row["approved_at"],
                "approved_by": row["approved_by"], "approved_key": row["approved_key"],
            },
        )
        before = row["version"]
    if conn.dialect.name == "postgresql":
        for table, last in (("proposals", len(stored)), ("activations", put_in_force[-1]["id"] if put_in_force else 0)):
            if last:
                conn.execute(sa.text(f"SELECT setval(pg_get_serial_sequence('{table}', 'id'), {last})"))
