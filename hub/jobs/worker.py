"""Doing the work: claims jobs, runs their handlers in threads, and writes what became of them."""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import count
from types import TracebackType
from typing import Self

import structlog
from sqlalchemy.orm import Session

from hub.clock import Clock, utc_now
from hub.db.database import Database
from hub.db.errors import DatabaseAway
from hub.jobs import claims, listing
from hub.jobs.context import Handler, JobContext
from hub.jobs.crew import Crew
from hub.jobs.identity import is_gone, worker_name
from hub.jobs.job import Job, Rule
from hub.jobs.outcome import Outcome, Result, Written, write_outcomes
from hub.jobs.queue import enqueue
from hub.observe.metrics import JOBS

_log = structlog.get_logger(__name__)
_BEAT_S, _HANDED_BACK_S = 2.0, 2.0
_TENDING_S = 60.0
_JOIN_S = 1.0
_FIRST_WAIT_S, _LONGEST_WAIT_S = 0.2, 5.0
_METRIC_RESULTS = {
    Result.DONE: "done",
    Result.FINISHED: "done",
    Result.PUT_OFF: "again",
    Result.FAILED: "again",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerSettings:
    """How a worker works.

    threads: jobs done at the same time. batch: claimed in advance while jobs are short. lease_s: how long a silent
    worker keeps its jobs. poll_s: how often an idle worker looks. rules: by kind, where the default does not do.
    every_s: kinds that are queued by themselves, with an empty payload, and the seconds between their runs.
    keep_done, keep_dead: how long ended jobs stay in the list.
    """

    threads: int = 4
    batch: int = 20
    lease_s: float = 60.0
    poll_s: float = 0.5
    rules: Mapping[str, Rule] = field(default_factory=dict)
    every_s: Mapping[str, float] = field(default_factory=dict)
    keep_done: timedelta = timedelta(days=3)
    keep_dead: timedelta = timedelta(days=90)


def _nothing() -> None:
    """Nobody watches."""


class Worker:
    """Takes the jobs that its handlers know, until it is stopped. Any number of workers may share a database.

    watch: called after a job was given up, and once a minute: the place to raise alarms about the queue.
    While the database is away, running jobs go on and what became of them is written when it is back.
    """

    def __init__(
        self,
        db: Database,
        handlers: Mapping[str, Handler],
        settings: WorkerSettings | None = None,
        *,
        watch: Callable[[], None] = _nothing,
        clock: Clock = utc_now,
    ) -> None:
        self._db = db
        self._settings = settings or WorkerSettings()
        self._watch = watch
        self._clock = clock
        self._rules = {kind: self._settings.rules.get(kind, Rule()) for kind in handlers}
        self.name = worker_name()
        self._claims = count(1)
        self._crew = Crew(handlers, self._settings.threads, self.name)
        self._stopping = threading.Event()
        self._deadline_s = float("inf")
        self._next_beat_s = self._next_tending_s = 0.0
        self._thread = threading.Thread(target=self._run, name="jobs", daemon=True)

    def start(self) -> None:
        """Begin to work."""
        self._crew.start()
        self._thread.start()

    def stop(self, grace_s: float = 10.0) -> bool:
        """Take no more jobs, ask those that run to end, and wait for them; what was not begun is given back.

        Returns: whether all ended in time. A job that did not is taken by another worker when its lease ends.
        """
        self._deadline_s = time.monotonic() + grace_s
        self._stopping.set()
        self._crew.ring()
        if self._thread.ident is not None:
            self._thread.join(grace_s + _JOIN_S)
        self._crew.end()
        return not self._is_busy()

    def wake(self) -> None:
        """Look for work now: something was queued by this process."""
        self._crew.ring()

    def running(self) -> list[Job]:
        """The jobs in hand."""
        return [context.job for context in self._crew.contexts()]

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _run(self) -> None:
        wait_s, is_away = _FIRST_WAIT_S, False
        while not self._has_ended():
            try:
                more = self._turn()
                self._tend()
            except DatabaseAway as exc:
                if not is_away:
                    _log.warning("jobs.database_away", reason=str(exc))
                is_away = True
            except Exception:  # noqa: BLE001 - nothing may end the only thread that writes outcomes
                _log.exception("jobs.turn_failed")
            else:
                if is_away:
                    _log.info("jobs.database_back")
                wait_s, is_away = _FIRST_WAIT_S, False
                if not more:
                    self._crew.wait(self._settings.poll_s)
                continue
            self._crew.pause(wait_s)
            wait_s = min(wait_s * 2, _LONGEST_WAIT_S)

    def _has_ended(self) -> bool:
        return self._stopping.is_set() and (not self._is_busy() or time.monotonic() > self._deadline_s)

    def _is_busy(self) -> bool:
        return bool(self._crew.contexts() or self._crew.outcomes())

    def _turn(self) -> bool:
        """Write what has ended, renew leases, and claim what there is room for, all in one transaction.

        Returns: whether there is probably more to claim.
        """
        is_stopping, now = self._stopping.is_set(), self._clock()
        self._crew.take_back(0.0 if is_stopping else _HANDED_BACK_S)
        outcomes, in_hand = self._crew.outcomes(), self._in_hand(interrupt=is_stopping)
        room = 0 if is_stopping else self._crew.room(self._settings.batch)
        is_beat = bool(in_hand) and time.monotonic() >= self._next_beat_s
        if not (outcomes or is_beat or (room and self._is_work_waiting(now))):
            return False
        claimed = claims.Claimed()
        with self._db.write() as session:
            written = write_outcomes(session, outcomes, self._rules, now)
            if is_beat:
                self._beat(session, in_hand, now)
            if room:
                token = f"{self.name}/{next(self._claims)}"
                lease_s = self._settings.lease_s
                claimed = claims.claim(session, self._rules, token=token, limit=room, lease_s=lease_s, now=now)
        self._crew.forget(len(outcomes))
        self._crew.give(JobContext(job) for job in claimed.jobs)
        if _tell(outcomes, written) or _tell_buried(claimed.buried):
            self._next_tending_s = 0.0
        return bool(room) and len(claimed.jobs) == room

    def _in_hand(self, *, interrupt: bool) -> list[JobContext]:
        """The jobs whose leases are to be renewed; one that takes too long is left to whoever claims it next."""
        kept = []
        for context, age_s in self._crew.contexts().items():
            if age_s > self._rules[context.job.kind].longest_s:
                _log.error("job.took_too_long", job=context.job.id, job_kind=context.job.kind, age_s=round(age_s))
                self._crew.abandon(context)
            else:
                kept.append(context)
                if interrupt:
                    context.interrupt()
        return kept

    def _is_work_waiting(self, now: datetime) -> bool:
        with self._db.read() as session:
            return claims.is_work_waiting(session, self._rules, now)

    def _beat(self, session: Session, in_hand: Sequence[JobContext], now: datetime) -> None:
        """Renew leases, show progress, and hear who wants a job to end."""
        lease_s = self._settings.lease_s
        kept = claims.extend(session, [context.job for context in in_hand], lease_s, now)
        for context in in_hand:
            cancelled_by = kept.get(context.job.id)
            if cancelled_by is None:
                context.interrupt()
            elif cancelled_by:
                context.cancel(cancelled_by)
            progress = context.news()
            if progress is not None:
                claims.report(session, context.job, progress)
                context.note_shown(progress)
        self._next_beat_s = time.monotonic() + min(_BEAT_S, lease_s / 4)

    def _tend(self) -> None:
        """Once a minute: free jobs of the dead, queue what comes by itself, forget what is long done, be watched."""
        if self._stopping.is_set() or time.monotonic() < self._next_tending_s:
            return
        self._next_tending_s = time.monotonic() + _TENDING_S
        now = self._clock()
        try:
            with self._db.write() as session:
                claims.free_orphans(session, lambda token: is_gone(token.rpartition("/")[0]), now)
                for kind, every_s in self._settings.every_s.items():
                    enqueue(session, kind, {}, unique="every", run_at=now + timedelta(seconds=every_s))
                done_before, dead_before = now - self._settings.keep_done, now - self._settings.keep_dead
                listing.prune(session, done_before=done_before, dead_before=dead_before)
            self._watch()
        except DatabaseAway:
            self._next_tending_s = 0.0
            raise


def _tell(outcomes: Sequence[Outcome], written: Written) -> bool:
    """Log and count what became of jobs.

    Returns: whether one was given up.
    """
    lost = {job.id for job in written.lost}
    buried = {job.id for job in written.buried}
    for outcome in outcomes:
        job = outcome.job
        if job.id in lost:
            _log.warning("job.claim_lost", job=job.id, job_kind=job.kind)
        elif job.id in buried:
            _tell_given_up(job, outcome.reason)
        else:
            if outcome.result is not Result.DONE and outcome.reason:
                _log.info(
                    "job.interrupted", job=job.id, job_kind=job.kind, result=outcome.result.value, reason=outcome.reason
                )
            if outcome.result in _METRIC_RESULTS:
                JOBS.labels(job.kind, _METRIC_RESULTS[outcome.result]).inc()
    return bool(buried)


def _tell_buried(jobs: Sequence[Job]) -> bool:
    for job in jobs:
        _tell_given_up(job, "its worker stopped each time")
    return bool(jobs)


def _tell_given_up(job: Job, reason: str) -> None:
    _log.error("job.given_up", job=job.id, job_kind=job.kind, attempts=job.attempts, reason=reason)
    JOBS.labels(job.kind, "dead").inc()
