import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from hub.clock import utc_now
from hub.db.database import Database
from hub.jobs import claims, listing, queue
from hub.jobs.context import Handler, JobContext
from hub.jobs.errors import JobHopeless
from hub.jobs.job import Job, Progress, Rule
from hub.jobs.models import JobState
from hub.jobs.worker import Worker, WorkerSettings
from hub.sdk import RetryLater
from tests.doubles.outage import away
from tests.unit.jobs.conftest import COPY, await_that

QUICK = WorkerSettings(poll_s=0.02, rules={COPY: Rule(attempts=3, first_wait_s=0.01)})


class Office:
    """Starts workers and stops them; short words for what tests ask and see."""

    def __init__(self, db: Database) -> None:
        self.db = db
        self.workers: list[Worker] = []

    def hire(
        self, handler: Handler, settings: WorkerSettings = QUICK, *, watch: Callable[[], None] = lambda: None
    ) -> Worker:
        worker = Worker(self.db, {COPY: handler}, settings, watch=watch)
        self.workers.append(worker)
        worker.start()
        return worker

    def ask(self, count: int = 1, **payload: Any) -> list[int]:
        with self.db.write() as session:
            return queue.enqueue_all(session, [queue.NewJob(kind=COPY, payload=payload)] * count)

    def find(self, job_id: int) -> Job:
        with self.db.read() as session:
            job = listing.find(session, job_id)
        assert job is not None
        return job

    def await_state(self, job_id: int, state: JobState) -> Job:
        await_that(lambda: self.find(job_id).state is state)
        return self.find(job_id)

    def count(self, state: JobState) -> int:
        with self.db.read() as session:
            return listing.count_jobs(session)[state]


@pytest.fixture
def office(db: Database) -> Iterator[Office]:
    made = Office(db)
    yield made
    for worker in made.workers:
        worker.stop(0.5)


class Gate:
    """A handler that says when it is inside and stays there until it is let go."""

    def __init__(self) -> None:
        self.inside = threading.Event()
        self.open = threading.Event()
        self.runs: Counter[int] = Counter()

    def __call__(self, context: JobContext) -> None:
        self.runs[context.job.id] += 1
        self.inside.set()
        while not self.open.wait(0.01):
            context.check()


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


def test_a_worker_that_stops_gives_its_jobs_back_and_another_does_them(office: Office) -> None:
    gate = Gate()
    first = office.hire(gate)
    ids = office.ask(6)
    assert gate.inside.wait(10)
    started_s = time.monotonic()
    assert first.stop(10)
    assert time.monotonic() - started_s < 5
    assert office.count(JobState.QUEUED) == 6
    assert {office.find(job_id).attempts for job_id in ids} == {0}
    gate.open.set()
    office.hire(gate)
    await_that(lambda: office.count(JobState.DONE) == 6)


def test_a_worker_waits_for_jobs_that_end_within_its_grace(office: Office) -> None:
    inside, leave = threading.Event(), threading.Event()

    def handle(_: JobContext) -> None:
        inside.set()
        leave.wait(10)

    worker = office.hire(handle)
    (job_id,) = office.ask()
    assert inside.wait(10)
    threading.Timer(0.3, leave.set).start()
    assert worker.stop(10)
    assert office.find(job_id).state is JobState.DONE


def test_a_handler_that_does_not_listen_does_not_hold_up_the_stop(office: Office) -> None:
    inside, leave = threading.Event(), threading.Event()

    def handle(_: JobContext) -> None:
        inside.set()
        leave.wait(20)

    worker = office.hire(handle)
    office.ask()
    assert inside.wait(10)
    started_s = time.monotonic()
    assert not worker.stop(0.2)
    assert time.monotonic() - started_s < 5
    leave.set()


def test_a_killed_workers_job_is_done_by_another_after_its_lease(sqlite_db: Database, tmp_path: Path) -> None:
    program = textwrap.dedent(f"""
        import time
        from hub.db.database import Database
        from hub.jobs.worker import Worker, WorkerSettings

        def handle(context):
            print(context.job.id, flush=True)
            time.sleep(60)

        Worker(Database({sqlite_db.url!r}), {{{COPY!r}: handle}}, WorkerSettings(lease_s=1.0, poll_s=0.02)).start()
        time.sleep(60)
    """)
    office = Office(sqlite_db)
    (job_id,) = office.ask()
    with subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == f"{job_id}\n"
        process.kill()
    worker = office.hire(lambda _: None)
    job = office.await_state(job_id, JobState.DONE)
    assert (job.attempts, job.crashes) == (2, 1)
    assert worker.stop(5)


def test_a_job_that_takes_longer_than_its_lease_stays_with_its_worker(office: Office) -> None:
    gate = Gate()
    settings = WorkerSettings(poll_s=0.02, lease_s=0.6)
    office.hire(gate, settings)
    (job_id,) = office.ask()
    assert gate.inside.wait(10)
    office.hire(gate, settings)
    threading.Event().wait(1.5)
    gate.open.set()
    assert office.await_state(job_id, JobState.DONE).crashes == 0
    assert gate.runs == Counter([job_id])


