"""The ledger: events, projections and policy versions in SQLite or PostgreSQL."""

from adapters.ledger.database import VersionConflictError, open_database, read, retrying, write
from adapters.ledger.migrate import is_current, upgrade
from adapters.ledger.policies import CorruptPolicyError, PolicyStore, UnknownPolicyError
from adapters.ledger.projections import UnknownCaseError, load_case, load_header, load_slice
from adapters.ledger.rebuild import rebuild
from adapters.ledger.store import BrokenChainError, append, read_events
from adapters.ledger.tree import NoCheckpointError

__all__ = [
    "BrokenChainError",
    "CorruptPolicyError",
    "NoCheckpointError",
    "PolicyStore",
    "UnknownCaseError",
    "UnknownPolicyError",
    "VersionConflictError",
    "append",
    "is_current",
    "load_case",
    "load_header",
    "load_slice",
    "open_database",
    "read",
    "read_events",
    "rebuild",
    "retrying",
    "upgrade",
    "write",
]
