"""A job as everybody but its table sees it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import RowMapping

from hub.clock import from_ms
from hub.jobs.models import JobState


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJob:
    """Work to be done. payload: JSON. unique: see `hub.jobs.queue.enqueue`. run_at: aware, None for at once."""

    kind: str
    payload: Mapping[str, Any]
    unique: str = ""
    run_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far long work has come: `done` of `of` (0: not known), and a few words."""

    done: int = 0
    of: int = 0
    note: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job. Times are aware UTC.

    attempts: how often it was begun, the running attempt included. delays: how often it was put off because the other
    side was away. crashes: how often its worker fell silent. error: why the last attempt did not do. claim: whose it is
    while it runs.
    """

    id: int
    kind: str
    payload: Mapping[str, Any]
    unique: str
    state: JobState
    run_at: datetime
    attempts: int
    delays: int
    crashes: int
    progress: Progress
    error: str
    cancelled_by: str
    claim: str
    created_at: datetime
    finished_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """How patient the hub is with jobs of one kind.

    attempts: before it is given up. crashes: workers that it may take with it before that. Waits grow twofold from
    first_wait_s.
    longest_delay_s: between tries while the other side is away, which are never given up.
    longest_s: how long one attempt may take before another worker may begin it anew.
    """

    attempts: int = 12
    crashes: int = 3
    first_wait_s: float = 5.0
    longest_wait_s: float = 3600.0
    longest_delay_s: float = 300.0
    longest_s: float = 6 * 3600.0

    def wait_s(self, failures: int) -> float:
        """How long to wait after so many failures."""
        return min(self.longest_wait_s, self._doubled(failures))

    def delay_s(self, delays: int) -> float:
        """How long to wait after the other side was away so often."""
        return min(self.longest_delay_s, self._doubled(delays))

    def _doubled(self, times: int) -> float:
        return self.first_wait_s * 2.0 ** min(max(times - 1, 0), 60)


def job_from(row: RowMapping) -> Job:
    """The job of one row of the table."""
    progress = row["progress"]
    return Job(
        id=row["id"],
        kind=row["kind"],
        payload=row["payload"],
        unique=row["unique_key"],
        state=row["state"],
        run_at=from_ms(row["run_at_ms"]),
        attempts=row["attempts"],
        delays=row["delays"],
        crashes=row["crashes"],
        progress=Progress(progress.get("done", 0), progress.get("of", 0), progress.get("note", "")),
        error=row["error"],
        cancelled_by=row["cancelled_by"],
        claim=row["worker"],
        created_at=from_ms(row["created_ms"]),
        finished_at=None if row["finished_ms"] is None else from_ms(row["finished_ms"]),
    )