def test_an_outage_of_the_database_neither_loses_nor_repeats_what_was_done(office: Office, db: Database) -> None:
    runs: Counter[int] = Counter()
    inside, leave = threading.Event(), threading.Event()

    def handle(context: JobContext) -> None:
        runs.update([context.job.id])
        inside.set()
        leave.wait(20)

    worker = office.hire(handle)
    ids = office.ask(3)
    await_that(lambda: len(runs) == 3)
    with away(db):
        leave.set()
        await_that(lambda: len(worker.running()) == 0)
        threading.Event().wait(0.5)
    await_that(lambda: office.count(JobState.DONE) == 3)
    assert runs == Counter(ids)
    more = office.ask(2)
    await_that(lambda: office.count(JobState.DONE) == 5)
    assert runs == Counter([*ids, *more])


def test_a_worker_can_start_and_stop_while_the_database_is_away(office: Office, db: Database) -> None:
    (job_id,) = office.ask()
    with away(db):
        assert office.hire(lambda _: None).stop(2)
        office.hire(lambda _: None)
        threading.Event().wait(0.3)
    office.await_state(job_id, JobState.DONE)


def test_a_job_that_meets_the_outage_itself_has_used_no_attempt(office: Office, db: Database) -> None:
    tries: list[int] = []

    def handle(context: JobContext) -> None:
        tries.append(context.job.attempts)
        if len(tries) == 1:
            with away(db), db.read():
                raise AssertionError("the database should be away")

    office.hire(handle)
    (job_id,) = office.ask()
    await_that(lambda: len(tries) == 2)
    job = office.await_state(job_id, JobState.DONE)
    assert (tries, job.delays) == ([1, 1], 1)


def test_a_handler_can_end_its_job_in_its_own_transaction(office: Office, db: Database) -> None:
    with db.write() as session:
        session.execute(text("CREATE TABLE effect (id INTEGER)"))

    def handle(context: JobContext) -> None:
        with db.write() as session:
            session.execute(text("INSERT INTO effect VALUES (1)"))
            context.finish(session)
            if context.job.attempts == 1:
                raise OSError("power cut")

    office.hire(handle)
    (job_id,) = office.ask()
    assert office.await_state(job_id, JobState.DONE).attempts == 2
    with db.read() as session:
        assert session.scalar(text("SELECT count(*) FROM effect")) == 1


def test_what_a_worker_does_for_a_job_that_it_has_lost_is_rolled_back(office: Office, db: Database) -> None:
    inside, leave, ended = threading.Event(), threading.Event(), threading.Event()
    with db.write() as session:
        session.execute(text("CREATE TABLE effect (id INTEGER)"))

    def handle(context: JobContext) -> None:
        inside.set()
        leave.wait(20)
        try:
            with db.write() as session:
                session.execute(text("INSERT INTO effect VALUES (1)"))
                context.finish(session)
        finally:
            ended.set()

    office.hire(handle)
    (job_id,) = office.ask()
    assert inside.wait(10)
    _steal(db)
    leave.set()
    assert ended.wait(10)
    with db.read() as session:
        assert session.scalar(text("SELECT count(*) FROM effect")) == 0
    assert office.find(job_id).claim == "thief"


def test_a_handler_hears_that_its_job_was_lost(office: Office, db: Database) -> None:
    gate = Gate()
    worker = office.hire(gate)
    (job_id,) = office.ask()
    assert gate.inside.wait(10)
    _steal(db)
    await_that(lambda: not worker.running())
    job = office.find(job_id)
    assert (job.state, job.claim) == (JobState.RUNNING, "thief")


def _steal(db: Database) -> None:
    """Another worker whose clock is an hour ahead takes what runs."""
    with db.write() as session:
        later = utc_now() + timedelta(hours=1)
        (_,) = claims.claim(session, {COPY: Rule()}, token="thief", limit=1, lease_s=9999, now=later).jobs


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


def test_a_handler_that_never_returns_is_left_alone_and_its_thread_replaced(office: Office) -> None:
    leave = threading.Event()

    def handle(context: JobContext) -> None:
        if context.payload["hangs"]:
            leave.wait(30)

    rule = Rule(longest_s=0.3)
    office.hire(handle, WorkerSettings(threads=1, poll_s=0.02, lease_s=1.0, rules={COPY: rule}))
    (hanging,) = office.ask(hangs=True)
    await_that(lambda: office.find(hanging).state is JobState.RUNNING)
    (good,) = office.ask(hangs=False)
    office.await_state(good, JobState.DONE)
    await_that(lambda: office.find(hanging).crashes >= 1)
    leave.set()
    office.await_state(hanging, JobState.DONE)


def test_a_worker_that_is_busy_with_a_long_job_does_not_sit_on_short_ones(office: Office, db: Database) -> None:
    gate = Gate()

    def handle(context: JobContext) -> None:
        if context.payload.get("long"):
            gate(context)

    alone = WorkerSettings(threads=1, poll_s=0.02)
    office.hire(handle, alone)
    office.ask(60)
    await_that(lambda: office.count(JobState.DONE) == 60)
    with db.write() as session:
        queue.enqueue(session, COPY, {"long": True}, run_at=utc_now() - timedelta(minutes=1))
        queue.enqueue_all(session, [queue.NewJob(kind=COPY, payload={})] * 5)
    assert gate.inside.wait(10)
    office.hire(handle, alone)
    await_that(lambda: office.count(JobState.DONE) == 65)
    assert office.count(JobState.RUNNING) == 1
    gate.open.set()
    await_that(lambda: office.count(JobState.DONE) == 66)


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
