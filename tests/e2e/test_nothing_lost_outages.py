"""Full disks, disks that turn read-only or vanish, a catalog that is locked or stopped: nothing is lost, and people are told."""

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from hub.alerts.board import Board
from hub.db.database import Database
from hub.ingest.spool import Spool
from tests.doubles import audio
from tests.doubles.hub import until
from tests.doubles.postgres import alone
from tests.doubles.small_hub import PRIMARY
from tests.e2e.test_nothing_lost import SmallHub
from tests.house import tree
from tests.privileges import namespace

_WITHIN_S = 120


def inside(scene: str, folder: Path, url: str) -> None:
    """Play a scene of this module in a mount namespace of its own, which takes its mounts with it."""
    code = f"from tests.e2e.test_nothing_lost_outages import {scene}; {scene}()"
    command = [*namespace(), sys.executable, "-W", "ignore", "-c", code]
    environ = os.environ | {"SMALL_HUB_FOLDER": str(folder), "SMALL_HUB_DATABASE": url}
    ended = subprocess.run(command, cwd=tree.ROOT, env=environ, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr[-4000:]


@contextmanager
def scene() -> Iterator[SmallHub]:
    """The small hub that `inside` was called with; at the end every file must be found once."""
    db = Database(os.environ["SMALL_HUB_DATABASE"])
    hub = SmallHub(Path(os.environ["SMALL_HUB_FOLDER"]), db)
    yield hub
    hub.assert_found_exactly_once()
    db.close()


@contextmanager
def running(hub: SmallHub, role: str) -> Iterator[subprocess.Popen[bytes]]:
    """A process of the hub that goes on meanwhile and must end well."""
    command = [sys.executable, "-m", "tests.doubles.small_hub", role, str(hub.folder), hub.db.url]
    with subprocess.Popen(command, cwd=tree.ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as process:
        try:
            yield process
            assert process.wait(_WITHIN_S) == 0, process.stderr.read().decode()[-4000:]
        finally:
            process.kill()


def mount(*arguments: str | Path) -> None:
    subprocess.run(["mount", *map(str, arguments)], check=True)


def alarms(hub: SmallHub) -> set[str]:
    board = Board(hub.db)
    try:
        return {alarm.code for alarm in board.list_open()}
    finally:
        board.close()


def drop_many(hub: SmallHub, number: int = 20) -> None:
    for each in range(number):
        hub.drop(f"call {each}.wav")


def assert_no_alarm(hub: SmallHub) -> None:
    until(lambda: alarms(hub) == set(), 20, "the alarms are over")


def full_spool() -> None:
    with scene() as hub:
        mount("-t", "tmpfs", "-o", "size=1m", "tmpfs", hub.spool.folder)
        hub.spool.folder.with_name(
            f"{hub.spool.folder.name}.made"
        ).unlink()  # as is told where a new disk takes its place
        Spool(hub.spool.folder)
        talk = audio.speech(7.5)
        for number in range(40):
            hub.drop(f"call {number}.wav", audio.wav(talk, chunks=audio.chunk(b"note", number.to_bytes(4, "little"))))
        with running(hub, "source"):
            until((hub.folder / "refused").exists, _WITHIN_S, "the source was told that the disk is full")
            assert list((hub.folder / "handoff" / "head-office").iterdir())
            waiting = hub.spool.entries()
            assert 5 < len(waiting) < 20
            assert all((hub.spool.ready / name / "media-0").stat().st_size > 60_000 for name in waiting)
            with running(hub, "worker"):
                pass


def full_store() -> None:
    with scene() as hub:
        store = hub.folder / f"store-{PRIMARY}"
        store.mkdir()
        mount("-t", "tmpfs", "-o", "size=60k", "tmpfs", store)
        drop_many(hub)
        hub.run("source")
        with running(hub, "worker"):
            until(lambda: "STORAGE_FULL" in alarms(hub), _WITHIN_S, "the alarm")
            assert hub.spool.count()
            mount("-o", "remount,size=50m", store)
        assert_no_alarm(hub)


def read_only_store() -> None:
    with scene() as hub:
        store = hub.folder / f"store-{PRIMARY}"
        store.mkdir()
        mount("-t", "tmpfs", "-o", "size=50m", "tmpfs", store)
        drop_many(hub, 3)
        hub.run("source")
        hub.run("worker")
        mount("-o", "remount,ro", store)
        hub.drop("later.wav")
        hub.run("source")
        with running(hub, "worker"):
            until(lambda: "STORAGE_DOWN" in alarms(hub), _WITHIN_S, "the alarm")
            assert hub.spool.count() == 1
            mount("-o", "remount,rw", store)
        assert_no_alarm(hub)


def vanished_store() -> None:
    with scene() as hub:
        store, disk = hub.folder / f"store-{PRIMARY}", hub.folder / "disk"
        store.mkdir()
        disk.mkdir()
        mount("--bind", disk, store)
        drop_many(hub, 3)
        hub.run("source")
        hub.run("worker")
        subprocess.run(["umount", str(store)], check=True)
        hub.drop("later.wav")
        hub.run("source")
        with running(hub, "worker"):
            until(lambda: "STORAGE_DOWN" in alarms(hub), _WITHIN_S, "the alarm")
            assert list(store.iterdir()) == []
            mount("--bind", disk, store)
        assert_no_alarm(hub)


@pytest.mark.privileged
@pytest.mark.parametrize("played", [full_spool, full_store, read_only_store, vanished_store])
def test_nothing_is_lost_by(played, sqlite_db, tmp_path):
    inside(played.__name__, tmp_path / "hub", sqlite_db.url)


def test_nothing_is_lost_while_another_program_locks_the_catalog(sqlite_db, tmp_path):
    hub = SmallHub(tmp_path / "hub", sqlite_db)
    drop_many(hub)
    hub.run("source")
    other = sqlite3.connect(sqlite_db.path, isolation_level=None)
    try:
        other.execute("BEGIN IMMEDIATE")
        with running(hub, "worker") as worker:
            time.sleep(3)  # longer than the worker waits for its turn
            assert worker.poll() is None
            assert hub.spool.count() == 20
            other.execute("COMMIT")
    finally:
        other.close()
    hub.assert_found_exactly_once()
    assert_no_alarm(hub)


def test_nothing_is_lost_while_postgresql_is_stopped_and_started(tmp_path):
    with alone() as server:
        server.create_database("hub")
        db = Database(server.url("hub"))
        db.upgrade()
        hub = SmallHub(tmp_path / "hub", db)
        drop_many(hub, 10)
        hub.run("source")
        hub.run("worker")
        for number in range(10):
            hub.drop(f"later {number}.wav")
        server.stop("immediate")
        with running(hub, "source"):
            pass
        with running(hub, "worker") as worker:
            time.sleep(3)
            assert worker.poll() is None
            assert hub.spool.count() == 10
            server.start()
        hub.assert_found_exactly_once()
        assert_no_alarm(hub)
        db.close()
