import subprocess
import sys
import textwrap
import threading
import time
from collections import Counter
from datetime import timedelta
from pathlib import Path

from sqlalchemy import text

from hub.clock import utc_now
from hub.db.database import Database
from hub.jobs import claims, queue
from hub.jobs.context import JobContext
from hub.jobs.job import Rule
from hub.jobs.models import JobState
from hub.jobs.worker import WorkerSettings
from tests.doubles.outage import away
from tests.unit.jobs.conftest import COPY, Gate, Office, await_that


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


def test_a_killed_workers_job_is_done_at_once_by_the_next_on_the_same_machine(
    sqlite_db: Database, tmp_path: Path
) -> None:
    program = textwrap.dedent(f"""
        import time
        from hub.db.database import Database
        from hub.jobs.worker import Worker, WorkerSettings

        def handle(context):
            print(context.job.id, flush=True)
            time.sleep(60)

        Worker(Database({sqlite_db.url!r}), {{{COPY!r}: handle}}, WorkerSettings(lease_s=3600, poll_s=0.02)).start()
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
