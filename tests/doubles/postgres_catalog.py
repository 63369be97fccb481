"""One migrated PostgreSQL catalog for many tests, one after another: emptied in between, made anew if its schema changed.

To empty it takes a fiftieth of the time that a new database takes.
"""

import psycopg
from psycopg import sql

from hub.db.database import Database
from tests.doubles.postgres import Postgres

_TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
_SCHEMA = """
SELECT md5(string_agg(part, ' ' ORDER BY part)) FROM (
    SELECT format('%s %s %s', attrelid::regclass, attname, atttypid) AS part FROM pg_attribute JOIN pg_class
        ON pg_class.oid = attrelid WHERE relnamespace = 'public'::regnamespace AND attnum > 0
    UNION ALL SELECT format('%s %s %s', tgrelid::regclass, tgname, tgenabled) FROM pg_trigger WHERE NOT tgisinternal
    UNION ALL SELECT 'version ' || version_num FROM alembic_version
) AS parts
"""
_RESTART = "SELECT setval(oid::regclass, 1, false) FROM pg_class WHERE relkind = 'S'"


class PostgresCatalog:
    """A catalog copied from `template` when it is first asked for."""

    def __init__(self, server: Postgres, name: str, template: str) -> None:
        self._server = server
        self._name = name
        self._template = template
        self._schema = ""

    def make(self) -> Database:
        """The empty catalog; the caller closes it."""
        if not self._schema:
            self._server.create_database(self._name, self._template)
            with self._connect() as connection:
                self._schema = _scalar(connection, _SCHEMA)
        return Database(self._server.url(self._name))

    def empty(self) -> None:
        """Leave it as it was made, for the next one."""
        try:
            with self._connect() as connection:
                same = _scalar(connection, _SCHEMA) == self._schema
                if same:
                    _delete_everything(connection)
        except psycopg.Error:
            same = False
        if not same:
            self.drop()

    def drop(self) -> None:
        """Remove it; `make` copies the template again."""
        if self._schema:
            self._server.drop_database(self._name)
        self._schema = ""

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(f"host=127.0.0.1 port={self._server.port} user=hub dbname={self._name}")


def _delete_everything(connection: psycopg.Connection) -> None:
    """Rows of all tables, past triggers and foreign keys; a lock that a test left behind must not hold up the others."""
    connection.execute("SET lock_timeout = '2s'")
    connection.execute("SET session_replication_role = replica")
    for (table,) in connection.execute(_TABLES).fetchall():
        if table != "alembic_version":
            connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
    connection.execute(_RESTART)


def _scalar(connection: psycopg.Connection, query: str) -> str:
    row = connection.execute(query).fetchone()  # type: ignore[call-overload]
    return str(row[0]) if row else ""
