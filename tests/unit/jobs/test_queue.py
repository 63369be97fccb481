import threading
from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.db.database import Database
from hub.jobs import claims, queue
from hub.jobs.errors import JobGone
from hub.jobs.job import NewJob
from hub.jobs.models import JobState
from tests.unit.jobs.conftest import COPY, Desk, SetClock


def test_a_job_is_there_when_its_transaction_commits_and_only_then(desk: Desk, db: Database) -> None:
    def ask_and_fail() -> None:
        with db.write() as session:
            queue.enqueue(session, COPY, {"media": 1})
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        ask_and_fail()
    assert desk.claim().jobs == ()
    job_id = desk.ask(media=7)
    job = desk.take()
    assert (job.id, job.kind, job.payload, job.state, job.attempts) == (job_id, COPY, {"media": 7}, JobState.RUNNING, 1)


def test_jobs_run_in_the_order_of_their_time_and_not_before_it(desk: Desk, clock: SetClock) -> None:
    later = desk.ask(run_at=clock.now + timedelta(seconds=10))
    second = desk.ask(run_at=clock.now - timedelta(seconds=1))
    first = desk.ask(run_at=clock.now - timedelta(seconds=2))
    assert [job.id for job in desk.claim(10).jobs] == [first, second]
    clock.move(seconds=10)
    assert desk.take().id == later


def test_unique_jobs_are_queued_once_while_they_wait(desk: Desk) -> None:
    first = desk.ask(unique="media 1", media=1)
    assert desk.ask(unique="media 1", media=1) == first
    assert desk.ask(unique="media 2", media=2) != first
    assert desk.ask("export", unique="media 1") != first
    assert len(desk.claim(10).jobs) == 2


def test_jobs_without_a_unique_name_never_absorb_each_other(desk: Desk) -> None:
    assert len({desk.ask(media=1) for _ in range(3)}) == 3


def test_a_unique_job_that_is_asked_for_while_it_runs_runs_once_more_and_never_beside_itself(
    desk: Desk, clock: SetClock
) -> None:
    first = desk.ask(unique="report")
    running = desk.take()
    assert desk.ask(unique="report") == first
    assert desk.ask(unique="report") == first
    assert desk.claim().jobs == ()
    assert desk.finish(running) == {first}
    again = desk.take()
    assert (again.id, again.attempts) == (first, 1)
    assert desk.finish(again) == {first}
    clock.move(days=1)
    assert desk.claim().jobs == ()
    assert desk.ask(unique="report") != first


def test_a_job_can_ask_for_its_own_next_run(desk: Desk, clock: SetClock) -> None:
    first = desk.ask(unique="daily")
    running = desk.take()
    desk.ask(unique="daily", run_at=clock.now + timedelta(days=2))
    desk.ask(unique="daily", run_at=clock.now + timedelta(days=1))
    desk.finish(running)
    assert desk.claim().jobs == ()
    clock.move(days=1)
    assert desk.take().id == first


def test_what_was_asked_for_during_a_hopeless_run_gets_a_job_of_its_own(desk: Desk, clock: SetClock) -> None:
    first = desk.ask(unique="report", year=2026)
    running = desk.take()
    desk.ask(unique="report", year=2026)
    assert desk.end(claims.bury, running, "No paper.", clock.now)
    fresh = desk.take()
    assert fresh.id != first
    assert (fresh.unique, fresh.payload, fresh.attempts) == ("report", {"year": 2026}, 1)
    assert desk.find(first).state is JobState.DEAD


def test_many_jobs_are_queued_at_once_and_their_ids_come_in_order(desk: Desk, db: Database) -> None:
    open_before = desk.ask(unique="b", number=-1)
    wanted = [NewJob(kind=COPY, payload={"number": number}) for number in range(700)]
    wanted += [NewJob(kind=COPY, payload={"number": 1}, unique=unique) for unique in ("c", "b", "a", "c")]
    with db.write() as session:
        ids = queue.enqueue_all(session, wanted)
    assert [desk.find(ids[place]).payload["number"] for place in (0, 1, 350, 699)] == [0, 1, 350, 699]
    assert ids[701] == open_before
    assert ids[700] == ids[703]
    assert len(set(ids)) == 703
    with db.write() as session:
        assert queue.enqueue_all(session, []) == []


