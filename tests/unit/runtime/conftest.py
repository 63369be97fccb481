"""Plug-ins of strangers, installed for one test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from hub.config import HubConfig
from hub.db.database import Database
from tests.doubles import plugins
from tests.doubles.supervision import Supervised


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    """A folder on the path, for this process and those it starts, in which packages can be installed."""
    with plugins.on_path(tmp_path / "site") as folder:
        yield folder


@pytest.fixture
def zoo(site: Path) -> None:
    """Well-behaved and hostile plug-ins."""
    plugins.install_zoo(site)


@pytest.fixture
def hub(tmp_data: HubConfig, sqlite_db: Database) -> Supervised:
    """A supervisor and what it works with."""
    return Supervised(tmp_data, sqlite_db)
