"""The recording rules on their way to the processes of devices: from the database into a file that all of them read."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

import structlog

from hub.catalog import preferences
from hub.db.database import Database
from hub.errors import HubError
from hub.rules.rules import load_book, revision_of
from hub.rules.snapshot import Snapshot
from hub.runtime.roster_file import keep_json

_LOOK_S = 1.0
_log = structlog.get_logger(__name__)
_Mark = tuple[int, int, dict[int, str]]


class RulesFeed:
    """Writes what changed within a second; while the database is away the file stays as it is.

    zones: device -> its own time zone, of those that have one.
    """

    def __init__(self, db: Database, path: Path, zones: Callable[[], Mapping[int, str]]) -> None:
        self._db = db
        self._path = path
        self._zones = zones
        self._written: _Mark | None = None

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            try:
                await asyncio.to_thread(self.look, dict(self._zones()))
            except (HubError, OSError) as exc:
                _log.warning("rules.postponed", reason=str(exc))
            await asyncio.sleep(_LOOK_S)

    def look(self, zones: dict[int, str]) -> None:
        """Write the rules where they are others than those written last.

        Raises: DatabaseAway, DatabaseBroken, OSError.
        """
        with self._db.read() as session:
            mark = (revision_of(session), preferences.revision(session), zones)
            if mark == self._written:
                return
            snapshot = Snapshot(book=load_book(session), zone=preferences.load(session).timezone, zones=zones)
        keep_json(self._path, snapshot.to_json())
        self._written = mark
