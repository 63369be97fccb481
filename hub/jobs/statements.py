"""The statements that a busy worker repeats, built once."""

from typing import Any

from sqlalchemy import BindParameter, ColumnElement, Integer, Table, bindparam, case, func, literal, select, update

from hub.db.types import BigId, Word
from hub.jobs.models import JobEntry, JobState

job: Table = JobEntry.table()

_NOW_MS = bindparam("now_ms", type_=BigId)
_IDS: BindParameter[list[int]] = bindparam("ids", expanding=True)
_TOKEN: BindParameter[str] = bindparam("token")
_LIMIT = bindparam("limit", type_=Integer)
_KINDS = job.c.kind.in_(bindparam("kinds", expanding=True))
_IS_DUE = (job.c.state == JobState.QUEUED, job.c.run_at_ms <= _NOW_MS, _KINDS)
_IS_SILENT = (job.c.state == JobState.RUNNING, job.c.lease_until_ms <= _NOW_MS, _KINDS)
_IS_THEIRS = (job.c.id.in_(_IDS), job.c.state == JobState.RUNNING, job.c.worker == _TOKEN)
_IN_ORDER = (job.c.run_at_ms, job.c.id)


def state(value: JobState) -> ColumnElement[JobState]:
    """A state as a value within an expression."""
    return literal(value, Word(JobState))


DUE = select(job.c.id).where(*_IS_DUE).order_by(*_IN_ORDER).limit(_LIMIT).with_for_update(skip_locked=True)
"""now_ms, kinds, limit: jobs to take, locked, without those that another worker is just taking."""

SILENT = select(*job.c).where(*_IS_SILENT).order_by(*_IN_ORDER).limit(_LIMIT).with_for_update(skip_locked=True)
"""now_ms, kinds, limit: jobs whose workers let the lease end, locked likewise."""

WAITING = (select(job.c.id).where(*_IS_DUE).limit(1), select(job.c.id).where(*_IS_SILENT).limit(1))
"""now_ms, kinds: whether there are such jobs."""

TAKE = (
    update(job)
    .where(job.c.id.in_(_IDS))
    .values(
        state=JobState.RUNNING,
        attempts=job.c.attempts + 1,
        crashes=job.c.crashes + case((job.c.state == JobState.RUNNING, 1), else_=0),
        worker=_TOKEN,
        lease_until_ms=bindparam("until_ms", type_=BigId),
        progress={},
    )
    .returning(*job.c)
)
"""ids, token, until_ms: the lease begins."""

EXTEND = (
    update(job)
    .where(*_IS_THEIRS)
    .values(lease_until_ms=bindparam("until_ms", type_=BigId))
    .returning(job.c.id, job.c.cancelled_by)
)
"""ids, token, until_ms: the lease goes on."""


def _finish() -> Any:
    is_last = job.c.again_at_ms.is_(None)
    values = {
        "state": case((is_last, state(JobState.DONE)), else_=state(JobState.QUEUED)),
        "run_at_ms": func.coalesce(job.c.again_at_ms, job.c.run_at_ms),
        "attempts": case((is_last, job.c.attempts), else_=0),
        "delays": case((is_last, job.c.delays), else_=0),
        "crashes": case((is_last, job.c.crashes), else_=0),
        "again_at_ms": None,
        "error": "",
        "finished_ms": case((is_last, _NOW_MS), else_=None),
    }
    return update(job).where(*_IS_THEIRS).values(values).returning(job.c.id)


FINISH = _finish()
"""ids, token, now_ms: done, or queued anew if it was asked for again."""
