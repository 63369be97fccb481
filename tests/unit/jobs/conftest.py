import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hub.db.database import Database
from hub.jobs import claims, listing, queue
from hub.jobs.claims import Claimed
from hub.jobs.context import Handler, JobContext
from hub.jobs.job import Job, Rule
from hub.jobs.models import JobState
from hub.jobs.worker import Worker, WorkerSettings

COPY = "vault.copy"
RULES = {COPY: Rule(attempts=3, crashes=2)}


class SetClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = datetime.now(UTC) + timedelta(minutes=1)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **span: float) -> None:
        self.now += timedelta(**span)


class Desk:
    """A queue with short words for what tests do with it."""

    def __init__(self, db: Database, clock: SetClock) -> None:
        self.db = db
        self.clock = clock
        self._claims = 0

    def ask(self, kind: str = COPY, *, unique: str = "", run_at: datetime | None = None, **payload: Any) -> int:
        with self.db.write() as session:
            return queue.enqueue(session, kind, payload, unique=unique, run_at=run_at)

    def claim(self, limit: int = 1, *, lease_s: float = 60) -> Claimed:
        self._claims += 1
        with self.db.write() as session:
            return claims.claim(
                session, RULES, token=f"w/{self._claims}", limit=limit, lease_s=lease_s, now=self.clock.now
            )

    def take(self, **options: Any) -> Job:
        (job,) = self.claim(**options).jobs
        return job

    def end(self, how: Callable[..., Any], job: Job, *facts: Any) -> Any:
        with self.db.write() as session:
            return how(session, job, *facts)

    def finish(self, *jobs: Job) -> set[int]:
        with self.db.write() as session:
            return claims.finish(session, jobs, self.clock.now)

    def find(self, job_id: int) -> Job:
        with self.db.read() as session:
            job = listing.find(session, job_id)
        assert job is not None
        return job


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


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def desk(db: Database, clock: SetClock) -> Desk:
    return Desk(db, clock)


@pytest.fixture
def office(db: Database) -> Iterator[Office]:
    made = Office(db)
    yield made
    for worker in made.workers:
        worker.stop(0.5)


def await_that(condition: Callable[[], object], timeout_s: float = 15.0) -> None:
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline_s, "it did not come true in time"
        threading.Event().wait(0.01)
