"""Taking jobs out of the queue and saying what became of them, within the caller's transaction.

Who claims a job holds a lease on it; a lease that ends unrenewed lets another worker take the job. Only the claim that
holds a job can say what became of it. Machines that share a database need clocks that agree to within some seconds.
"""

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, case, select, update
from sqlalchemy.orm import Session

from hub.clock import to_ms, utc_now
from hub.db.plain import storable_text
from hub.jobs.job import Job, Progress, Rule, job_from
from hub.jobs.models import JobState
from hub.jobs.queue import requeue
from hub.jobs.statements import DUE, EXTEND, FINISH, SILENT, TAKE, WAITING, state
from hub.jobs.statements import job as job_table

_ERROR_LENGTH, _NOTE_LENGTH = 2000, 500


@dataclass(frozen=True, slots=True)
class Claimed:
    """Jobs to do, in their order, and jobs that were given up because they stop their workers."""

    jobs: tuple[Job, ...] = ()
    buried: tuple[Job, ...] = ()


def claim(
    session: Session, rules: Mapping[str, Rule], *, token: str, limit: int, lease_s: float, now: datetime
) -> Claimed:
    """Take up to `limit` jobs that are due, of the kinds that have a rule; those of silent workers come first.

    token: unique to this claim.
    """
    facts = {"now_ms": to_ms(now), "kinds": list(rules), "limit": limit}
    ids, buried = [], []
    for silent in [job_from(row) for row in session.execute(SILENT, facts).mappings()]:
        if silent.cancelled_by:
            end_cancelled(session, silent, now)
        elif silent.crashes >= rules[silent.kind].crashes:
            bury(session, silent, f"Its worker stopped {silent.crashes + 1} times while doing it.", now)
            buried.append(silent)
        else:
            ids.append(silent.id)
    if len(ids) < limit:
        ids += session.scalars(DUE, facts | {"limit": limit - len(ids)})
    lease = {"ids": ids, "token": token, "until_ms": _after_ms(now, lease_s)}
    jobs = [job_from(row) for row in session.execute(TAKE, lease).mappings()] if ids else []
    return Claimed(tuple(sorted(jobs, key=lambda job: (job.run_at, job.id))), tuple(buried))


def is_work_waiting(session: Session, kinds: Collection[str], now: datetime) -> bool:
    """Whether a claim would find something; takes no lock."""
    facts = {"now_ms": to_ms(now), "kinds": list(kinds)}
    return any(session.scalar(query, facts) is not None for query in WAITING)


def extend(session: Session, jobs: Collection[Job], lease_s: float, now: datetime) -> dict[int, str]:
    """Renew the leases; one that has ended is renewed too while nobody else has taken the job.

    Returns: the jobs that are still their claims', by id, and who wants each to end ("" for nobody).
    """
    kept: dict[int, str] = {}
    for token, ids in _by_claim(jobs).items():
        lease = {"ids": ids, "token": token, "until_ms": _after_ms(now, lease_s)}
        kept |= dict(session.execute(EXTEND, lease).all())
    return kept


def free_orphans(session: Session, is_gone: Callable[[str], bool], now: datetime) -> None:
    """End the leases of claims whose workers are known to be dead, so that nobody has to wait for their end."""
    running = job_table.c.state == JobState.RUNNING
    tokens = session.scalars(select(job_table.c.worker).where(running).distinct()).all()
    gone = [token for token in tokens if is_gone(token)]
    if gone:
        orphaned = update(job_table).where(running, job_table.c.worker.in_(gone))
        session.execute(orphaned.values(lease_until_ms=to_ms(now)))


def report(session: Session, job: Job, progress: Progress) -> None:
    """Say how far a running job has come."""
    words = {"done": progress.done, "of": progress.of, "note": storable_text(progress.note, _NOTE_LENGTH)}
    _end(session, job, {"progress": words})


def finish(session: Session, jobs: Collection[Job], now: datetime) -> set[int]:
    """These are done; one that was asked for again meanwhile is queued anew.

    Returns: the ids of those that were still their claims' to finish.
    """
    finished: set[int] = set()
    for token, ids in _by_claim(jobs).items():
        finished.update(session.scalars(FINISH, {"ids": ids, "token": token, "now_ms": to_ms(now)}))
    return finished


def put_off(session: Session, job: Job, reason: str, until: datetime) -> bool:
    """The other side is away: try again at `until`; this was no failed attempt.

    Returns: whether the job was still its claim's, as do the next ones.
    """
    return _end(
        session, job, _queued(until, reason) | {"attempts": job_table.c.attempts - 1, "delays": job_table.c.delays + 1}
    )


def fail(session: Session, job: Job, reason: str, until: datetime) -> bool:
    """The attempt failed: try again at `until`."""
    return _end(session, job, _queued(until, reason))


def release(session: Session, job: Job) -> bool:
    """Give the job back as if it had not been claimed."""
    return _end(session, job, _queued(job.run_at, job.error) | {"attempts": job_table.c.attempts - 1})


def bury(session: Session, job: Job, reason: str, now: datetime) -> bool:
    """Give the job up; if it was asked for again meanwhile, a fresh one is queued for that."""
    mine = (job_table.c.id == job.id, *_runs_under(job.claim))
    again_at_ms = session.scalar(select(job_table.c.again_at_ms).where(*mine).with_for_update())
    dead = {"state": JobState.DEAD, "error": storable_text(reason, _ERROR_LENGTH), "finished_ms": to_ms(now)}
    if not _end(session, job, dead):
        return False
    if again_at_ms is not None:
        requeue(session, job.kind, job.payload, job.unique, again_at_ms)
    return True


def end_cancelled(session: Session, job: Job, now: datetime) -> bool:
    """The running job has ended because somebody wanted it to."""
    return _end(session, job, {"state": JobState.CANCELLED, "finished_ms": to_ms(now)})


def _runs_under(token: str) -> tuple[ColumnElement[bool], ...]:
    return job_table.c.state == JobState.RUNNING, job_table.c.worker == token


def _queued(until: datetime, reason: str) -> dict[str, Any]:
    """Back into the queue, unless somebody wants the job to end."""
    now_ms = to_ms(utc_now())
    wanted = job_table.c.cancelled_by == ""
    return {
        "state": case((wanted, state(JobState.QUEUED)), else_=state(JobState.CANCELLED)),
        "run_at_ms": to_ms(until),
        "error": storable_text(reason, _ERROR_LENGTH),
        "finished_ms": case((wanted, None), else_=now_ms),
    }


def _end(session: Session, job: Job, values: Mapping[str, Any]) -> bool:
    mine = (
        update(job_table)
        .where(job_table.c.id == job.id, *_runs_under(job.claim))
        .values(values)
        .returning(job_table.c.id)
    )
    return session.scalar(mine) is not None


def _by_claim(jobs: Collection[Job]) -> dict[str, list[int]]:
    ids: dict[str, list[int]] = {}
    for job in jobs:
        ids.setdefault(job.claim, []).append(job.id)
    return ids


def _after_ms(now: datetime, seconds: float) -> int:
    return to_ms(now) + int(seconds * 1000)
