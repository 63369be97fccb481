"""A plug-in instance's own memory: JSON values under keys in a small SQLite file.

Keys are kept as bytes, so that a name that is no valid Unicode (a file name of an old server) is a key as well.
"""

import json
import sqlite3
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from hub.clock import to_ms, utc_now
from hub.sdk import RetryLater

_SCHEMA = "CREATE TABLE IF NOT EXISTS kept (key BLOB PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID"
_PAGE = 500


class KeyedState:
    """Durable once a call returns; safe to use from several threads, and by several processes at once."""

    def __init__(self, path: Path) -> None:
        self._lock = threading.Lock()
        self.set_aside: Path | None = None
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        try:
            self._database = self._connect(path)
        except sqlite3.DatabaseError as exc:
            if isinstance(exc, sqlite3.OperationalError):
                raise
            self.set_aside = _set_aside(path)
            self._database = self._connect(path)

    @classmethod
    def _connect(cls, path: Path) -> sqlite3.Connection:
        database = sqlite3.connect(path, timeout=30, isolation_level=None, check_same_thread=False)
        try:
            database.execute("PRAGMA journal_mode = WAL")
            database.execute("PRAGMA synchronous = FULL")
            database.execute(_SCHEMA)
            database.execute("SELECT key FROM kept LIMIT 1").fetchone()
        except sqlite3.Error:
            database.close()
            raise
        return database

    def get(self, key: str) -> Any:
        """The value of `key`, None if there is none."""
        with self._opened() as database:
            row = database.execute("SELECT value FROM kept WHERE key = ?", (_to_bytes(key),)).fetchone()
        return None if row is None else json.loads(row[0])

    def put(self, key: str, value: Any) -> None:
        """Keep `value` durably.

        Raises: TypeError if it is no JSON value, RetryLater if the disk does not take it.
        """
        self.put_many({key: value})

    def put_many(self, values: Mapping[str, Any]) -> None:
        """Keep all of `values`, or none.

        Raises: TypeError if one is no JSON value, RetryLater if the disk does not take them.
        """
        rows = [(_to_bytes(key), json.dumps(value)) for key, value in values.items()]
        self._write("INSERT INTO kept VALUES (?, ?) ON CONFLICT (key) DO UPDATE SET value = excluded.value", rows)

    def delete(self, *keys: str) -> None:
        """Forget `keys`; a missing one is fine.

        Raises: RetryLater if the disk does not take it.
        """
        self._write("DELETE FROM kept WHERE key = ?", [(_to_bytes(key),) for key in keys])

    def items(self, prefix: str = "") -> Iterator[tuple[str, Any]]:
        """All (key, value) whose key starts with `prefix`, in the order of keys; changes made meanwhile may show."""
        start, operator = _to_bytes(prefix), ">="
        while True:
            with self._opened() as database:
                rows = database.execute(
                    f"SELECT key, value FROM kept WHERE key {operator} ? ORDER BY key LIMIT {_PAGE}",  # noqa: S608
                    (start,),
                ).fetchall()
            for key, value in rows:
                if not key.startswith(_to_bytes(prefix)):
                    return
                yield key.decode("utf-8", "surrogatepass"), json.loads(value)
            if len(rows) < _PAGE:
                return
            start, operator = rows[-1][0], ">"

    def close(self) -> None:
        """Let go of the file; safe to call twice."""
        with self._lock:
            self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _write(self, statement: str, rows: Sequence[tuple[Any, ...]]) -> None:
        with self._opened() as database:
            database.execute("BEGIN IMMEDIATE")
            try:
                database.executemany(statement, rows)
                database.execute("COMMIT")
            except BaseException:
                if database.in_transaction:
                    database.execute("ROLLBACK")
                raise

    @contextmanager
    def _opened(self) -> Iterator[sqlite3.Connection]:
        with self._lock:
            try:
                yield self._database
            except sqlite3.OperationalError as exc:
                raise RetryLater(
                    f"The plug-in's memory cannot be used: {exc}.", hint="Is the disk of the data folder full or away?"
                ) from exc


def _to_bytes(key: str) -> bytes:
    return key.encode("utf-8", "surrogatepass")


def _set_aside(path: Path) -> Path:
    """Move a file that is no database away, with what belongs to it; it may still interest an engineer."""
    aside = path.with_name(f"{path.name}.broken-{to_ms(utc_now())}")
    path.rename(aside)
    for suffix in ("-wal", "-shm"):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
    return aside
