"""Taking jobs out of the queue and saying what became of them, within the caller's transaction.

Who claims a job holds a lease on it; a lease that ends unrenewed lets another worker take the job. Only the claim that
holds a job can say what became of it. Machines that share a database need clocks that agree to within some seconds.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Table, bindparam, case, func, literal, select, update
from sqlalchemy.orm import Session

from hub.clock import to_ms, utc_now
from hub.db.plain import storable_text
from hub.db.types import Word
from hub.jobs.job import Job, Progress, Rule, job_from
from hub.jobs.models import JobEntry, JobState
from hub.jobs.queue import requeue

_job: Table = JobEntry.table()
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
    now_ms = to_ms(now)
    silent = _select(session, _is_silent(rules, now_ms), limit)
    ids, buried = [], []
    for job in silent:
        if job.cancelled_by:
            end_cancelled(session, job, now)
        elif job.crashes >= rules[job.kind].crashes:
            bury(session, job, f"Its worker stopped {job.crashes + 1} times while doing it.", now)
            buried.append(job)
        else:
            ids.append(job.id)
    if len(ids) < limit:
        ids += [job.id for job in _select(session, _is_due(rules, now_ms), limit - len(ids))]
    values = {
        "state": JobState.RUNNING,
        "attempts": _job.c.attempts + 1,
        "crashes": _job.c.crashes + case((_job.c.state == JobState.RUNNING, 1), else_=0),
        "worker": token,
        "lease_until_ms": _after_ms(now, lease_s),
        "progress": {},
    }
    taken = update(_job).where(_job.c.id.in_(ids)).values(values).returning(*_job.c)
    jobs = [job_from(row) for row in session.execute(taken).mappings()] if ids else []
    return Claimed(tuple(sorted(jobs, key=lambda job: (job.run_at, job.id))), tuple(buried))


def is_work_waiting(session: Session, kinds: Collection[str], now: datetime) -> bool:
    """Whether a claim would find something; takes no lock."""
    now_ms = to_ms(now)
    return any(
        session.scalar(select(_job.c.id).where(*condition).limit(1)) is not None
        for condition in (_is_due(kinds, now_ms), _is_silent(kinds, now_ms))
    )


def extend(session: Session, jobs: Collection[Job], lease_s: float, now: datetime) -> dict[int, str]:
    """Renew the leases; one that has ended is renewed too while nobody else has taken the job.

    Returns: the jobs that are still their claims', by id, and who wants each to end ("" for nobody).
    """
    kept: dict[int, str] = {}
    for token, ids in _by_claim(jobs).items():
        renewed = (
            update(_job)
            .where(_job.c.id.in_(ids), *_runs_under(token))
            .values(lease_until_ms=_after_ms(now, lease_s))
            .returning(_job.c.id, _job.c.cancelled_by)
        )
        kept |= dict(session.execute(renewed).all())
    return kept


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
        finished.update(session.scalars(_FINISH, {"ids": ids, "token": token, "now_ms": to_ms(now)}))
    return finished


def put_off(session: Session, job: Job, reason: str, until: datetime) -> bool:
    """The other side is away: try again at `until`; this was no failed attempt.

    Returns: whether the job was still its claim's, as do the next ones.
    """
    return _end(session, job, _queued(until, reason) | {"attempts": _job.c.attempts - 1, "delays": _job.c.delays + 1})


def fail(session: Session, job: Job, reason: str, until: datetime) -> bool:
    """The attempt failed: try again at `until`."""
    return _end(session, job, _queued(until, reason))


def release(session: Session, job: Job) -> bool:
    """Give the job back as if it had not been claimed."""
    return _end(session, job, _queued(job.run_at, job.error) | {"attempts": _job.c.attempts - 1})


def bury(session: Session, job: Job, reason: str, now: datetime) -> bool:
    """Give the job up; if it was asked for again meanwhile, a fresh one is queued for that."""
    mine = (_job.c.id == job.id, *_runs_under(job.claim))
    again_at_ms = session.scalar(select(_job.c.again_at_ms).where(*mine).with_for_update())
    dead = {"state": JobState.DEAD, "error": storable_text(reason, _ERROR_LENGTH), "finished_ms": to_ms(now)}
    if not _end(session, job, dead):
        return False
    if again_at_ms is not None:
        requeue(session, job.kind, job.payload, job.unique, again_at_ms)
    return True


def end_cancelled(session: Session, job: Job, now: datetime) -> bool:
    """The running job has ended because somebody wanted it to."""
    return _end(session, job, {"state": JobState.CANCELLED, "finished_ms": to_ms(now)})


def _state(state: JobState) -> ColumnElement[JobState]:
    return literal(state, Word(JobState))


def _finish_statement() -> Any:
    is_last = _job.c.again_at_ms.is_(None)
    values = {
        "state": case((is_last, _state(JobState.DONE)), else_=_state(JobState.QUEUED)),
        "run_at_ms": func.coalesce(_job.c.again_at_ms, _job.c.run_at_ms),
        "attempts": case((is_last, _job.c.attempts), else_=0),
        "delays": case((is_last, _job.c.delays), else_=0),
        "crashes": case((is_last, _job.c.crashes), else_=0),
        "again_at_ms": None,
        "error": "",
        "finished_ms": case((is_last, bindparam("now_ms", type_=_job.c.finished_ms.type)), else_=None),
    }
    which = (_job.c.id.in_(bindparam("ids", expanding=True)), *_runs_under(bindparam("token")))
    return update(_job).where(*which).values(values).returning(_job.c.id)


def _runs_under(token: Any) -> tuple[ColumnElement[bool], ...]:
    return _job.c.state == JobState.RUNNING, _job.c.worker == token


_FINISH = _finish_statement()


def _is_due(kinds: Collection[str], now_ms: int) -> tuple[ColumnElement[bool], ...]:
    return _job.c.state == JobState.QUEUED, _job.c.run_at_ms <= now_ms, _job.c.kind.in_(kinds)


def _is_silent(kinds: Collection[str], now_ms: int) -> tuple[ColumnElement[bool], ...]:
    return _job.c.state == JobState.RUNNING, _job.c.lease_until_ms <= now_ms, _job.c.kind.in_(kinds)


def _select(session: Session, condition: Sequence[ColumnElement[bool]], limit: int) -> list[Job]:
    """Rows that nobody else is taking, locked (on SQLite the whole file is)."""
    query = select(*_job.c).where(*condition).order_by(_job.c.run_at_ms, _job.c.id).limit(limit)
    return [job_from(row) for row in session.execute(query.with_for_update(skip_locked=True)).mappings()]


def _queued(until: datetime, reason: str) -> dict[str, Any]:
    """Back into the queue, unless somebody wants the job to end."""
    now_ms = to_ms(utc_now())
    wanted = _job.c.cancelled_by == ""
    return {
        "state": case((wanted, _state(JobState.QUEUED)), else_=_state(JobState.CANCELLED)),
        "run_at_ms": to_ms(until),
        "error": storable_text(reason, _ERROR_LENGTH),
        "finished_ms": case((wanted, None), else_=now_ms),
    }


def _end(session: Session, job: Job, values: Mapping[str, Any]) -> bool:
    mine = update(_job).where(_job.c.id == job.id, *_runs_under(job.claim)).values(values).returning(_job.c.id)
    return session.scalar(mine) is not None


def _by_claim(jobs: Collection[Job]) -> dict[str, list[int]]:
    ids: dict[str, list[int]] = {}
    for job in jobs:
        ids.setdefault(job.claim, []).append(job.id)
    return ids


def _after_ms(now: datetime, seconds: float) -> int:
    return to_ms(now) + int(seconds * 1000)
