"""What goes wrong between the hub and its database, and how it is told apart."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from hub.errors import HubError


class DatabaseAway(HubError):
    """The database does not answer now; nothing was changed, and the same call may work a little later."""


class DatabaseBroken(HubError):
    """The database answers and cannot be used: it is damaged, too new, or lacks something."""


_SQLITE_AWAY = {
    sqlite3.SQLITE_BUSY: "Another program keeps it locked; the hub tries again by itself.",
    sqlite3.SQLITE_LOCKED: "Another program keeps it locked; the hub tries again by itself.",
    sqlite3.SQLITE_PROTOCOL: "Another program keeps it locked; the hub tries again by itself.",
    sqlite3.SQLITE_FULL: "The disk is full: free some space.",
    sqlite3.SQLITE_CANTOPEN: "Check that the data folder is mounted and that the hub may read and write it.",
    sqlite3.SQLITE_IOERR: "Check the disk that holds the data folder.",
    sqlite3.SQLITE_NOMEM: "The machine has no memory left.",
    sqlite3.SQLITE_PERM: "Check that the hub may read and write the data folder.",
    sqlite3.SQLITE_READONLY: "Check that the data folder is mounted for writing and belongs to the hub's user.",
}
_SQLITE_BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}
_RESTORE = "Stop the hub, keep a copy of the file, and restore the latest backup."
_POSTGRES_HINTS = {
    "28P01": "Check the user name and password in RECORDING_HUB_DATABASE_URL.",
    "28000": "Check the user name in RECORDING_HUB_DATABASE_URL and the server's pg_hba.conf.",
    "3D000": "Create the database, or correct its name in RECORDING_HUB_DATABASE_URL.",
    "53100": "The server's disk is full: free some space there.",
    "53300": "The server has no connection left: raise its max_connections or run fewer processes.",
    "55P03": "Another program holds a lock; the hub tries again by itself.",
    "57014": "It took too long; the hub tries again by itself.",
}
_POSTGRES_AWAY = "Check that PostgreSQL runs and can be reached; the hub tries again by itself."
_READ_ONLY_SERVER = "25006"


@contextmanager
def plain_errors(place: str, *, writes: bool) -> Iterator[None]:
    """Turn what the driver says into `DatabaseAway` or `DatabaseBroken`; faults of the hub's own SQL pass as they are.

    place: how people know the database, without its password.
    """
    try:
        yield
    except PoolTimeout as exc:
        raise DatabaseAway(f"{place} is too busy: no connection came free", hint="Try again in a moment.") from exc
    except DBAPIError as exc:
        plain = _plain(exc, place, writes=writes)
        if plain is None:
            raise
        raise plain from exc


def _plain(exc: DBAPIError, place: str, *, writes: bool) -> HubError | None:
    cause = exc.orig
    if isinstance(cause, sqlite3.Error):
        return _plain_sqlite(cause, place, writes=writes)
    if isinstance(cause, psycopg.Error):
        return _plain_postgres(cause, place, writes=writes, lost=exc.connection_invalidated)
    return None


def _plain_sqlite(cause: sqlite3.Error, place: str, *, writes: bool) -> HubError | None:
    code = getattr(cause, "sqlite_errorcode", 0) & 0xFF
    if code in _SQLITE_BROKEN:
        return DatabaseBroken(f"{place} is damaged: {cause}", hint=_RESTORE)
    if code not in _SQLITE_AWAY or (code == sqlite3.SQLITE_READONLY and not writes):
        return None
    return DatabaseAway(f"{place} does not answer: {cause}", hint=_SQLITE_AWAY[code])


def _plain_postgres(cause: psycopg.Error, place: str, *, writes: bool, lost: bool) -> HubError | None:
    state = cause.sqlstate or ""
    is_away = isinstance(cause, psycopg.OperationalError | psycopg.InterfaceError) or lost
    if not is_away and not (writes and state == _READ_ONLY_SERVER):
        return None
    first_line = str(cause).strip().partition("\n")[0]
    return DatabaseAway(f"{place} does not answer: {first_line}", hint=_POSTGRES_HINTS.get(state, _POSTGRES_AWAY))
