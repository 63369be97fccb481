"""How the hub opens an SQLite file."""

import os
import sqlite3
import time
from pathlib import Path
from typing import Any
from urllib.parse import quote

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.pool import QueuePool

from hub.db.types import canonical_json

_CACHE_KIB = 8_192
_CREATE_S, _AGAIN_S = 10.0, 0.02
_WAL_LIMIT_BYTES = 64 << 20


def sqlite_engine(path: Path, *, writes: bool, pool_size: int, timeout_s: float) -> Engine:
    """An engine on an existing file: one that writes takes the write lock at once, one that reads cannot write."""
    engine = create_engine(
        "sqlite+pysqlite://",
        creator=lambda: _connect(path, timeout_s, writes=writes),
        poolclass=QueuePool,
        pool_size=pool_size,
        max_overflow=pool_size * 2,
        pool_timeout=timeout_s,
        json_serializer=canonical_json,
        query_cache_size=1000,
    )
    begin = "BEGIN IMMEDIATE" if writes else "BEGIN"

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    @event.listens_for(engine, "checkout")
    def _same_file(_connection: Any, record: Any, _proxy: Any) -> None:
        """A file that was moved away and replaced is opened anew: the old one would swallow what is written."""
        if record.info.get("file") != _identity(path):
            raise DisconnectionError("the file was replaced")

    @event.listens_for(engine, "connect")
    def _remember(_connection: Any, record: Any) -> None:
        record.info["file"] = _identity(path)

    return engine


def create_file(path: Path) -> None:
    """Make an empty catalog for the hub's user only, with a write-ahead log."""
    path.parent.mkdir(parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
    connection = sqlite3.connect(path, isolation_level=None)
    ends_s = time.monotonic() + _CREATE_S
    try:
        while not _switched(connection, may_wait=time.monotonic() < ends_s):
            time.sleep(_AGAIN_S)
    finally:
        connection.close()


def _switched(connection: sqlite3.Connection, *, may_wait: bool) -> bool:
    """Switch the mode; SQLite does not wait, as it does otherwise, for another process that is just doing the same."""
    try:
        connection.execute("PRAGMA journal_mode = WAL")
    except sqlite3.OperationalError as exc:
        is_busy = exc.sqlite_errorcode & 0xFF == sqlite3.SQLITE_BUSY  # the low byte: there are several kinds of busy
        if is_busy and may_wait:
            return False
        raise
    return True


def _connect(path: Path, timeout_s: float, *, writes: bool) -> sqlite3.Connection:
    connection = sqlite3.connect(
        f"file:{quote(str(path))}?mode=rw",  # never creates: a data folder that is not mounted must not look empty
        uri=True,
        timeout=timeout_s,
        isolation_level=None,
        check_same_thread=False,
        cached_statements=512,
    )
    for pragma in (
        "foreign_keys = ON",
        "synchronous = FULL",  # what was committed survives a power cut: the spool entry is freed after it
        f"cache_size = -{_CACHE_KIB}",
        "temp_store = MEMORY",
        f"journal_size_limit = {_WAL_LIMIT_BYTES}",
        f"query_only = {0 if writes else 1}",
    ):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def _identity(path: Path) -> tuple[int, int] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino
