"""The tables of the ledger.

Truth is in `events`, `decisions`, `records`, `relations`, `policies`, `proposals`, `activations`, `subjects` and
`identities`;
`cases`, `obligations`, `edges` and `limits` are projections that `rebuild` derives again from the events;
`messages` are written with the events and kept. Instants are
RFC 3339 UTC text with microseconds and days are ISO text, so that both databases store, order and compare them alike.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    text,
)

NEVER = "9999-12-31"
"""`due_on` of an obligation about which nothing is to be done now; sorts after every real date."""

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# Ids, days and instants compare byte by byte on both databases; PostgreSQL's default collation would not.
Key = String().with_variant(String(collation="C"), "postgresql")
# SQLite numbers rows by itself only in a column declared INTEGER.
Serial = BigInteger().with_variant(Integer(), "sqlite")

events = Table(
    "events",
    metadata,
    Column("position", Serial, Identity(always=False), primary_key=True),
    Column("case_id", Key, nullable=False),
    Column("version", Integer, nullable=False),
    Column("type", Key, nullable=False),
    Column("on", Key, nullable=False),
    Column("at", Key, nullable=False),
    Column("actor_department", Key, nullable=False),
    Column("actor_officer", Text, nullable=False),
    Column("key_id", Key, nullable=False),
    Column("payload", Text, nullable=False),
    Column("words", Text),  # what the payload commits to, sealed; see `private`
    Column("prev_hash", Key, nullable=False),
    Column("hash", Key, nullable=False),
    UniqueConstraint("case_id", "version"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("digest", Key, primary_key=True),
    Column("case_id", Key, nullable=False, index=True),
    Column("policy_version", Key, nullable=False),
    Column("as_of", Key, nullable=False),
    Column("listing_key", Key, nullable=False),
    Column("subject_id", Key, nullable=False, index=True),
    Column("content", LargeBinary),  # document, facts and suggested limits, sealed; none: erased
    Column("made_at", Key, nullable=False),
)

cases = Table(
    "cases",
    metadata,
    Column("id", Key, primary_key=True),
    Column("state", Key, nullable=False),
    Column("version", Integer, nullable=False),
    Column("head_hash", Key, nullable=False),
    Column("subject_id", Key, nullable=False),
    Column("list_id", Key, nullable=False),
    Column("list_title", Text, nullable=False),
    Column("list_kind", Key, nullable=False),
    Column("severe", Boolean, nullable=False),
    Column("initiator", Key, nullable=False),
    Column("policy_version", Key, nullable=False),
    Column("decision", Key, nullable=False),
    Column("listing_key", Key, nullable=False),
    Column("as_of", Key, nullable=False),
    Column("total", Integer, nullable=False),
    Column("unclosed", Integer, nullable=False),
    Column("filed_on", Key, nullable=False),
    Column("ended_on", Key),
    Column("ground", Key),
    Column("marked", Boolean, nullable=False),  # an objection is open
    Column("suspended", Boolean, nullable=False),  # its measures rest
    Column("wake_on", Key, nullable=False),  # when a tick may have something to do
    Column("process", Text, nullable=False),  # parties, objections, repairs, clocks, as JSON
    Column("words", Text),  # what people said in it, sealed
    Index("ix_cases_wake_on", "wake_on"),
    Index("ix_cases_subject_id", "subject_id", "state"),
    Index("ix_cases_initiator", "initiator", "id"),
    # The same facts about the same subject stand on one list only once at a time: a filing is never doubled.
    Index(
        "uq_cases_listing_key",
        "listing_key",
        unique=True,
        sqlite_where=text("ended_on IS NULL"),
        postgresql_where=text("ended_on IS NULL"),
    ),
)

obligations = Table(
    "obligations",
    metadata,
    Column("id", Key, primary_key=True),
    Column("number", Integer, nullable=False),
    Column("case_id", Key, nullable=False),
    Column("key", Key, nullable=False),
    Column("subject_id", Key, nullable=False),
    Column("list_id", Key, nullable=False),
    Column("policy_version", Key, nullable=False),
    Column("measure", Key, nullable=False),
    Column("title", Text, nullable=False),  # of the measure, under the case's policy
    Column("steps", Text, nullable=False),  # verify-further: [[step, title], …]
    Column("department_id", Key, nullable=False),
    Column("target_id", Key, nullable=False),
    Column("target_role", Key, nullable=False),
    Column("kind", Key, nullable=False),
    Column("mode", Key, nullable=False),
    Column("restrictive", Boolean, nullable=False),
    Column("reversible", Boolean, nullable=False),
    Column("duty", Key, nullable=False),
    Column("evidence_required", Boolean, nullable=False),
    Column("matter", Key),
    Column("effect", Key),
    Column("rules", Text, nullable=False),
    Column("basis", Text, nullable=False),
    Column("feedback", Key, nullable=False),
    Column("state", Key, nullable=False),
    Column("unmet", Integer, nullable=False),
    Column("unlifted", Integer, nullable=False),
    Column("confirmed_by", Text),
    Column("outcome", Key),
    Column("reason", Text),  # sealed
    Column("accept_by", Key),
    Column("act_by", Key),
    Column("lift_by", Key),
    Column("feedback_by", Key),
    Column("rearm_by", Key),
    Column("provisional", Key, nullable=False),  # JSON: which of the five dates are, with the period each ends
    Column("effective_on", Key),
    Column("expires_on", Key),
    Column("rungs", Integer, nullable=False),
    Column("quiet", Boolean, nullable=False),
    Column("wake_on", Key, nullable=False),
    Column("due_on", Key, nullable=False),
    Column("queue_rank", Integer, nullable=False),
    UniqueConstraint("case_id", "number"),
    Index("ix_obligations_queue", "department_id", "queue_rank", "due_on", "id"),
    Index("ix_obligations_queue_state", "department_id", "state", "queue_rank", "due_on", "id"),
    Index("ix_obligations_all", "queue_rank", "due_on", "id"),
    Index("ix_obligations_subject", "subject_id"),
    Index("ix_obligations_wake_on", "wake_on"),
    Index("ix_obligations_target", "target_id", "matter", "state"),
)

edges = Table(
    "edges",
    metadata,
    Column("case_id", Key, nullable=False),
    Column("before_id", Key, primary_key=True),
    Column("after_id", Key, primary_key=True),
    Column("kind", Key, primary_key=True),
    Index("ix_edges_after_id", "after_id"),
    Index("ix_edges_case_id", "case_id"),
)

# What departments are to know, written with the event that makes it so; a worker delivers it at least once.
messages = Table(
    "messages",
    metadata,
    Column("id", Key, primary_key=True),  # case, version of its event, number: they sort as they came about
    Column("case_id", Key, nullable=False),
    Column("department_id", Key, nullable=False),
    Column("audience", Key, nullable=False),
    Column("title", Text, nullable=False),
    Column("obligation_id", Key),
    Column("due_on", Key),
    Column("at", Key, nullable=False),
    Column("delivered_at", Key),
    Index("ix_messages_department_id", "department_id", "at", "id"),
    Index("ix_messages_waiting", "at", "id", sqlite_where=text("delivered_at IS NULL"),
          postgresql_where=text("delivered_at IS NULL")),
)  # fmt: skip

# One row a worker, renewed at each round; the canary is the last day whose escalation was proved to fire.
heartbeats = Table(
    "heartbeats",
    metadata,
    Column("worker", Key, primary_key=True),
    Column("at", Key, nullable=False),
    Column("period", Integer, nullable=False),  # seconds
    Column("canary_on", Key),
    Column("calendars", Key, nullable=False),  # digest of the calendars of the last round
)

documents = Table(
    "documents",
    metadata,
    Column("id", Key, primary_key=True),
    Column("case_id", Key, nullable=False),
    Column("kind", Key, nullable=False),
    Column("number", Text, nullable=False),
    Column("party_id", Key),
    Column("context", Key, nullable=False),  # what the letter says, in `contents`
    Column("template", Key),  # null until it is rendered
    Column("docx", Key),
    Column("pdf", Key),
    Column("at", Key, nullable=False),
    Column("key_id", Key, nullable=False),
    Index("ix_documents_case_id", "case_id", "at"),
)

# Letters by the SHA-256 of their bytes, sealed for the person whom they are about.
contents = Table(
    "contents",
    metadata,
    Column("digest", Key, primary_key=True),
    Column("subject_id", Key, nullable=False, index=True),
    Column("content", LargeBinary, nullable=False),
)

# The last number given in a series of letters: organ, kind and year.
numbers = Table(
    "numbers",
    metadata,
    Column("series", Key, primary_key=True),
    Column("last", Integer, nullable=False),
)

# A code that the initiating department hands to a party: good for one look, kept as a digest.
access_codes = Table(
    "access_codes",
    metadata,
    Column("digest", Key, primary_key=True),
    Column("case_id", Key, nullable=False),
    Column("party_id", Key, nullable=False),
    Column("issued_at", Key, nullable=False),
    Column("expires_at", Key, nullable=False),
    Column("key_id", Key, nullable=False),
    Column("used_at", Key),
    Column("session", Key, unique=True),  # digest of what the first use was given, good for a short while
    Column("session_until", Key),
)

limits = Table(
    "limits",
    metadata,
    Column("case_id", Key, primary_key=True),
    Column("rule", Key, primary_key=True),
    Column("department_id", Key, primary_key=True),
    Column("subject_id", Key, nullable=False),
    Column("table_id", Key, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Index("ix_limits_subject_id", "subject_id", "department_id"),
)

subjects = Table(
    "subjects",
    metadata,
    Column("id", Key, primary_key=True),
    Column("kind", Key, nullable=False),
    Column("code_digest", Key, nullable=False, unique=True),
    Column("created_at", Key, nullable=False),
)

# Identity numbers and names, sealed; gone when a person's data must go.
identities = Table(
    "identities",
    metadata,
    Column("subject_id", Key, ForeignKey("subjects.id"), primary_key=True),
    Column("content", LargeBinary, nullable=False),
)

records = Table(
    "records",
    metadata,
    Column("id", Key, primary_key=True),
    Column("subject_id", Key, ForeignKey("subjects.id"), nullable=False),
    Column("kind", Key, nullable=False),
    Column("supplier", Key, nullable=False),
    Column("external_id", Key, nullable=False),  # digest of the supplier's own id, which may say who it is
    Column("date", Key),
    Column("fields", LargeBinary, nullable=False),  # sealed
    Column("excluded", Boolean, nullable=False),
    Column("received_at", Key, nullable=False),
    Column("key_id", Key, nullable=False),
    UniqueConstraint("supplier", "kind", "external_id"),
    Index("ix_records_subject_id", "subject_id"),
)

relations = Table(
    "relations",
    metadata,
    Column("id", Key, primary_key=True),
    Column("subject_id", Key, ForeignKey("subjects.id"), nullable=False),
    Column("related_id", Key, ForeignKey("subjects.id"), nullable=False),
    Column("role", Key, nullable=False),
    Column("supplier", Key, nullable=False),
    Column("external_id", Key, nullable=False),  # digest, as above
    Column("received_at", Key, nullable=False),
    Column("key_id", Key, nullable=False),
    UniqueConstraint("supplier", "role", "external_id"),
    Index("ix_relations_subject_id", "subject_id"),
)

policies = Table(
    "policies",
    metadata,
    Column("version", Key, primary_key=True),
    Column("content", LargeBinary, nullable=False),  # zlib over the JSON object path → text
    Column("counts", Text, nullable=False),
    # the compiled form (`engine.language.ir_json`), from when the version is first put in force: zlib, and its SHA-256
    Column("ir", LargeBinary),
    Column("ir_digest", Key),
)

proposals = Table(
    "proposals",
    metadata,
    Column("id", Serial, Identity(always=False), primary_key=True),
    Column("version", Key, ForeignKey("policies.version"), nullable=False),
    Column("base", Key),  # the version that it was made from, and that it is to replace
    Column("rollback", Boolean, nullable=False),
    Column("reason", Text, nullable=False),
    Column("from_on", Key),  # the day, in China, at whose beginning it comes into force; none: when it is approved
    Column("migration", Key, nullable=False),
    Column("checks", Text, nullable=False),  # JSON: what was checked, and with what result
    Column("checks_digest", Key, nullable=False),  # SHA-256 of it, which is what is signed
    Column("changes", Text, nullable=False),  # JSON: what differs from the base
    Column("changes_digest", Key, nullable=False),
    Column("proposed_at", Key, nullable=False),
    Column("proposed_department", Key, nullable=False),
    Column("proposed_officer", Text, nullable=False),
    Column("proposed_key", Key, nullable=False),
    Column("state", Key, nullable=False),  # open, approved, refused, withdrawn
    Column("closed_at", Key),
    Column("closed_by", Text),
    Column("closed_key", Key),
    Column("remark", Text),
    Index(
        "ix_proposals_open", "version", unique=True,
        sqlite_where=text("state = 'open'"), postgresql_where=text("state = 'open'"),
    ),
)  # fmt: skip

activations = Table(
    "activations",
    metadata,
    Column("id", Serial, Identity(always=False), primary_key=True),
    Column("act", Key, nullable=False),  # first, approval, rollback, withdrawal
    Column("version", Key, ForeignKey("policies.version"), nullable=False),
    Column("replaces", Key),  # the version in force until then
    Column("proposal_id", Serial, ForeignKey("proposals.id"), nullable=False),
    Column("effective_from", Key, nullable=False),  # an instant; in force is the last row whose instant has come
    Column("approved_by", Text, nullable=False),
    Column("approved_key", Key, nullable=False),
    Column("approved_at", Key, nullable=False),
    Column("remark", Text, nullable=False),
    # none of these three before there were signatures
    Column("previous", Key),  # digest of the activation before this one, in the order of ids
    Column("signer", Key),  # public key
    Column("signature", Key),
    Column("ir", Key),  # `ir_digest` of the version; none before compiled forms were kept
)

case_migrations = Table(
    "case_migrations",
    metadata,
    Column("activation_id", Serial, ForeignKey("activations.id"), primary_key=True),
    Column("case_id", Key, primary_key=True),
    Column("outcome", Text, nullable=False),  # empty: done; else why not, in words
    Column("at", Key, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Key, primary_key=True),
    # A plain SHA-256 is right for a random token of 256 bits: there is nothing to guess that salt or work would slow.
    Column("digest", Key, nullable=False, unique=True),
    Column("department", Key, nullable=False),
    Column("roles", Key, nullable=False),
    Column("label", Text, nullable=False),
    Column("created_at", Key, nullable=False),
    Column("revoked_at", Key),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("key", Key, primary_key=True),
    Column("principal", Key, primary_key=True),  # the key id
    Column("digest", Key, nullable=False),
    Column("subject_id", Key, index=True),  # whom the answer is about; none: nobody
    Column("body", LargeBinary, nullable=False),  # sealed for that person
    Column("at", Key, nullable=False),
)

checks = Table(
    "checks",
    metadata,
    Column("id", Key, primary_key=True),
    Column("at", Key, nullable=False),
    Column("department", Key, nullable=False),
    Column("officer", Text, nullable=False),
    Column("key_id", Key, nullable=False),
    Column("subject_id", Key),
    Column("matter", Key, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("answer", Text, nullable=False),  # what was said: measures and effects, as JSON
    Index("ix_checks_subject_id", "subject_id", "at"),
)
