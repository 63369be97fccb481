"""Tables of instances, jobs and alarms."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from hub.db.types import BigId, Json


def create_operations() -> None:
    """Create the tables of this module, those that others refer to first."""
    _instance()
    _job()
    _alarm()


def _instance() -> None:
    op.create_table(
        "instance",
        sa.Column("id", BigId, nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("plugin", sa.String(64), nullable=False),
        sa.Column("name", sa.String(255), nullable=False),
        sa.Column("enabled", sa.Boolean(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("settings", Json, nullable=False),
        sa.Column("settings_version", sa.Integer(), nullable=False),
        sa.Column("secrets", Json, nullable=False),
        sa.Column("options", Json, nullable=False),
        sa.Column("health", Json, nullable=False),
        sa.Column("created_ms", BigId, nullable=False),
        sa.Column("changed_ms", BigId, nullable=False),
        sa.Column("deleted_ms", BigId),
        sa.PrimaryKeyConstraint("id", name="pk_instance"),
        sqlite_autoincrement=True,
    )
    op.create_index("uq_instance_kind_name", "instance", ["kind", "name"], unique=True, **_where("deleted_ms IS NULL"))


def _job() -> None:
    op.create_table(
        "job",
        sa.Column("id", BigId, nullable=False),
        sa.Column("kind", sa.String(64), nullable=False),
        sa.Column("payload", Json, nullable=False),
        sa.Column("unique_key", sa.String(255), nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("run_at_ms", BigId, nullable=False),
        sa.Column("again_at_ms", BigId),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("delays", sa.Integer(), nullable=False),
        sa.Column("crashes", sa.Integer(), nullable=False),
        sa.Column("lease_until_ms", BigId, nullable=False),
        sa.Column("worker", sa.String(255), nullable=False),
        sa.Column("progress", Json, nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("cancelled_by", sa.String(255), nullable=False),
        sa.Column("created_ms", BigId, nullable=False),
        sa.Column("finished_ms", BigId),
        sa.PrimaryKeyConstraint("id", name="pk_job"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_job_state_run_at_ms_id", "job", ["state", "run_at_ms", "id"])
    op.create_index(
        "uq_job_open_kind_unique_key",
        "job",
        ["kind", "unique_key"],
        unique=True,
        **_where("unique_key <> '' AND state IN ('queued', 'running')"),
    )


def _alarm() -> None:
    op.create_table(
        "alarm",
        sa.Column("id", BigId, nullable=False),
        sa.Column("source", sa.String(64), nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("code", sa.String(64), nullable=False),
        sa.Column("severity", sa.String(24), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("hint", sa.Text(), nullable=False),
        sa.Column("raised_ms", BigId, nullable=False),
        sa.Column("updated_ms", BigId, nullable=False),
        sa.Column("repeats", sa.Integer(), nullable=False),
        sa.Column("cleared_ms", BigId),
        sa.Column("acknowledged_ms", BigId),
        sa.Column("acknowledged_by", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_alarm"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_alarm_raised_ms_id", "alarm", ["raised_ms", "id"])
    op.create_index("uq_alarm_open_source_key", "alarm", ["source", "key"], unique=True, **_where("cleared_ms IS NULL"))


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}
