"""What every test may ask for: fresh databases of both kinds, and a data folder."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.config import HubConfig, load_config
from hub.db.database import Database
from tests.doubles import postgres
from tests.doubles.postgres_catalog import PostgresCatalog

_TEMPLATE = "hub_template"


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[postgres.Postgres]:
    """One real server for the whole run, with a migrated template to copy."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID") or f"pid{os.getpid()}"
    server, users = postgres.share(run)
    with users:
        with postgres.once(server, "template") as first:
            if first:
                server.create_database(_TEMPLATE)
                template = Database(server.url(_TEMPLATE))
                template.upgrade()
                template.close()
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated file to copy."""
    path = tmp_path_factory.mktemp("template") / "catalog.sqlite3"
    template = Database(f"sqlite:///{path}")
    template.upgrade()
    template.close()
    return path


@pytest.fixture
def sqlite_db(sqlite_template: Path, tmp_path: Path) -> Iterator[Database]:
    """A fresh catalog on SQLite."""
    path = tmp_path / "catalog.sqlite3"
    shutil.copyfile(sqlite_template, path)
    database = Database(f"sqlite:///{path}")
    yield database
    database.close()


@pytest.fixture(scope="session")
def postgres_catalog(postgres_server: postgres.Postgres) -> Iterator[PostgresCatalog]:
    """This worker's catalog on PostgreSQL."""
    catalog = PostgresCatalog(postgres_server, f"t_{os.getpid()}", _TEMPLATE)
    yield catalog
    catalog.drop()


@pytest.fixture
def postgres_db(postgres_catalog: PostgresCatalog) -> Iterator[Database]:
    """A fresh catalog on PostgreSQL."""
    database = postgres_catalog.make()
    yield database
    database.close()
    postgres_catalog.empty()


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest) -> Database:
    """A fresh catalog, once on each."""
    database: Database = request.getfixturevalue("sqlite_db" if request.param == "sqlite" else "postgres_db")
    return database


@pytest.fixture
def tmp_data(tmp_path: Path) -> HubConfig:
    """The hub's configuration with a data folder of the test's own."""
    return load_config({}, data=tmp_path / "data")
