import os
import signal
import sqlite3
import threading
import time
from dataclasses import replace

import pytest

from hub.audit import Actor
from hub.config.policy import MediaPolicy
from hub.ingest import committer
from hub.ingest.desk_pool import DeskCrashed, DeskPool
from hub.ingest.entry import read_entry, write_attempts
from hub.ingest.quarantine import Room
from hub.ingest.work import Work
from hub.sdk import AuthError, RetryLater
from hub.vault.playback import Playback
from hub.vault.stream import FileMissing
from tests.doubles import audio, outage
from tests.doubles.hub import until
from tests.doubles.stores import FakeStore, local_store
from tests.unit.ingest.conftest import OTHER_STORE, STORE, call
from tests.unit.ingest.test_desk_pool import desks


@pytest.mark.parametrize(
    ("trouble", "code"), [(RetryLater("the share is gone"), "STORAGE_DOWN"), (AuthError("refused"), "STORAGE_AUTH")]
)
def test_a_store_that_is_away_is_waited_for_with_one_alarm_and_nothing_is_set_aside(rig, trouble, code):
    rig.connectors[STORE] = rig.store = store = FakeStore("NAS")
    store.fail = trouble
    for number in range(5):
        rig.submit(call(number))
    rig.start()
    until(lambda: code in rig.alarms(), 20, "the alarm")
    until(lambda: store.calls.count("put") > 8, 20, "several tries")
    assert "NAS" in rig.alarms()[code]
    assert (rig.spool.count(), rig.quarantine.count(), rig.recordings()) == (5, 0, [])
    store.fail = None
    rig.empty()
    assert len(rig.recordings()) == 5
    until(lambda: rig.alarms() == {}, 10, "the alarm is over")


def test_a_store_that_hangs_holds_up_nothing_for_ever(rig):
    store = FakeStore("NAS")
    store.go.clear()
    rig.connectors[STORE] = rig.store = store
    rig.submit(call())
    rig.start()
    until(lambda: "STORAGE_DOWN" in rig.alarms(), 30, "the alarm")
    store.go.set()
    rig.empty()
    assert len(rig.recordings()) == 1


def test_another_primary_store_takes_over_while_the_first_is_away(rig):
    rig.connectors[STORE] = broken = FakeStore("NAS")
    broken.fail = RetryLater("gone for good")
    rig.connectors[OTHER_STORE] = rig.store = local_store(rig.folder / "another")
    rig.submit(call())
    rig.start()
    until(lambda: "STORAGE_DOWN" in rig.alarms(), 20, "the alarm")
    rig.prefer(primary_store=OTHER_STORE)
    rig.empty()
    assert rig.original(rig.recordings()[0]) == call()
    until(lambda: rig.alarms() == {}, 10, "the alarm is over")


def test_without_a_primary_store_recordings_wait_and_people_are_told(rig):
    rig.prefer(primary_store=None)
    rig.submit(call())
    rig.start()
    until(lambda: "CONFIGURATION_ERROR" in rig.alarms(), 20, "the alarm")
    rig.prefer()
    rig.empty()
    assert len(rig.recordings()) == 1
    until(lambda: rig.alarms() == {}, 10, "the alarm is over")


def test_a_catalog_that_is_away_is_waited_for_and_nothing_is_set_aside(any_rig):
    rig = any_rig
    rig.start()
    rig.submit(call(1))
    rig.empty()
    with outage.away(rig.db):
        for number in range(2, 6):
            rig.submit(call(number))
        until(lambda: not rig.drain._work.database_gate.is_open, 20, "the drain has noticed")
    rig.empty()
    assert len(rig.recordings()) == 5
    assert rig.quarantine.count() == 0
    until(lambda: rig.alarms() == {}, 20, "the alarm is over")


def test_a_catalog_that_goes_away_before_the_commit_is_waited_for(any_rig):
    rig = any_rig
    rig.connectors[STORE] = rig.store = store = FakeStore()
    rig.start()
    store.go.clear()
    rig.submit(call())
    until(lambda: "put" in store.calls, 20, "the recording is being stored")
    with outage.away(rig.db):
        store.go.set()
        until(lambda: not rig.drain._work.database_gate.is_open, 20, "the drain has noticed")
        assert rig.spool.count() == 1
    rig.empty()
    assert len(rig.recordings()) == 1


