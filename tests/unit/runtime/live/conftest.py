"""A supervisor with one switchboard whose calls a test begins and ends."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from hub.access.live_reader import LiveReader
from hub.access.permissions import PERMISSIONS
from hub.access.person import Person
from hub.catalog.live_calls import ListedCall, LiveQuery
from hub.config import HubConfig
from hub.db.database import Database
from tests.doubles import plugins, switchboard
from tests.doubles.supervision import Supervised, wait_until

MARIA = Person(id=1, login="maria", name="Maria", is_administrator=True, permissions=PERMISSIONS.keys)


@dataclass
class Board:
    """The hub, its one device and the folder of the device's calls."""

    hub: Supervised
    device: int
    folder: Path

    def calls(self) -> list[ListedCall]:
        """As pages see them."""
        return list(LiveReader(self.hub.db).search(MARIA, LiveQuery(), limit=500).items)

    def begin(self, name: str) -> ListedCall:
        """A call begins and is listed."""
        switchboard.begin(self.folder, name)
        found: ListedCall = wait_until(
            lambda: next((call for call in self.calls() if call.parties[-1].name == name), None)
        )
        return found

    def end(self, name: str) -> None:
        """It is over."""
        switchboard.end(self.folder, name)


@pytest.fixture
def board(tmp_path: Path, tmp_data: HubConfig, sqlite_db: Database) -> Iterator[Board]:
    with plugins.on_path(tmp_path / "site") as site:
        switchboard.install(site)
        hub = Supervised(tmp_data, sqlite_db)
        folder = tmp_path / "board"
        folder.mkdir()
        device = hub.add("switchboard", folder=str(folder))
        with hub.running():
            hub.wait_for(device, "ok")
            yield Board(hub, device, folder)