def test_two_who_ask_for_the_same_at_once_get_one_job(desk: Desk, db: Database) -> None:
    start = threading.Barrier(4)
    ids: list[int] = []

    def ask() -> None:
        start.wait()
        for number in range(10):
            names = [f"n{number}", f"m{number}"]
            if threading.get_ident() % 2:
                names.reverse()
            with db.write() as session:
                ids.extend(queue.enqueue_all(session, [NewJob(kind=COPY, payload={}, unique=name) for name in names]))

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(ids) == 80
    assert len(set(ids)) == 20


def test_a_waiting_job_can_be_cancelled(desk: Desk, db: Database) -> None:
    job_id = desk.ask()
    with db.write() as session:
        assert queue.cancel(session, job_id, "maria") is JobState.CANCELLED
    assert desk.claim().jobs == ()
    job = desk.find(job_id)
    assert (job.state, job.cancelled_by) == (JobState.CANCELLED, "maria")
    assert job.finished_at is not None


def test_a_running_job_is_asked_to_end_and_ends_with_its_attempt(desk: Desk, db: Database, clock: SetClock) -> None:
    for how, facts in ((claims.fail, ("x", clock.now)), (claims.put_off, ("x", clock.now)), (claims.release, ())):
        job_id = desk.ask()
        job = desk.take()
        with db.write() as session:
            assert queue.cancel(session, job_id, "maria") is JobState.RUNNING
        assert desk.end(how, job, *facts)
        assert desk.find(job_id).state is JobState.CANCELLED
    assert desk.claim().jobs == ()


def test_a_cancelled_job_whose_worker_fell_silent_is_not_begun_again(desk: Desk, db: Database, clock: SetClock) -> None:
    job_id = desk.ask()
    desk.take()
    with db.write() as session:
        queue.cancel(session, job_id, "maria")
    clock.move(minutes=2)
    assert desk.claim().jobs == ()
    assert desk.find(job_id).state is JobState.CANCELLED


def test_a_job_that_has_ended_cannot_be_cancelled_or_tried_again(desk: Desk, db: Database) -> None:
    job_id = desk.ask()
    desk.finish(desk.take())
    for act in (lambda session, job: queue.cancel(session, job, "maria"), queue.retry):
        for gone in (job_id, job_id + 99):
            with pytest.raises(JobGone), db.write() as session:
                act(session, gone)


def test_a_dead_job_that_is_tried_again_has_all_its_attempts(desk: Desk, db: Database, clock: SetClock) -> None:
    job_id = desk.ask()
    for _ in range(2):
        desk.end(claims.fail, desk.take(), "x", clock.now)
    desk.end(claims.bury, desk.take(), "x", clock.now)
    with db.write() as session:
        assert queue.retry(session, job_id) == job_id
    job = desk.take()
    assert (job.id, job.attempts, job.finished_at) == (job_id, 1, None)


def test_a_waiting_job_can_be_hastened(desk: Desk, db: Database, clock: SetClock) -> None:
    job_id = desk.ask(run_at=clock.now + timedelta(days=1))
    assert desk.claim().jobs == ()
    with db.write() as session:
        queue.retry(session, job_id)
    assert desk.take().id == job_id


def test_a_dead_job_leaves_the_work_to_an_open_one_of_the_same_name(desk: Desk, db: Database, clock: SetClock) -> None:
    dead = desk.ask(unique="report")
    desk.end(claims.bury, desk.take(), "x", clock.now)
    fresh = desk.ask(unique="report")
    assert fresh != dead
    with db.write() as session:
        assert queue.retry(session, dead) == fresh
    assert desk.find(dead).state is JobState.CANCELLED
    assert desk.take().id == fresh


def test_a_dead_job_can_be_dismissed(desk: Desk, db: Database, clock: SetClock) -> None:
    job_id = desk.ask()
    desk.end(claims.bury, desk.take(), "x", clock.now)
    with db.write() as session:
        assert queue.cancel(session, job_id, "maria") is JobState.CANCELLED


def test_a_unique_name_that_is_too_long_is_refused_and_not_cut(desk: Desk) -> None:
    with pytest.raises(ValueError, match="unique name of a"):
        desk.ask(unique="x" * 256)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(st.characters(), max_size=20),
    lambda values: st.lists(values, max_size=3) | st.dictionaries(st.text(max_size=5), values, max_size=3),
    max_leaves=8,
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(payload=_JSON, unique=st.text(st.characters(), max_size=40))
def test_any_payload_that_is_json_arrives(desk: Desk, payload: object, unique: str) -> None:
    job_id = desk.ask(unique=unique, content=payload)
    job = desk.take()
    assert job.id == job_id
    assert desk.finish(job) == {job_id}
