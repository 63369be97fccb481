"""The migrations lead to the schema that the models declare."""

import re

import pytest
from sqlalchemy import text

from hub.app.tables import all_tables
from hub.db.database import Database
from hub.db.migrate import newest_revision
from hub.db.migrations import HEAD


def test_the_known_head_is_the_newest_script():
    assert newest_revision() == HEAD


def test_migrated_and_declared_sqlite_schemas_are_the_same(sqlite_db, tmp_path):
    declared = Database(f"sqlite:///{tmp_path / 'declared.sqlite3'}")
    declared._create()
    all_tables().create_all(declared.engine)
    try:
        assert _sqlite_schema(sqlite_db) == _sqlite_schema(declared)
    finally:
        declared.close()


def test_migrated_and_declared_postgres_schemas_are_the_same(postgres_db, postgres_server):
    postgres_server.create_database("t_declared")
    declared = Database(postgres_server.url("t_declared"))
    try:
        with declared.write() as session:
            session.execute(text("CREATE EXTENSION pg_trgm"))
            all_tables().create_all(session.connection())
        assert _postgres_schema(postgres_db) == _postgres_schema(declared)
    finally:
        declared.close()
        postgres_server.drop_database("t_declared")


def test_a_second_upgrade_changes_nothing(db):
    before = _schema(db)
    db.upgrade()
    assert _schema(db) == before


@pytest.mark.parametrize("table", ["audit_line", "audit_private", "audit_segment", "audit_head"])
def test_every_table_of_the_trail_is_guarded(db, table):
    with db.read() as session:
        if db.dialect == "sqlite":
            names = session.scalars(text("SELECT name FROM sqlite_master WHERE type = 'trigger'"))
        else:
            names = session.scalars(text("SELECT tgname FROM pg_trigger"))
        assert any(name.startswith(f"{table}_guard_") for name in names)


def _schema(db):
    return _sqlite_schema(db) if db.dialect == "sqlite" else _postgres_schema(db)


def _sqlite_schema(db):
    """Name -> the parts of its definition, in any order; without what only migrations make."""
    query = text("SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'index') AND sql IS NOT NULL")
    with db.read() as session:
        rows = session.execute(query).all()
    ours = [row for row in rows if "_trigram" not in row.name and not row.name.startswith(("alembic", "sqlite_"))]
    return {row.name: sorted(_parts(row.sql)) for row in ours}


def _parts(sql):
    return [" ".join(part.split()) for part in re.split(r",\s*\n|\n|\) (?=WITHOUT)", sql) if part.strip(" ()")]


def _postgres_schema(db):
    queries = (
        """SELECT table_name, column_name, data_type, character_maximum_length, is_nullable, column_default
        FROM information_schema.columns WHERE table_schema = 'public' AND table_name <> 'alembic_version'""",
        "SELECT tablename, indexdef FROM pg_indexes WHERE schemaname = 'public' AND tablename <> 'alembic_version'",
        """SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
        WHERE connamespace = 'public'::regnamespace AND conrelid::regclass::text <> 'alembic_version'""",
    )
    with db.read() as session:
        return [sorted(map(tuple, session.execute(text(query))), key=str) for query in queries]
