"""Alembic's entry: it works on the connection that `hub.db.migrate` hands in."""

from alembic import context

connection = context.config.attributes["connection"]
context.configure(
    connection=connection,
    target_metadata=context.config.attributes.get("metadata"),
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