def test_a_catalog_that_another_program_locks_is_waited_for(rig):
    rig.db.timeout_s = 0.2
    rig.start()
    rig.submit(call(1))
    rig.empty()
    other = sqlite3.connect(rig.db.path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    try:
        rig.submit(call(2))
        time.sleep(1)
        assert rig.spool.count() == 1
        other.execute("COMMIT")
    finally:
        other.close()
    rig.empty()
    assert len(rig.recordings()) == 2
    assert rig.quarantine.count() == 0


def test_one_bad_recording_does_not_hold_up_its_batch(rig, monkeypatch):
    commit = committer.commit_recordings

    def refuse(session, prepared, **how):
        if any(each.draft.origin_id == "bad" for each in prepared):
            raise ValueError("this one cannot be written")
        return commit(session, prepared, **how)

    monkeypatch.setattr(committer, "commit_recordings", refuse)
    monkeypatch.setattr("hub.ingest.work._STRIKE_PAUSES_S", (0.05, 0.1))
    for number in range(6):
        rig.submit(call(number), name="bad" if number == 2 else f"good-{number}")
    rig.empty()
    assert len(rig.recordings()) == 5
    [item] = rig.quarantine.list()
    assert (item.origin_name, item.room) == ("bad", Room.CATALOG)
    assert "this one cannot be written" in item.reason.text
    assert "QUARANTINE" in rig.alarms()


def test_a_connector_with_a_fault_sets_aside_only_what_it_cannot_take(rig, monkeypatch):
    class Picky(FakeStore):
        def put(self, key, reader, size_bytes, sha256):
            if size_bytes == 77_777:
                raise KeyError("a fault of its code")
            return super().put(key, reader, size_bytes, sha256)

    monkeypatch.setattr("hub.ingest.work._STRIKE_PAUSES_S", (0.05, 0.1))
    rig.connectors[STORE] = rig.store = Picky()
    rig.submit(b"x" * 77_777, name="bad")
    for number in range(3):
        rig.submit(call(number))
    rig.empty()
    assert len(rig.recordings()) == 3
    [item] = rig.quarantine.list()
    assert (item.origin_name, item.room) == ("bad", Room.VAULT)


def test_bytes_that_changed_in_the_spool_are_set_aside_and_can_be_seen(rig):
    receipt = rig.submit(call(), name="rotten")
    path = rig.spool.ready / receipt.id / "media-0"
    path.write_bytes(path.read_bytes()[:-1] + b"!")
    rig.submit(call(2))
    rig.empty()
    [item] = rig.quarantine.list()
    assert (item.id, item.room) == (receipt.id, Room.VAULT)
    assert len(rig.recordings()) == 1


def test_a_damaged_entry_is_set_aside(rig):
    receipt = rig.submit(call())
    (rig.spool.ready / receipt.id / "entry.json").write_text("{")
    rig.submit(call(2))
    rig.empty()
    assert [item.room for item in rig.quarantine.list()] == [Room.INTAKE]
    assert len(rig.recordings()) == 1


def test_a_file_that_crashes_the_desk_twice_is_set_aside_and_the_others_come_in(rig, monkeypatch):
    """The desk's process is killed as a harmful file would end it; which file it was is known for certain."""
    examine = DeskPool.examine
    seen = []

    def crash_over_one(self, path, stem, wanted):
        if path.stat().st_size == 77_777:
            seen.append(path)
            self.warm_up()
            for process in desks():
                os.kill(process, signal.SIGKILL)
            raise DeskCrashed("it ended the desk's process: signal 9")
        return examine(self, path, stem, wanted)

    monkeypatch.setattr(DeskPool, "examine", crash_over_one)
    rig.settings = replace(rig.settings, threads=1, desks=1)
    rig.submit(b"x" * 77_777, name="harmful")
    for number in range(3):
        rig.submit(call(number))
    rig.empty()
    assert len(seen) == 2
    [item] = rig.quarantine.list()
    assert (item.origin_name, item.reason.code) == ("harmful", "DESK_CRASHED")
    assert "signal 9" in item.reason.text
    assert len(rig.recordings()) == 3


def test_an_entry_over_which_workers_died_again_and_again_is_set_aside(rig):
    receipt = rig.submit(call(), name="deadly")
    write_attempts(rig.spool.ready / receipt.id, 4, 0)
    other = rig.submit(call(2))
    write_attempts(rig.spool.ready / other.id, 3, 0)
    rig.empty()
    [item] = rig.quarantine.list()
    assert (item.origin_name, item.reason.code) == ("deadly", "WORKER_DIED")
    assert len(rig.recordings()) == 1


def test_what_a_worker_died_over_is_worked_on_alone_so_that_its_neighbours_are_not_blamed(rig, monkeypatch):
    suspects = {rig.submit(call(number)).id for number in range(4)}
    for receipt_id in suspects:
        write_attempts(rig.spool.ready / receipt_id, 1, 0)
    for number in range(4, 12):
        rig.submit(call(number))
    begin, together = Work.begin, []

    def note(work, receipt_id):
        begin(work, receipt_id)
        if suspects & work._begun:
            together.append(len(work))

    monkeypatch.setattr(Work, "begin", note)
    rig.empty()
    assert together == [1] * 4
    assert len(rig.recordings()) == 12


def test_a_retried_item_comes_in(rig):
    receipt = rig.submit(call())
    write_attempts(rig.spool.ready / receipt.id, 9, 0)
    rig.empty()
    assert rig.quarantine.count() == 1
    rig.quarantine.retry(receipt.id, Actor(1, "maria", "web"))
    rig.empty()
    assert len(rig.recordings()) == 1
    assert rig.alarms() == {}


def test_a_stop_in_the_middle_leaves_everything_for_the_next_worker(rig):
    rig.connectors[STORE] = rig.store = store = FakeStore()
    store.go.clear()
    for number in range(12):
        rig.submit(call(number))
    rig.start()
    until(lambda: store.calls.count("put") >= 4, 20, "the store is busy")
    threading.Timer(0.5, store.go.set).start()
    rig.stop()
    left = rig.spool.count()
    assert left + len(rig.recordings()) == 12
    assert all(read_entry(rig.spool.ready / name).attempts == 0 for name in rig.spool.entries())
    rig.empty()
    assert len(rig.recordings()) == 12
    assert list((rig.spool.folder / "working").iterdir()) != []


def test_a_stop_ends_the_desks_and_blames_no_file(rig, monkeypatch):
    rig.prefer(MediaPolicy(stored_form="opus", opus_complexity=10, keep_original=False))
    rig.settings = replace(rig.settings, stop_s=0.2)
    rig.submit(audio.wav_of(audio.companded(audio.speech(20), audio.MU_LAW) * 90, tag=audio.MU_LAW))
    rig.start()
    until(lambda: rig.drain._desks._busy, 20, "the desk is at work")
    rig.stop()
    assert desks() == []
    [entry] = [read_entry(rig.spool.ready / name) for name in rig.spool.entries()]
    assert (entry.attempts, entry.crashes) == (0, 0)


def test_two_workers_share_one_spool(rig):
    for number in range(24):
        rig.submit(call(number))
    first = rig.start()
    rig_stores, thread = rig.stores, rig.thread
    second = rig.start()
    rig.empty()
    first.stop()
    thread.join(60)
    rig_stores.close()
    assert second is rig.drain
    assert len(rig.recordings()) == 24
    assert rig.quarantine.count() == 0


def test_what_dead_writers_left_is_cleaned(rig):
    (rig.spool.incoming / "leftover").mkdir()
    (rig.spool.incoming / "leftover" / "media-0").write_bytes(b"half")
    rig.start()
    until(lambda: list(rig.spool.incoming.iterdir()) == [], 20, "the leftover is gone")


def test_a_recording_that_cannot_be_played_says_so(rig):
    rig.submit(b"Salted__" + bytes(100))
    rig.empty()
    with pytest.raises(FileMissing, match="no known audio format"):
        Playback(rig.stores).open(rig.recordings()[0])
