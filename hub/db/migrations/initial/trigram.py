"""Parts of numbers and names are found by trigrams: FTS5 on SQLite, pg_trgm on PostgreSQL."""

from alembic import op

_SOURCES = (("number", "digits"), ("word", "folded"))


def create_trigrams(dialect: str) -> None:
    """Create the trigram indexes of `number.digits` and `word.folded`.

    PostgreSQL's stand on an expression: an index on the bare column serves equality too, and the planner may take it.
    """
    if dialect == "postgresql":
        op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
    for table, column in _SOURCES:
        if dialect == "postgresql":
            op.execute(f"CREATE INDEX ix_{table}_{column}_trigram ON {table} USING gin (({column} || '') gin_trgm_ops)")
        else:
            _create_fts(table, column)


def _create_fts(table: str, column: str) -> None:
    """A full-text table that keeps no copy of the text, and the triggers that keep it in step."""
    fts = f"{table}_trigram"
    add = f"INSERT INTO {fts} (rowid, {column}) VALUES (new.id, new.{column})"  # noqa: S608 - constants
    remove = f"INSERT INTO {fts} ({fts}, rowid, {column}) VALUES ('delete', old.id, old.{column})"  # noqa: S608 - constants
    op.execute(
        f"CREATE VIRTUAL TABLE {fts} USING fts5({column}, content='{table}', content_rowid='id', tokenize='trigram')"
    )
    op.execute(f"CREATE TRIGGER {fts}_insert AFTER INSERT ON {table} BEGIN {add}; END")
    op.execute(f"CREATE TRIGGER {fts}_delete AFTER DELETE ON {table} BEGIN {remove}; END")
    op.execute(f"CREATE TRIGGER {fts}_update AFTER UPDATE OF {column} ON {table} BEGIN {remove}; {add}; END")
