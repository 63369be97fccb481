import hashlib

import pytest
from sqlalchemy import delete

from hub.alerts.board import Board
from hub.catalog.models import Media
from hub.catalog.placements import receipt_stage
from hub.catalog.prepared import MediaKind
from hub.catalog.views import media_of
from hub.db.errors import DatabaseAway
from hub.jobs.errors import JobHopeless
from hub.jobs.queue import enqueue_all
from hub.jobs.worker import Worker, WorkerSettings
from hub.sdk import AuthError, RetryLater, Stage
from hub.vault.copies import Copies, copy_job, remove_job
from hub.vault.stores import Stores
from tests.doubles import outage, recordings
from tests.doubles.hub import until
from tests.doubles.stores import FakeStore


class Attempt:
    """What a handler is given, without a worker."""

    def __init__(self, job):
        self.payload = job.payload

    is_ending = False

    def check(self):
        """Nobody wants it to end."""


@pytest.fixture
def stores():
    return {1: FakeStore("Primary"), 2: FakeStore("NAS")}


@pytest.fixture
def board(sqlite_db):
    board = Board(sqlite_db)
    yield board
    board.close()


@pytest.fixture
def copies(sqlite_db, stores, board):
    return Copies(sqlite_db, Stores(stores.__getitem__), board, lambda: False)


@pytest.fixture
def recording(sqlite_db, stores):
    media = []
    for kind in MediaKind:
        content = f"the {kind}".encode()
        stores[1].objects[f"2026/{kind}"] = content
        seal = hashlib.sha256(content).hexdigest()
        media.append(recordings.media(kind, key=f"2026/{kind}", size_bytes=len(content), sha256=seal))
    prepared = recordings.prepared(media=tuple(media))
    recordings.commit(sqlite_db, prepared)
    return prepared


def stage_of(db, recording):
    with db.read() as session:
        return receipt_stage(session, recording.receipt_id)


def test_everything_is_copied_verified_and_then_called_copied(sqlite_db, copies, stores, recording):
    assert stage_of(sqlite_db, recording) is Stage.STORED
    copies.copy(Attempt(copy_job(recording.recording_id, 2)))
    assert stores[2].objects == stores[1].objects
    assert stage_of(sqlite_db, recording) is Stage.COPIED
    puts = stores[2].calls.count("put")
    copies.copy(Attempt(copy_job(recording.recording_id, 2)))
    assert stores[2].calls.count("put") == puts


def test_a_store_that_is_away_puts_the_job_off(sqlite_db, copies, stores, recording):
    for trouble in (RetryLater("away"), AuthError("refused")):
        stores[2].fail = trouble
        with pytest.raises(RetryLater):
            copies.copy(Attempt(copy_job(recording.recording_id, 2)))
    assert stage_of(sqlite_db, recording) is Stage.STORED
    stores[2].fail = None
    copies.copy(Attempt(copy_job(recording.recording_id, 2)))
    assert stage_of(sqlite_db, recording) is Stage.COPIED


def test_a_copy_is_not_made_from_bytes_that_changed(sqlite_db, copies, stores, recording, board):
    stores[1].objects["2026/original"] = b"tampered with"
    with pytest.raises(JobHopeless, match="no intact copy"):
        copies.copy(Attempt(copy_job(recording.recording_id, 2)))
    assert "2026/original" not in stores[2].objects or stores[2].objects["2026/original"] != b"tampered with"
    board.flush()
    assert [alarm.code for alarm in board.list_open()] == ["STORAGE_CHANGED"]


def test_a_lost_original_is_told_too(copies, stores, recording, board):
    del stores[1].objects["2026/original"]
    with pytest.raises(JobHopeless):
        copies.copy(Attempt(copy_job(recording.recording_id, 2)))
    board.flush()
    assert "not there any more" in board.list_open()[0].text


def test_a_recording_that_was_deleted_meanwhile_leaves_no_copy(sqlite_db, copies, stores, recording):
    put = stores[2].put

    def put_and_delete(*arguments):
        stored = put(*arguments)
        with sqlite_db.write() as session:
            session.execute(delete(Media.table()))
        return stored

    stores[2].put = put_and_delete
    copies.copy(Attempt(copy_job(recording.recording_id, 2)))
    assert stores[2].objects == {}
    copies.copy(Attempt(copy_job(recording.recording_id, 2)))


def test_what_nothing_refers_to_is_removed_and_everything_else_stays(copies, stores, recording):
    stores[1].objects["2026/orphan"] = b"of a merged recording"
    orphan = recordings.media(key="2026/orphan")
    copies.remove(Attempt(remove_job([*recording.media, orphan], [recording.recording_id, 999])))
    assert set(stores[1].objects) == {f"2026/{kind}" for kind in MediaKind}


def test_a_removal_waits_for_the_catalog_and_the_store(sqlite_db, copies, stores, recording):
    job = Attempt(remove_job([recordings.media(key="x")], [999]))
    with outage.away(sqlite_db), pytest.raises(DatabaseAway):
        copies.remove(job)
    stores[1].fail = AuthError("refused")
    with pytest.raises(RetryLater):
        copies.remove(job)


def test_a_worker_does_both_jobs(sqlite_db, copies, stores, recording):
    stores[1].objects["2026/orphan"] = b"x"
    with Worker(sqlite_db, copies.handlers(), settings=WorkerSettings(poll_s=0.05)):
        with sqlite_db.write() as session:
            enqueue_all(
                session, [copy_job(recording.recording_id, 2), remove_job([recordings.media(key="2026/orphan")], [1])]
            )
        until(lambda: set(_copies(sqlite_db, recording)) == {2}, 20, "two copies of every form")
        until(lambda: "2026/orphan" not in stores[1].objects, 20, "the removal")
    assert stage_of(sqlite_db, recording) is Stage.COPIED


def _copies(db, recording):
    with db.read() as session:
        return [len(media.copies) for media in media_of(session, recording.recording_id)]
