"""`kill -9` at every moment that the code itself calls durable, with one file and with many: nothing is lost or doubled."""

import ast
import hashlib
import signal
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import select

from hub.audit import SYSTEM
from hub.catalog import preferences
from hub.catalog.models import Recording
from hub.catalog.placements import receipt_stage
from hub.catalog.prepared import MediaKind
from hub.catalog.recording import RecordingDetail
from hub.catalog.search import find
from hub.config.policy import HubPreferences, MediaPolicy
from hub.db.database import Database
from hub.ingest.entry import name_receipt
from hub.ingest.spool import Spool
from hub.sdk import Stage
from hub.steps import DurableStep
from tests.doubles import audio, recordings
from tests.doubles.small_hub import DEADLY, PRIMARY, SECOND, SERVERS, live
from tests.house import tree

SOURCE_STEPS = [step for step in DurableStep if step.value.partition(".")[0] in {"intake", "source"}]
RETRY_STEPS = [DurableStep.QUARANTINE_RETRIED]
WORKER_STEPS = [step for step in DurableStep if step not in {*SOURCE_STEPS, *RETRY_STEPS}]


@dataclass
class SmallHub:
    """The folder of `tests.doubles.small_hub`, what was put into it, and what must come of it."""

    folder: Path
    db: Database
    files: dict[tuple[int, str], bytes] = field(default_factory=dict)
    seeds: count = field(default_factory=lambda: count(1))

    def __post_init__(self) -> None:
        for server in SERVERS:
            (self.folder / "handoff" / server).mkdir(parents=True)
        self.spool = Spool(self.folder / "spool")
        wanted = HubPreferences(
            primary_store=PRIMARY, copy_stores=(SECOND,), media=MediaPolicy(stored_form="opus", opus_complexity=0)
        )
        with self.db.write() as session:
            preferences.save(session, wanted, SYSTEM, 0)

    def drop(self, name: str, content: bytes | None = None, server: str = "head-office") -> bytes:
        """A file appears in a hand-off folder, by rename as a good sender does."""
        if content is None:
            content = audio.wav(audio.speech(2.0, seed=next(self.seeds)), chunks=audio.chunk(b"note", name.encode()))
        aside = self.folder / "aside"
        aside.write_bytes(content)
        aside.rename(self.folder / "handoff" / server / name)
        self.files[SERVERS[server], name] = content
        return content

    def run(self, role: str, kill_at: str = "") -> int:
        """One life of a process. Returns: its exit code, negative for a signal."""
        code, printed = live(role, self.folder, self.db.url, kill_at, deadline_s=300)
        assert code in (0, -signal.SIGKILL), f"{role} ended with {code}: {printed[-4000:]}"
        return code

    def finish(self) -> None:
        """Lives that nobody ends, until all work is done."""
        if any(path.is_file() for path in (self.folder / "handoff").rglob("*")):
            assert self.run("source") == 0
        assert self.run("worker") == 0
        if list(self.spool.quarantine.iterdir()):
            assert self.run("retry") == 0
            assert self.run("worker") == 0

    def recordings(self) -> list[RecordingDetail]:
        with self.db.read() as session:
            ids = session.scalars(select(Recording.id)).all()
            return [found for each in ids if (found := find(session, recordings.EVERYTHING, each))]

    def assert_every_file_is_somewhere(self) -> None:
        """In its folder, or promised by the spool or the quarantine, or in the catalog."""
        catalogued = {(origin.instance_id, origin.origin_id) for each in self.recordings() for origin in each.origins}
        for device, name in self.files:
            receipt = name_receipt(device, name)
            server = next(server for server, each in SERVERS.items() if each == device)
            assert (
                (self.folder / "handoff" / server / name).exists()
                or self.spool.contains(receipt)
                or self.spool.is_quarantined(receipt)
                or (device, name) in catalogued
            ), name

    def assert_found_exactly_once(self) -> None:
        """Every file is one origin of one recording with its very bytes, stored twice; nothing else lies anywhere."""
        found = self.recordings()
        origins = [(origin.instance_id, origin.origin_id) for each in found for origin in each.origins]
        assert sorted(origins) == sorted(self.files)
        assert len(found) == len(set(self.files.values()))
        keys = {PRIMARY: set(), SECOND: set()}
        for recording in found:
            assert {media.kind for media in recording.media} == recordings.OWN_KINDS
            for media in recording.media:
                assert {copy.store_id for copy in media.copies} == {PRIMARY, SECOND}
                for copy in media.copies:
                    content = (self.folder / f"store-{copy.store_id}" / copy.key).read_bytes()
                    assert hashlib.sha256(content).hexdigest() == media.sha256
                    keys[copy.store_id].add(copy.key)
                    if media.kind is MediaKind.ORIGINAL:
                        for origin in recording.origins:
                            assert self.files[origin.instance_id, origin.origin_id] == content
        for store_id, expected in keys.items():
            folder = self.folder / f"store-{store_id}"
            paths = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
            assert {path for path in paths if not path.startswith(".recording-hub")} == expected
        assert [list(room.iterdir()) for room in (self.spool.ready, self.spool.quarantine)] == [[], []]
        assert [list((self.folder / "handoff" / server).iterdir()) for server in SERVERS] == [[], []]
        with self.db.read() as session:
            stages = {receipt_stage(session, name_receipt(device, name)) for device, name in self.files}
        assert stages == {Stage.COPIED}


