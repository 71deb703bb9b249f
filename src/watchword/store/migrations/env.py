"""Alembic's entry: run the steps on the connection that migrate.py hands over."""

from alembic import context

from watchword.store.schema import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    compare_type=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
