"""The table of work to be done."""

from enum import StrEnum
from typing import Any

from sqlalchemy import Index, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.db.model import Model
from hub.db.types import BigId, Json, Word


class JobState(StrEnum):
    """How a job is."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    CANCELLED = "cancelled"
    DEAD = "dead"


OPEN_UNIQUE = "unique_key <> '' AND state IN ('queued', 'running')"
"""Which rows the unique key binds; queueing names the same words to find the index."""


class JobEntry(Model):
    """One job. attempts: counted when it is claimed, so that work that kills its worker ends too.

    unique_key: at most one job of a kind is open (queued or running) under it; again_at_ms: it was asked for once more
    while it ran, and is queued for then when it ends. delays: times it was put off because the other side was away,
    which is no failed attempt. crashes: times its worker fell silent while it had the job. lease_until_ms: a running
    job is claimed again after it. worker: who claimed it, unique by claim, so that a claim that was lost cannot end the
    next one. cancelled_by: who wants its end, "" for nobody.
    """

    __tablename__ = "job"
    __table_args__ = (
        Index("ix_job_state_run_at_ms_id", "state", "run_at_ms", "id"),
        Index(
            "uq_job_open_kind_unique_key",
            "kind",
            "unique_key",
            unique=True,
            sqlite_where=text(OPEN_UNIQUE),
            postgresql_where=text(OPEN_UNIQUE),
        ),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[str] = mapped_column(String(64))
    payload: Mapped[dict[str, Any]] = mapped_column(Json)
    unique_key: Mapped[str] = mapped_column(String(255))
    state: Mapped[JobState] = mapped_column(Word(JobState))
    run_at_ms: Mapped[int] = mapped_column(BigId)
    again_at_ms: Mapped[int | None] = mapped_column(BigId)
    attempts: Mapped[int]
    delays: Mapped[int]
    crashes: Mapped[int]
    lease_until_ms: Mapped[int] = mapped_column(BigId)
    worker: Mapped[str] = mapped_column(String(255))
    progress: Mapped[dict[str, Any]] = mapped_column(Json)
    error: Mapped[str] = mapped_column(Text)
    cancelled_by: Mapped[str] = mapped_column(String(255))
    created_ms: Mapped[int] = mapped_column(BigId)
    finished_ms: Mapped[int | None] = mapped_column(BigId)