@pytest.fixture
def small_hub(sqlite_db, tmp_path):
    return SmallHub(tmp_path / "hub", sqlite_db)


def kill(small_hub: SmallHub, step: DurableStep, nth: int = 1) -> None:
    """Let the process that reaches `step` die there, and look that nothing is lost at that moment."""
    role = "source" if step in SOURCE_STEPS else "retry" if step in RETRY_STEPS else "worker"
    assert small_hub.run(role, f"{step.value}:{nth}") == -signal.SIGKILL, f"{step.value} was not reached"
    small_hub.assert_every_file_is_somewhere()


@pytest.mark.parametrize("step", DurableStep)
def test_one_file_is_found_once_after_a_kill(small_hub, step):
    if step is DurableStep.VAULT_ORPHAN_REMOVED:  # it takes a second file with the same bytes
        small_hub.drop("twin.wav", small_hub.drop("one.wav"), server="branch")
    else:
        small_hub.drop(f"{DEADLY}.wav" if step.value.startswith("quarantine.") else "one.wav")
    if step not in SOURCE_STEPS:
        small_hub.run("source")
    if step in RETRY_STEPS:
        small_hub.run("worker")
    kill(small_hub, step)
    small_hub.finish()
    small_hub.assert_found_exactly_once()


def test_two_hundred_files_are_found_once_each_after_a_kill_at_every_step(any_small_hub):
    """One hub lives through all of it: ten more files wait whenever it is killed again."""
    small_hub = any_small_hub
    for step in DurableStep:
        for number in range(8):
            content = small_hub.drop(f"{step.value} {number}.wav")
        small_hub.drop(f"{step.value} again.wav", content, server="branch")  # the secondary sends the same bytes later
        small_hub.drop(f"{DEADLY} {step.value}.wav")
        if step not in SOURCE_STEPS:
            assert small_hub.run("source") == 0
        if step in RETRY_STEPS:
            assert small_hub.run("worker") == 0
        kill(small_hub, step, 1 if step.value.startswith(("quarantine.", "vault.orphan")) else 4)
    small_hub.finish()
    assert len(small_hub.files) >= 200
    small_hub.assert_found_exactly_once()


@pytest.fixture
def any_small_hub(db, tmp_path):
    """The same on SQLite and on PostgreSQL."""
    return SmallHub(tmp_path / "hub", db)


def test_every_durable_step_is_reached_by_the_code():
    reached = {
        node.args[0].attr
        for path in tree.files("hub", suffix=".py")
        for node in ast.walk(tree.parsed(path))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Name)
        and node.func.id == "reached"
        and isinstance(node.args[0], ast.Attribute)
    }
    by_the_watch = {DurableStep.SOURCE_EMPTYING.name, DurableStep.SOURCE_EMPTIED.name}
    assert reached | by_the_watch == {step.name for step in DurableStep}
