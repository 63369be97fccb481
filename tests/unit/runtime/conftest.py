"""Plug-ins of strangers, installed for one test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.doubles import plugins


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Path]:
    """A folder on the path, for this process and those it starts, in which packages can be installed."""
    with plugins.on_path(tmp_path / "site") as folder:
        yield folder
