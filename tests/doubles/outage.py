"""Taking a test's database away and giving it back, for real: the file is renamed, the server refuses and disconnects."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from sqlalchemy import make_url

from hub.db.database import Database


@contextmanager
def away(database: Database) -> Iterator[None]:
    """While this lasts, every transaction on `database` ends in DatabaseAway."""
    with _no_file(database) if database.path is not None else _no_server(database):
        yield


@contextmanager
def _no_file(database: Database) -> Iterator[None]:
    assert database.path is not None
    aside = database.path.with_suffix(".aside")
    database.path.rename(aside)
    try:
        yield
    finally:
        aside.rename(database.path)


@contextmanager
def _no_server(database: Database) -> Iterator[None]:
    url = make_url(database.url)
    address = f"host={url.host} port={url.port} user={url.username} dbname=postgres"
    with psycopg.connect(address, autocommit=True) as admin:
        admin.execute(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS false')
        try:
            admin.execute("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [url.database])
            yield
        finally:
            admin.execute(f'ALTER DATABASE "{url.database}" ALLOW_CONNECTIONS true')
