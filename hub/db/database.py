"""The one door to the database: short transactions that either read or write."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from sqlalchemy import URL, Engine, inspect, make_url, text
from sqlalchemy.exc import ArgumentError
from sqlalchemy.orm import Session

from hub.db.errors import DatabaseAway, DatabaseBroken, plain_errors
from hub.db.migrations import HEAD
from hub.db.postgres import postgres_engine
from hub.db.sqlite import create_file, sqlite_engine

Dialect = Literal["sqlite", "postgresql"]

_UPGRADE_HINT = "Run `recording-hub db upgrade`."


class Database:
    """A catalog on SQLite or PostgreSQL; made without touching it, safe to share between threads.

    url: such as sqlite:////var/lib/recording-hub/catalog.sqlite3 or postgresql+psycopg://user@host/name.
    timeout_s: how long a write waits for its turn.
    """

    def __init__(self, url: str, *, pool_size: int = 5, timeout_s: float = 30.0) -> None:
        parsed = _parse(url)
        self.url = url
        self.place = parsed.render_as_string(hide_password=True)
        self.timeout_s = timeout_s
        self.path: Path | None = None
        self.dialect: Dialect = "postgresql"
        self._turn = threading.Lock()
        self._mine = threading.local()
        if parsed.get_backend_name() == "sqlite":
            self.dialect = "sqlite"
            self.path = Path(parsed.database or "").absolute()
            self.place = str(self.path)
            self.engine = sqlite_engine(self.path, writes=True, pool_size=1, timeout_s=timeout_s)
            self._reader = sqlite_engine(self.path, writes=False, pool_size=pool_size, timeout_s=timeout_s)
        else:
            self.engine = postgres_engine(parsed, pool_size=pool_size, timeout_s=timeout_s)
            self._reader = self.engine.execution_options(postgresql_readonly=True, isolation_level="REPEATABLE READ")

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A transaction that sees one state of the database and cannot write.

        Raises: DatabaseAway, DatabaseBroken.
        """
        with plain_errors(self.place, writes=False), _session(self._reader) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """A transaction that is committed at the end, or rolled back by any exception.

        On SQLite it holds the file's only write lock, so keep it short.
        Raises: DatabaseAway, DatabaseBroken.
        """
        with self._my_turn(), plain_errors(self.place, writes=True), _session(self.engine) as session:
            yield session

    def upgrade(self) -> None:
        """Bring the schema to this version of the hub; several processes at once take turns.

        Raises: DatabaseAway, DatabaseBroken (a newer hub made it, or it lacks an extension).
        """
        from hub.db.migrate import upgrade_schema  # noqa: PLC0415 - Alembic is imported only where it is needed

        with plain_errors(self.place, writes=True):
            if self.path is not None:
                self._create()
            with self._my_turn(), self.engine.begin() as connection:
                upgrade_schema(connection)

    def revision(self) -> str:
        """The schema's revision, "" before the first upgrade.

        Raises: DatabaseAway, DatabaseBroken.
        """
        with self.read() as session:
            if not inspect(session.connection()).has_table("alembic_version"):
                return ""
            return session.scalar(text("SELECT version_num FROM alembic_version")) or ""

    def check(self) -> None:
        """Whether the hub can work with it now, for readiness.

        Raises: DatabaseAway, DatabaseBroken (another schema than this hub's).
        """
        found = self.revision()
        if found != HEAD:
            raise DatabaseBroken(
                f"{self.place} has schema {found or 'none'}, this hub needs {HEAD}", hint=_UPGRADE_HINT
            )

    def close(self) -> None:
        """Let go of every connection; a later call opens new ones."""
        self.engine.dispose()
        self._reader.dispose()

    def _create(self) -> None:
        assert self.path is not None
        if self.path.exists():
            return
        try:
            create_file(self.path)
        except OSError as exc:
            raise DatabaseAway(
                f"{self.path} cannot be created: {exc.strerror}", hint="Check the data folder and its owner."
            ) from exc

    @contextmanager
    def _my_turn(self) -> Iterator[None]:
        """On SQLite one writer at a time: threads queue here, since the file's own lock is only polled."""
        if self.dialect != "sqlite":
            yield
            return
        if getattr(self._mine, "writing", False):
            raise RuntimeError("a write inside a write would wait for itself")
        if not self._turn.acquire(timeout=self.timeout_s):
            raise DatabaseAway(f"{self.place} is busy writing", hint="Try again in a moment.")
        self._mine.writing = True
        try:
            yield
        finally:
            self._mine.writing = False
            self._turn.release()


@contextmanager
def _session(engine: Engine) -> Iterator[Session]:
    with Session(engine, expire_on_commit=False) as session, session.begin():
        session.connection()  # begins now, so that a wait for the write lock happens here and nowhere later
        yield session


def _parse(url: str) -> URL:
    hint = "Write sqlite:////path/to/catalog.sqlite3 or postgresql+psycopg://user:password@host/name."
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise DatabaseBroken("RECORDING_HUB_DATABASE_URL is no database address", hint=hint) from None
    match parsed.get_backend_name():
        case "sqlite" if parsed.database and parsed.database != ":memory:":
            return parsed
        case "postgresql" | "postgres":
            return parsed.set(drivername="postgresql+psycopg")
        case other:
            raise DatabaseBroken(f"RECORDING_HUB_DATABASE_URL: {other} cannot hold a catalog so", hint=hint)
