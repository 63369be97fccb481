import sys
import threading
from collections import Counter
from datetime import timedelta
from typing import Any

from hub.clock import utc_now
from hub.db.database import Database
from hub.jobs import listing, queue
from hub.jobs.context import JobContext
from hub.jobs.errors import JobHopeless
from hub.jobs.job import Progress
from hub.jobs.models import JobState
from hub.jobs.worker import Worker, WorkerSettings
from hub.sdk import RetryLater
from tests.unit.jobs.conftest import COPY, QUICK, Gate, Office, await_that


def test_a_job_is_done_with_its_payload(office: Office) -> None:
    seen: list[Any] = []
    office.hire(lambda context: seen.append(dict(context.payload)))
    (job_id,) = office.ask(media=7)
    job = office.await_state(job_id, JobState.DONE)
    assert seen == [{"media": 7}]
    assert (job.attempts, job.error) == (1, "")
    assert job.finished_at is not None


def test_two_workers_never_do_the_same_job(office: Office) -> None:
    runs: Counter[int] = Counter()
    ids = office.ask(300)
    for _ in range(2):
        office.hire(lambda context: runs.update([context.job.id]))
    await_that(lambda: office.count(JobState.DONE) == 300)
    assert runs == Counter(ids)


def test_jobs_run_at_the_same_time_as_many_as_there_are_threads(office: Office) -> None:
    together = threading.Barrier(4, timeout=10)
    office.hire(lambda _: together.wait() and None)
    office.ask(4)
    await_that(lambda: office.count(JobState.DONE) == 4)


def test_an_attempt_that_fails_is_made_again_until_it_works(office: Office) -> None:
    tries: list[int] = []

    def handle(context: JobContext) -> None:
        tries.append(context.job.attempts)
        if len(tries) < 3:
            raise OSError("no route")

    office.hire(handle)
    (job_id,) = office.ask()
    assert office.await_state(job_id, JobState.DONE).error == ""
    assert tries == [1, 2, 3]


def test_a_job_that_always_fails_is_given_up_with_its_reason_and_somebody_is_told(office: Office) -> None:
    told: list[int] = []

    def handle(_: JobContext) -> None:
        raise OSError("no route")

    office.hire(handle, watch=lambda: told.append(office.count(JobState.DEAD)))
    (job_id,) = office.ask()
    job = office.await_state(job_id, JobState.DEAD)
    assert (job.attempts, job.error) == (3, "OSError: no route")
    await_that(lambda: told and told[-1] == 1)


def test_a_hopeless_job_is_given_up_at_once(office: Office) -> None:
    def handle(_: JobContext) -> None:
        raise JobHopeless("The recording was deleted.", hint="Nothing to do.")

    office.hire(handle)
    (job_id,) = office.ask()
    job = office.await_state(job_id, JobState.DEAD)
    assert (job.attempts, job.error) == (1, "The recording was deleted. Nothing to do.")


def test_a_job_whose_other_side_is_away_is_never_given_up(office: Office) -> None:
    tries: list[int] = []

    def handle(_: JobContext) -> None:
        tries.append(1)
        if len(tries) < 10:
            raise RetryLater("The NAS is away.", after=timedelta(0))

    office.hire(handle)
    (job_id,) = office.ask()
    job = office.await_state(job_id, JobState.DONE)
    assert (job.attempts, job.delays) == (1, 9)


def test_the_other_side_may_say_when_to_come_back(office: Office) -> None:
    def handle(_: JobContext) -> None:
        raise RetryLater("Come back in an hour.", after=timedelta(hours=1))

    office.hire(handle)
    (job_id,) = office.ask()
    await_that(lambda: office.find(job_id).delays == 1)
    job = office.find(job_id)
    assert (job.state, job.error) == (JobState.QUEUED, "Come back in an hour.")
    assert timedelta(minutes=59) < job.run_at - utc_now() <= timedelta(hours=1)


def test_a_handler_that_wants_to_end_the_process_ends_its_attempt_only(office: Office) -> None:
    def handle(context: JobContext) -> None:
        if context.job.attempts == 1:
            sys.exit(3)

    office.hire(handle)
    (job_id,) = office.ask()
    assert office.await_state(job_id, JobState.DONE).attempts == 2


def test_a_running_job_can_be_cancelled(office: Office, db: Database) -> None:
    gate = Gate()
    office.hire(gate)
    (job_id,) = office.ask()
    assert gate.inside.wait(10)
    with db.write() as session:
        queue.cancel(session, job_id, "maria")
    job = office.await_state(job_id, JobState.CANCELLED)
    assert (job.cancelled_by, gate.runs) == ("maria", Counter([job_id]))


def test_progress_is_seen_during_the_work_and_its_last_word_after_it(office: Office) -> None:
    leave = threading.Event()

    def handle(context: JobContext) -> None:
        context.report(1, 3, "first file")
        leave.wait(20)
        context.report(3, 3, "all files")

    office.hire(handle)
    (job_id,) = office.ask()
    await_that(lambda: office.find(job_id).progress == Progress(1, 3, "first file"))
    leave.set()
    assert office.await_state(job_id, JobState.DONE).progress == Progress(3, 3, "all files")


def test_regular_work_is_queued_by_itself_and_once(office: Office, db: Database) -> None:
    settings = WorkerSettings(poll_s=0.02, every_s={COPY: 3600})
    for _ in range(2):
        office.hire(lambda _: None, settings)
    await_that(lambda: office.count(JobState.QUEUED) == 1)
    with db.read() as session:
        (job,) = listing.list_jobs(session).items
    assert timedelta(minutes=59) < job.run_at - utc_now() <= timedelta(hours=1)


def test_jobs_that_ended_long_ago_are_forgotten(office: Office) -> None:
    office.hire(lambda _: None)
    office.ask(3)
    await_that(lambda: office.count(JobState.DONE) == 3)
    forgetful = WorkerSettings(poll_s=0.02, keep_done=timedelta(seconds=-10))
    office.hire(lambda _: None, forgetful)
    await_that(lambda: office.count(JobState.DONE) == 0)


def test_a_watcher_that_fails_does_not_stop_the_work(office: Office) -> None:
    def watch() -> None:
        raise LookupError("no board")

    office.hire(lambda _: None, watch=watch)
    ids = office.ask(3)
    for job_id in ids:
        office.await_state(job_id, JobState.DONE)


def test_a_worker_is_woken_by_who_queued(office: Office) -> None:
    worker = office.hire(lambda _: None, WorkerSettings(poll_s=30))
    threading.Event().wait(0.2)
    (job_id,) = office.ask()
    worker.wake()
    office.await_state(job_id, JobState.DONE)


def test_a_worker_works_while_its_block_lasts(db: Database) -> None:
    office = Office(db)
    (job_id,) = office.ask()
    with Worker(db, {COPY: lambda _: None}, QUICK):
        office.await_state(job_id, JobState.DONE)
    office.ask()
    threading.Event().wait(0.1)
    assert office.count(JobState.QUEUED) == 1
