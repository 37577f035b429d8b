"""Alembic's entry: runs the steps on the connection that `adapters.ledger.migrate` hands over."""

from alembic import context

from adapters.ledger.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_type=True,
    # SQLite cannot alter most things in place; alembic then copies the table.
    render_as_batch=True,
    transaction_per_migration=False,
)
context.run_migrations()
