"""The table of who looked: one row for each subject that somebody was shown something about.

The counter's questions, and what a party looks at itself, stand in `checks`; `adapters.office.looks` reads both as one.
"""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Table, Text

from adapters.ledger.tables import Key, metadata

looks = Table(
    "looks",
    metadata,
    Column("id", Key, primary_key=True),  # of the look; it sorts by time
    Column("subject_id", Key, primary_key=True),  # empty: what was shown named nobody
    Column("at", Key, nullable=False),
    Column("department", Key, nullable=False),
    Column("officer", Text, nullable=False),
    Column("key_id", Key, nullable=False),
    Column("what", Key, nullable=False),
    Column("case_id", Key),  # where it was about one case
    Column("about", Text, nullable=False),  # what exactly: the id of an obligation or letter, what was searched for
    Column("matter", Text, nullable=False),
    Column("purpose", Text, nullable=False),
    Column("stated", Boolean, nullable=False),  # whoever looked gave the purpose; else it is what the work implies
    Index("ix_looks_subject_id", "subject_id", "at"),
    Index("ix_looks_department", "department", "at"),
)
