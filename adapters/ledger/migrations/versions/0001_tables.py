"""The ledger's tables."""

from collections.abc import Sequence

import sqlalchemy as sa
from alembic import op

revision: str = "0001"
down_revision: str | None = None
branch_labels: str | Sequence[str] | None = None
depends_on: str | Sequence[str] | None = None

KEY = sa.String().with_variant(sa.String(collation="C"), "postgresql")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Step forward."""
    op.create_table(
        "api_keys",
        sa.Column("id", KEY, nullable=False),
        sa.Column("digest", KEY, nullable=False),
        sa.Column("department", KEY, nullable=False),
        sa.Column("roles", KEY, nullable=False),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("created_at", KEY, nullable=False),
        sa.Column("revoked_at", KEY, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("digest", name=op.f("uq_api_keys_digest")),
    )
    op.create_table(
        "cases",
        sa.Column("id", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("head_hash", KEY, nullable=False),
        sa.Column("subject_id", KEY, nullable=False),
        sa.Column("list_id", KEY, nullable=False),
        sa.Column("list_title", sa.Text(), nullable=False),
        sa.Column("list_kind", KEY, nullable=False),
        sa.Column("severe", sa.Boolean(), nullable=False),
        sa.Column("initiator", KEY, nullable=False),
        sa.Column("policy_version", KEY, nullable=False),
        sa.Column("decision", KEY, nullable=False),
        sa.Column("listing_key", KEY, nullable=False),
        sa.Column("as_of", KEY, nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("unclosed", sa.Integer(), nullable=False),
        sa.Column("filed_on", KEY, nullable=False),
        sa.Column("ended_on", KEY, nullable=True),
        sa.Column("ground", KEY, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_cases")),
    )
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.create_index("ix_cases_initiator", ["initiator", "id"], unique=False)
        batch_op.create_index("ix_cases_subject_id", ["subject_id", "state"], unique=False)
        batch_op.create_index(
            "uq_cases_listing_key",
            ["listing_key"],
            unique=True,
            sqlite_where=sa.text("ended_on IS NULL"),
            postgresql_where=sa.text("ended_on IS NULL"),
        )

    op.create_table(
        "checks",
        sa.Column("id", KEY, nullable=False),
        sa.Column("at", KEY, nullable=False),
        sa.Column("department", KEY, nullable=False),
        sa.Column("officer", sa.Text(), nullable=False),
        sa.Column("key_id", KEY, nullable=False),
        sa.Column("subject_id", KEY, nullable=True),
        sa.Column("matter", KEY, nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("answer", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_checks")),
    )
    with op.batch_alter_table("checks", schema=None) as batch_op:
        batch_op.create_index("ix_checks_subject_id", ["subject_id", "at"], unique=False)

    op.create_table(
        "decisions",
        sa.Column("digest", KEY, nullable=False),
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("policy_version", KEY, nullable=False),
        sa.Column("as_of", KEY, nullable=False),
        sa.Column("listing_key", KEY, nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("limits", sa.Text(), nullable=False),
        sa.Column("made_at", KEY, nullable=False),
        sa.PrimaryKeyConstraint("digest", name=op.f("pk_decisions")),
    )
    with op.batch_alter_table("decisions", schema=None) as batch_op:
        batch_op.create_index(batch_op.f("ix_decisions_case_id"), ["case_id"], unique=False)

    op.create_table(
        "edges",
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("before_id", KEY, nullable=False),
        sa.Column("after_id", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.PrimaryKeyConstraint("before_id", "after_id", "kind", name=op.f("pk_edges")),
    )
    with op.batch_alter_table("edges", schema=None) as batch_op:
        batch_op.create_index("ix_edges_after_id", ["after_id"], unique=False)
        batch_op.create_index("ix_edges_case_id", ["case_id"], unique=False)

    op.create_table(
        "events",
        sa.Column("position", SERIAL, sa.Identity(always=False), nullable=False),
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("type", KEY, nullable=False),
        sa.Column("on", KEY, nullable=False),
        sa.Column("at", KEY, nullable=False),
        sa.Column("actor_department", KEY, nullable=False),
        sa.Column("actor_officer", sa.Text(), nullable=False),
        sa.Column("key_id", KEY, nullable=False),
        sa.Column("payload", sa.Text(), nullable=False),
        sa.Column("prev_hash", KEY, nullable=False),
        sa.Column("hash", KEY, nullable=False),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_events")),
        sa.UniqueConstraint("case_id", "version", name=op.f("uq_events_case_id_version")),
    )
    op.create_table(
        "idempotency",
        sa.Column("key", KEY, nullable=False),
        sa.Column("principal", KEY, nullable=False),
        sa.Column("digest", KEY, nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("at", KEY, nullable=False),
        sa.PrimaryKeyConstraint("key", "principal", name=op.f("pk_idempotency")),
    )
    op.create_table(
        "limits",
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("rule", KEY, nullable=False),
        sa.Column("department_id", KEY, nullable=False),
        sa.Column("subject_id", KEY, nullable=False),
        sa.Column("table_id", KEY, nullable=False),
        sa.Column("amount", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("case_id", "rule", "department_id", name=op.f("pk_limits")),
    )
    with op.batch_alter_table("limits", schema=None) as batch_op:
        batch_op.create_index("ix_limits_subject_id", ["subject_id", "department_id"], unique=False)

    op.create_table(
        "obligations",
        sa.Column("id", KEY, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("case_id", KEY, nullable=False),
        sa.Column("key", KEY, nullable=False),
        sa.Column("subject_id", KEY, nullable=False),
        sa.Column("list_id", KEY, nullable=False),
        sa.Column("policy_version", KEY, nullable=False),
        sa.Column("measure", KEY, nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("steps", sa.Text(), nullable=False),
        sa.Column("department_id", KEY, nullable=False),
        sa.Column("target_id", KEY, nullable=False),
        sa.Column("target_role", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("mode", KEY, nullable=False),
        sa.Column("restrictive", sa.Boolean(), nullable=False),
        sa.Column("reversible", sa.Boolean(), nullable=False),
        sa.Column("duty", KEY, nullable=False),
        sa.Column("evidence_required", sa.Boolean(), nullable=False),
        sa.Column("matter", KEY, nullable=True),
        sa.Column("effect", KEY, nullable=True),
        sa.Column("rules", sa.Text(), nullable=False),
        sa.Column("basis", sa.Text(), nullable=False),
        sa.Column("feedback", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("unmet", sa.Integer(), nullable=False),
        sa.Column("unlifted", sa.Integer(), nullable=False),
        sa.Column("confirmed_by", sa.Text(), nullable=True),
        sa.Column("outcome", KEY, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("accept_by", KEY, nullable=True),
        sa.Column("act_by", KEY, nullable=True),
        sa.Column("lift_by", KEY, nullable=True),
        sa.Column("feedback_by", KEY, nullable=True),
        sa.Column("provisional", KEY, nullable=False),
        sa.Column("due_on", KEY, nullable=False),
        sa.Column("queue_rank", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_obligations")),
        sa.UniqueConstraint("case_id", "number", name=op.f("uq_obligations_case_id_number")),
    )
    with op.batch_alter_table("obligations", schema=None) as batch_op:
        batch_op.create_index("ix_obligations_all", ["queue_rank", "due_on", "id"], unique=False)
        batch_op.create_index("ix_obligations_queue", ["department_id", "queue_rank", "due_on", "id"], unique=False)
        batch_op.create_index(
            "ix_obligations_queue_state", ["department_id", "state", "queue_rank", "due_on", "id"], unique=False
        )
        batch_op.create_index("ix_obligations_subject", ["subject_id"], unique=False)
        batch_op.create_index("ix_obligations_target", ["target_id", "matter", "state"], unique=False)

    op.create_table(
        "policies",
        sa.Column("version", KEY, nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("counts", sa.Text(), nullable=False),
        sa.Column("proposed_at", KEY, nullable=False),
        sa.Column("proposed_department", KEY, nullable=False),
        sa.Column("proposed_officer", sa.Text(), nullable=False),
        sa.Column("proposed_key", KEY, nullable=False),
        sa.PrimaryKeyConstraint("version", name=op.f("pk_policies")),
    )
    op.create_table(
        "subjects",
        sa.Column("id", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("code_digest", KEY, nullable=False),
        sa.Column("created_at", KEY, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_subjects")),
        sa.UniqueConstraint("code_digest", name=op.f("uq_subjects_code_digest")),
    )
    op.create_table(
        "activations",
        sa.Column("id", SERIAL, sa.Identity(always=False), nullable=False),
        sa.Column("version", KEY, nullable=False),
        sa.Column("proposed_by", sa.Text(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=False),
        sa.Column("approved_key", KEY, nullable=False),
        sa.Column("approved_at", KEY, nullable=False),
        sa.ForeignKeyConstraint(["version"], ["policies.version"], name=op.f("fk_activations_version")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_activations")),
    )
    op.create_table(
        "identities",
        sa.Column("subject_id", KEY, nullable=False),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["subject_id"], ["subjects.id"], name=op.f("fk_identities_subject_id")),
        sa.PrimaryKeyConstraint("subject_id", name=op.f("pk_identities")),
    )
    op.create_table(
        "records",
        sa.Column("id", KEY, nullable=False),
        sa.Column("subject_id", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("supplier", KEY, nullable=False),
        sa.Column("external_id", KEY, nullable=False),
        sa.Column("date", KEY, nullable=True),
        sa.Column("fields", sa.Text(), nullable=False),
        sa.Column("excluded", sa.Boolean(), nullable=False),
        sa.Column("received_at", KEY, nullable=False),
        sa.Column("key_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(["subject_id"], ["subjects.id"], name=op.f("fk_records_subject_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_records")),
        sa.UniqueConstraint("supplier", "kind", "external_id", name=op.f("uq_records_supplier_kind_external_id")),
    )
    with op.batch_alter_table("records", schema=None) as batch_op:
        batch_op.create_index("ix_records_subject_id", ["subject_id"], unique=False)

    op.create_table(
        "relations",
        sa.Column("id", KEY, nullable=False),
        sa.Column("subject_id", KEY, nullable=False),
        sa.Column("related_id", KEY, nullable=False),
        sa.Column("role", KEY, nullable=False),
        sa.Column("supplier", KEY, nullable=False),
        sa.Column("external_id", KEY, nullable=False),
        sa.Column("received_at", KEY, nullable=False),
        sa.Column("key_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(["related_id"], ["subjects.id"], name=op.f("fk_relations_related_id")),
        sa.ForeignKeyConstraint(["subject_id"], ["subjects.id"], name=op.f("fk_relations_subject_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_relations")),
        sa.UniqueConstraint("supplier", "role", "external_id", name=op.f("uq_relations_supplier_role_external_id")),
    )
    with op.batch_alter_table("relations", schema=None) as batch_op:
        batch_op.create_index("ix_relations_subject_id", ["subject_id"], unique=False)


def downgrade() -> None:
    """Step back."""
    with op.batch_alter_table("relations", schema=None) as batch_op:
        batch_op.drop_index("ix_relations_subject_id")

    op.drop_table("relations")
    with op.batch_alter_table("records", schema=None) as batch_op:
        batch_op.drop_index("ix_records_subject_id")

    op.drop_table("records")
    op.drop_table("identities")
    op.drop_table("activations")
    op.drop_table("subjects")
    op.drop_table("policies")
    with op.batch_alter_table("obligations", schema=None) as batch_op:
        batch_op.drop_index("ix_obligations_target")
        batch_op.drop_index("ix_obligations_subject")
        batch_op.drop_index("ix_obligations_queue_state")
        batch_op.drop_index("ix_obligations_queue")
        batch_op.drop_index("ix_obligations_all")

    op.drop_table("obligations")
    with op.batch_alter_table("limits", schema=None) as batch_op:
        batch_op.drop_index("ix_limits_subject_id")

    op.drop_table("limits")
    op.drop_table("idempotency")
    op.drop_table("events")
    with op.batch_alter_table("edges", schema=None) as batch_op:
        batch_op.drop_index("ix_edges_case_id")
        batch_op.drop_index("ix_edges_after_id")

    op.drop_table("edges")
    with op.batch_alter_table("decisions", schema=None) as batch_op:
        batch_op.drop_index(batch_op.f("ix_decisions_case_id"))

    op.drop_table("decisions")
    with op.batch_alter_table("checks", schema=None) as batch_op:
        batch_op.drop_index("ix_checks_subject_id")

    op.drop_table("checks")
    with op.batch_alter_table("cases", schema=None) as batch_op:
        batch_op.drop_index(
            "uq_cases_listing_key",
            sqlite_where=sa.text("ended_on IS NULL"),
            postgresql_where=sa.text("ended_on IS NULL"),
        )
        batch_op.drop_index("ix_cases_subject_id")
        batch_op.drop_index("ix_cases_initiator")

    op.drop_table("cases")
    op.drop_table("api_keys")
