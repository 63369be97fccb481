from datetime import timedelta

import pytest

from hub.alerts.board import Board
from hub.alerts.job_watch import JobWatch
from hub.db.database import Database
from hub.jobs import claims, queue
from hub.jobs.job import Rule
from tests.unit.alerts.conftest import NAS, SetClock, an_alarm


@pytest.fixture
def watch(db: Database, board: Board, clock: SetClock) -> JobWatch:
    return JobWatch(db, board, clock=clock)


def _give_up(db: Database, clock: SetClock, kind: str, reason: str) -> int:
    with db.write() as session:
        queue.enqueue(session, kind, {}, run_at=clock.now)
        claimed = claims.claim(session, {kind: Rule()}, token="w", limit=1, lease_s=60, now=clock.now)
        (job,) = claimed.jobs
        assert claims.bury(session, job, reason, clock.now)
    return job.id


def test_work_that_was_given_up_is_one_alarm_for_each_kind(
    db: Database, board: Board, watch: JobWatch, clock: SetClock
) -> None:
    _give_up(db, clock, "vault.copy", "No route to host.")
    _give_up(db, clock, "vault.copy", "Disk full.")
    _give_up(db, clock, "export", "No such person.")
    watch.look()
    assert {alarm.text for alarm in board.list_open()} == {
        "2 jobs of kind vault.copy were given up after many attempts; the last one: Disk full.",
        "A job of kind export was given up after many attempts: No such person.",
    }


def test_looking_again_changes_nothing_until_the_queue_does(
    db: Database, board: Board, watch: JobWatch, clock: SetClock
) -> None:
    _give_up(db, clock, "vault.copy", "Disk full.")
    for _ in range(3):
        watch.look()
    (alarm,) = board.list_open()
    assert alarm.count == 1
    _give_up(db, clock, "vault.copy", "Disk full.")
    watch.look()
    (alarm,) = board.list_open()
    assert alarm.text.startswith("2 jobs")


def test_the_alarm_ends_when_the_work_is_tried_again(
    db: Database, board: Board, watch: JobWatch, clock: SetClock
) -> None:
    job_id = _give_up(db, clock, "vault.copy", "Disk full.")
    board.raise_alarm(NAS, an_alarm())
    watch.look()
    with db.write() as session:
        assert queue.retry(session, job_id) == job_id
    watch.look()
    assert [alarm.code for alarm in board.list_open()] == ["DEVICE_DOWN"]


def test_work_that_no_worker_takes_is_told_after_a_while(
    db: Database, board: Board, watch: JobWatch, clock: SetClock
) -> None:
    with db.write() as session:
        queue.enqueue(session, "export", {}, run_at=clock.now)
        queue.enqueue(session, "export", {}, run_at=clock.now + timedelta(hours=1))
    watch.look()
    assert board.list_open() == []
    clock.move(minutes=16)
    watch.look()
    assert [alarm.text for alarm in board.list_open()] == ["A job waits longer than 15 minutes for a worker."]
