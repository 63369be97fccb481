"""Asking for background work, within the caller's transaction."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Table, and_, case, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert as postgres_insert
from sqlalchemy.dialects.sqlite import insert as sqlite_insert
from sqlalchemy.orm import Session

from hub.clock import to_ms, utc_now
from hub.db.plain import storable_json, storable_text
from hub.jobs.errors import JobGone
from hub.jobs.job import NewJob
from hub.jobs.models import OPEN_UNIQUE, JobEntry, JobState

_job: Table = JobEntry.table()
_OPEN = (JobState.QUEUED, JobState.RUNNING)
_LOGIN_LENGTH, _UNIQUE_LENGTH = 255, 255
_ROWS = 500


def enqueue(
    session: Session, kind: str, payload: Mapping[str, Any], *, unique: str = "", run_at: datetime | None = None
) -> int:
    """Queue a job; it is there when the transaction commits, and runs at least once.

    unique: at most one job of the kind is open under this name. While it waits, asking again changes nothing; while it
    runs, it is queued once more for when it ends, so that nothing asked for meanwhile is missed. Jobs of one name have
    the same payload.
    Returns: the id of the job, or of the one that is open.
    """
    return enqueue_all(session, [NewJob(kind=kind, payload=payload, unique=unique, run_at=run_at)])[0]


def enqueue_all(session: Session, jobs: Sequence[NewJob]) -> list[int]:
    """Queue many jobs in few statements.

    Returns: their ids, in the same order.
    """
    now_ms = to_ms(utc_now())
    rows = [_row(job, now_ms) for job in jobs]
    ids = iter(_insert(session, [row for row in rows if not row["unique_key"]]))
    unique_ids = _insert_unique(session, {_name(row): row for row in reversed(rows) if row["unique_key"]})
    return [unique_ids[_name(row)] if row["unique_key"] else next(ids) for row in rows]


def cancel(session: Session, job_id: int, login: str) -> JobState:
    """End a job: at once if it waits or was given up; a running one is asked to, and ends when it notices.

    Returns: its state now.
    Raises: JobGone if it has ended already or never was.
    """
    state = session.scalar(select(_job.c.state).where(_job.c.id == job_id).with_for_update())
    if state not in (*_OPEN, JobState.DEAD):
        raise JobGone("This job has ended already.", hint="The list of jobs shows what became of it.")
    values: dict[str, Any] = {"cancelled_by": storable_text(login, _LOGIN_LENGTH) or "system", "again_at_ms": None}
    if state is not JobState.RUNNING:
        state = JobState.CANCELLED
        values |= {"state": state, "finished_ms": to_ms(utc_now())}
    session.execute(update(_job).where(_job.c.id == job_id).values(values))
    return state


def retry(session: Session, job_id: int) -> int:
    """Let a job that waits or was given up run now, with all its attempts.

    Returns: its id, or that of an open job of the same unique name, which does instead.
    Raises: JobGone if it neither waits nor was given up.
    """
    row = session.execute(select(*_job.c).where(_job.c.id == job_id).with_for_update()).mappings().first()
    if row is None or row["state"] not in (JobState.QUEUED, JobState.DEAD):
        raise JobGone("This job neither waits nor was given up.", hint="The list of jobs shows how it is.")
    now_ms = to_ms(utc_now())
    values: dict[str, Any] = {"state": JobState.QUEUED, "run_at_ms": now_ms, "finished_ms": None}
    values |= {"attempts": 0, "delays": 0, "crashes": 0}
    twin = _open_twin(session, row["kind"], row["unique_key"]) if row["state"] is JobState.DEAD else None
    if twin is not None:
        values = {"state": JobState.CANCELLED, "finished_ms": now_ms}
    session.execute(update(_job).where(_job.c.id == job_id).values(values))
    return job_id if twin is None else twin


def requeue(session: Session, kind: str, payload: Mapping[str, Any], unique: str, run_at_ms: int) -> None:
    """A fresh job in the place of one that has just ended."""
    row = _row(NewJob(kind=kind, payload=payload, unique=unique), run_at_ms)
    _insert_unique(session, {_name(row): row})


def _row(job: NewJob, now_ms: int) -> dict[str, Any]:
    if len(job.unique) > _UNIQUE_LENGTH:
        raise ValueError(f"the unique name of a {job.kind} job has more than {_UNIQUE_LENGTH} characters")
    return {
        "kind": job.kind,
        "payload": storable_json(job.payload),
        "unique_key": storable_text(job.unique, _UNIQUE_LENGTH),
        "state": JobState.QUEUED,
        "run_at_ms": now_ms if job.run_at is None else to_ms(job.run_at),
        "again_at_ms": None,
        "attempts": 0,
        "delays": 0,
        "crashes": 0,
        "lease_until_ms": 0,
        "worker": "",
        "progress": {},
        "error": "",
        "cancelled_by": "",
        "created_ms": now_ms,
        "finished_ms": None,
    }


def _name(row: Mapping[str, Any]) -> tuple[str, str]:
    return row["kind"], row["unique_key"]


def _insert(session: Session, rows: list[dict[str, Any]]) -> list[int]:
    if not rows:
        return []
    statement = _job.insert().returning(_job.c.id, sort_by_parameter_order=True)
    return list(session.scalars(statement, rows))


def _insert_unique(session: Session, rows: Mapping[tuple[str, str], dict[str, Any]]) -> dict[tuple[str, str], int]:
    """Insert what is not open yet, always in the same order: two who ask for the same must not block each other."""
    insert = postgres_insert if session.get_bind().dialect.name == "postgresql" else sqlite_insert
    ids: dict[tuple[str, str], int] = {}
    names = sorted(rows)
    for first in range(0, len(names), _ROWS):
        statement = insert(_job).values([rows[name] for name in names[first : first + _ROWS]])
        wanted_ms = statement.excluded.run_at_ms
        later = or_(_job.c.again_at_ms.is_(None), _job.c.again_at_ms > wanted_ms)
        statement = statement.on_conflict_do_update(
            index_elements=[_job.c.kind, _job.c.unique_key],
            index_where=text(OPEN_UNIQUE),
            set_={
                "again_at_ms": case(
                    (and_(_job.c.state == JobState.RUNNING, later), wanted_ms), else_=_job.c.again_at_ms
                )
            },
        )
        for row in session.execute(statement.returning(_job.c.id, _job.c.kind, _job.c.unique_key)):
            ids[row.kind, row.unique_key] = row.id
    return ids


def _open_twin(session: Session, kind: str, unique: str) -> int | None:
    if not unique:
        return None
    query = select(_job.c.id).where(_job.c.kind == kind, _job.c.unique_key == unique, _job.c.state.in_(_OPEN))
    return session.scalar(query)
