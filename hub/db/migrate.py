"""Bringing a schema up to date with Alembic."""

from pathlib import Path

import psycopg.errors
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, text
from sqlalchemy.exc import ProgrammingError

from hub.db.errors import DatabaseBroken

_LOCK_KEY = 0x7265_6875_6264_6231  # any constant of our own
_TURN_TIMEOUT = "300s"
_LOCK_TIMEOUT = "10s"
_STATEMENT_TIMEOUT = "3600s"


def alembic_config() -> Config:
    """Alembic's settings, without an ini file."""
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.set_main_option("path_separator", "os")
    return config


def newest_revision() -> str:
    """The last step of the scripts."""
    return ScriptDirectory.from_config(alembic_config()).get_current_head() or ""


def upgrade_schema(connection: Connection) -> None:
    """Run the missing steps in the connection's transaction: all of them or none.

    Raises: DatabaseBroken if a newer hub made the schema or an extension is missing.
    """
    if connection.dialect.name == "postgresql":
        _take_turn(connection)
    config = alembic_config()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as exc:
        raise DatabaseBroken(
            f"The catalog's schema is unknown to this hub ({exc})",
            hint="A newer version made it: install that version again, or restore a backup of the catalog.",
        ) from exc
    except ProgrammingError as exc:
        if isinstance(exc.orig, psycopg.errors.InsufficientPrivilege):
            raise DatabaseBroken(
                f"The database user may not change the schema: {exc.orig}",
                hint="Let a PostgreSQL superuser run `CREATE EXTENSION pg_trgm` in the database, and let the hub's "
                "user own the database.",
            ) from exc
        raise


def _take_turn(connection: Connection) -> None:
    connection.execute(text(f"SET LOCAL lock_timeout = '{_TURN_TIMEOUT}'"))
    connection.execute(text(f"SET LOCAL statement_timeout = '{_STATEMENT_TIMEOUT}'"))
    connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _LOCK_KEY})
    connection.execute(text(f"SET LOCAL lock_timeout = '{_LOCK_TIMEOUT}'"))
