"""The tables of the Merkle tree over all events. Truth here is what was signed: checkpoints and countersignatures.

Leaves say in which order the events were taken into the tree, and nodes are its complete subtrees; both only ever grow.
"""

from __future__ import annotations

from sqlalchemy import BigInteger, Column, ForeignKey, Integer, LargeBinary, Table, Text

from adapters.ledger.tables import Key, Serial, metadata

# One row, made with the tables.
log = Table(
    "log",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=False),
    Column("origin", Key, nullable=False),  # the log's name in all it signs
    Column("key", Key),  # public key that signs now; none before the first promise
    Column("hash", Key),  # hash function of the tree; none before the first checkpoint
    Column("mark", BigInteger, nullable=False),  # every event up to this position is a leaf, or never came to be
    # What `mark` will be when all transactions older than this one have ended; on PostgreSQL only.
    Column("pending_mark", BigInteger),
    Column("pending_transaction", BigInteger),
)

log_leaves = Table(
    "log_leaves",
    metadata,
    Column("number", Serial, primary_key=True, autoincrement=False),
    Column("position", BigInteger, nullable=False, unique=True),
    Column("event", Key, nullable=False, unique=True),  # its hash
)

# Complete subtrees of two leaves and more, numbered as `adapters.ledger.tree.row_number` does.
log_nodes = Table(
    "log_nodes",
    metadata,
    Column("number", Serial, primary_key=True, autoincrement=False),
    Column("hash", LargeBinary, nullable=False),
)

log_checkpoints = Table(
    "log_checkpoints",
    metadata,
    Column("size", Serial, primary_key=True, autoincrement=False),
    Column("statement", Text, nullable=False),  # as it was signed
    Column("key", Key, nullable=False),
    Column("signature", Key, nullable=False),
    Column("at", Key, nullable=False, index=True),
    Column("late", Integer, nullable=False),  # leaves that it took in later than promised
)

log_witnesses = Table(
    "log_witnesses",
    metadata,
    Column("key", Key, primary_key=True),
    Column("department", Key, nullable=False),
    Column("registered_at", Key, nullable=False),
    Column("registered_by", Text, nullable=False),
    Column("revoked_at", Key),
)

log_countersignatures = Table(
    "log_countersignatures",
    metadata,
    Column("size", Serial, ForeignKey("log_checkpoints.size"), primary_key=True, autoincrement=False),
    Column("key", Key, ForeignKey("log_witnesses.key"), primary_key=True),
    Column("statement", Text, nullable=False),
    Column("signature", Key, nullable=False),
)

# Tokens of a timestamping authority (RFC 3161) over checkpoints; not every checkpoint has one.
log_timestamps = Table(
    "log_timestamps",
    metadata,
    Column("size", Serial, ForeignKey("log_checkpoints.size"), primary_key=True, autoincrement=False),
    Column("token", LargeBinary, nullable=False),  # the authority's answer in DER
    Column("proved_at", Key, nullable=False),  # when the checkpoint stood, by the authority's clock
    Column("asked_at", Key, nullable=False),  # by ours
)
