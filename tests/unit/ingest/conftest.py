"""A drain with real parts, driven by the test: spool, catalog, desks, a folder as storage."""

import hashlib
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.alerts.board import Board
from hub.audit import SYSTEM
from hub.catalog import preferences
from hub.catalog.models import Recording
from hub.catalog.prepared import MediaKind
from hub.catalog.recording import RecordingDetail
from hub.catalog.search import find
from hub.config.policy import HubPreferences, MediaPolicy
from hub.db.database import Database
from hub.ingest.drain import Drain
from hub.ingest.quarantine import Quarantine
from hub.ingest.spool import Spool
from hub.ingest.work import DrainSettings
from hub.sdk import Connector, MediaFile, Receipt, RecordingDraft
from hub.vault.stores import Stores
from tests.doubles import audio, recordings
from tests.doubles.hub import until
from tests.doubles.stores import local_store

STORE, OTHER_STORE = 11, 12
NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
QUICK = DrainSettings(look_s=0.02, first_pause_s=0.05, longest_pause_s=0.2, stop_s=2.0)


class Devices:
    """Two devices that people know by name."""

    def name(self, instance_id: int) -> str:
        return {7: "Head office", 8: "Branch"}.get(instance_id, "")

    def timezone(self, instance_id: int) -> str:
        return "Europe/Berlin" if instance_id == 7 else "UTC"


@dataclass
class Rig:
    """All parts; `start` and `stop` may be repeated, as a worker may die and come back."""

    folder: Path
    db: Database
    store: Connector
    board: Board
    settings: DrainSettings = QUICK
    names: count = field(default_factory=lambda: count(1))
    drain: Drain | None = None
    thread: threading.Thread | None = None

    def __post_init__(self) -> None:
        self.spool = Spool(self.folder / "spool")
        self.quarantine = Quarantine(self.spool, self.db, self.board)
        self.connectors: dict[int, Connector] = {STORE: self.store}
        self.prefer()

    def prefer(self, media: MediaPolicy | None = None, **changes: object) -> None:
        values = {"primary_store": STORE, "media": media or MediaPolicy(stored_form="keep")} | changes
        wanted = HubPreferences(**values)
        with self.db.write() as session:
            preferences.save(session, wanted, SYSTEM, preferences.revision(session))

    def submit(self, content: bytes, device: int = 7, name: str = "", **changes: object) -> Receipt:
        """Hand over one file as a source does."""
        path = self.folder / f"source-{next(self.names)}"
        path.write_bytes(content)
        values = {"origin_id": name or path.name, "origin_name": name or path.name, "started_at": NOON}
        draft = RecordingDraft(**(values | {"media": (MediaFile(path=path),)} | changes))
        return self.spool.submit(device, draft)

    def start(self) -> Drain:
        self.stores = Stores(self.connectors.__getitem__, deadline_s=5)
        self.drain = Drain(self.spool, self.db, self.stores, self.board, Devices(), self.settings)
        self.thread = threading.Thread(target=self.drain.run)
        self.thread.start()
        return self.drain

    def stop(self) -> None:
        if self.drain is not None:
            self.drain.stop()
            self.thread.join(60)
            assert not self.thread.is_alive()
            self.stores.close()
            self.drain = None

    def empty(self, within_s: float = 60) -> None:
        """Drain until the spool is empty, starting it where that was not done."""
        if self.drain is None:
            self.start()
        until(lambda: self.spool.count() == 0, within_s, "the spool is empty")

    def recordings(self) -> list[RecordingDetail]:
        """All of the catalog, oldest id first."""
        with self.db.read() as session:
            ids = session.scalars(select(Recording.id).order_by(Recording.id)).all()
            return [found for each in ids if (found := find(session, recordings.EVERYTHING, each))]

    def original(self, recording: RecordingDetail) -> bytes:
        """The bytes of the original in the primary store."""
        [media] = [media for media in recording.media if media.kind is MediaKind.ORIGINAL]
        with self.store.open(media.copies[0].key) as reader:
            content = reader.read()
        assert hashlib.sha256(content).hexdigest() == media.sha256
        return content

    def alarms(self) -> dict[str, str]:
        """Open alarms: code -> text."""
        self.board.flush()
        return {alarm.code: alarm.text for alarm in self.board.list_open()}


@pytest.fixture
def rig(sqlite_db: Database, tmp_path: Path) -> Iterator[Rig]:
    yield from _rig(sqlite_db, tmp_path)


@pytest.fixture
def any_rig(db: Database, tmp_path: Path) -> Iterator[Rig]:
    """The same on SQLite and on PostgreSQL."""
    yield from _rig(db, tmp_path)


def _rig(db: Database, tmp_path: Path) -> Iterator[Rig]:
    board = Board(db)
    rig = Rig(tmp_path, db, local_store(tmp_path / "storage"), board)
    yield rig
    rig.stop()
    board.close()


def call(number: int = 1, length_s: float = 0.5) -> bytes:
    """A short call of its own."""
    return audio.wav(audio.speech(length_s, seed=number), chunks=audio.chunk(b"LIST", number.to_bytes(8, "little")))
