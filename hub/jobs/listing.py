"""Looking at the queue, and forgetting what is long done."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Table, delete, func, select
from sqlalchemy.orm import Session

from hub.catalog.query import Cursor, Page
from hub.clock import to_ms
from hub.jobs.job import Job, job_from
from hub.jobs.models import JobEntry, JobState

_job: Table = JobEntry.table()


@dataclass(frozen=True, slots=True)
class DeadJobs:
    """How many jobs of a kind were given up, and why the last one."""

    kind: str
    count: int
    last_error: str


def find(session: Session, job_id: int) -> Job | None:
    """One job, None if there is none."""
    row = session.execute(select(*_job.c).where(_job.c.id == job_id)).mappings().first()
    return None if row is None else job_from(row)


def list_jobs(
    session: Session,
    *,
    states: Collection[JobState] = (),
    kinds: Collection[str] = (),
    before: Cursor | None = None,
    limit: int = 50,
) -> Page[Job]:
    """Jobs, the newest first, of these states and kinds (none: all); `before` is the `older` of the page above."""
    query = select(*_job.c).order_by(_job.c.id.desc()).limit(limit + 1)
    if states:
        query = query.where(_job.c.state.in_(states))
    if kinds:
        query = query.where(_job.c.kind.in_(kinds))
    if before is not None:
        query = query.where(_job.c.id < before.id)
    found = [job_from(row) for row in session.execute(query).mappings()]
    items = tuple(found[:limit])
    return Page(items, older=Cursor(to_ms(items[-1].created_at), items[-1].id) if len(found) > limit else None)


def count_jobs(session: Session) -> dict[JobState, int]:
    """How many there are in each state."""
    query = select(_job.c.state, func.count()).group_by(_job.c.state)
    return dict.fromkeys(JobState, 0) | dict(session.execute(query).all())


def count_open(session: Session) -> dict[str, int]:
    """How many wait or run, by kind."""
    open_states = (JobState.QUEUED, JobState.RUNNING)
    query = select(_job.c.kind, func.count()).where(_job.c.state.in_(open_states)).group_by(_job.c.kind)
    return dict(session.execute(query).all())


def count_late(session: Session, due_before: datetime) -> int:
    """How many should have begun before that moment and have not."""
    late = (_job.c.state == JobState.QUEUED, _job.c.run_at_ms < to_ms(due_before))
    return session.scalar(select(func.count()).where(*late)) or 0


def dead_jobs(session: Session) -> list[DeadJobs]:
    """What was given up, by kind."""
    dead = _job.c.state == JobState.DEAD
    groups = (
        select(_job.c.kind, func.count().label("count"), func.max(_job.c.id).label("last"))
        .where(dead)
        .group_by(_job.c.kind)
        .subquery()
    )
    query = select(groups.c.kind, groups.c.count, _job.c.error).join(_job, _job.c.id == groups.c.last)
    return [DeadJobs(kind, count, error) for kind, count, error in session.execute(query.order_by(groups.c.kind))]


def prune(session: Session, *, done_before: datetime, dead_before: datetime, limit: int = 1000) -> int:
    """Forget jobs that ended before these moments.

    Returns: how many; if it is `limit`, there may be more.
    """
    forgotten = 0
    for states, before in (
        ((JobState.DONE, JobState.CANCELLED), done_before),
        ((JobState.DEAD,), dead_before),
    ):
        before_ms = to_ms(before)
        old = select(_job.c.id).where(
            _job.c.state.in_(states),
            _job.c.run_at_ms < before_ms,  # follows from the next line, and has an index
            _job.c.finished_ms < before_ms,
        )
        ids = session.scalars(old.limit(limit - forgotten)).all()
        session.execute(delete(_job).where(_job.c.id.in_(ids)))
        forgotten += len(ids)
    return forgotten
