"""The rule book, and calls without a recording."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from hub.db.types import BigId, Json

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables, those that others refer to first."""
    _rulebook()
    _absent_call()
    _absent_number()


def _rulebook() -> None:
    op.create_table(
        "rulebook",
        sa.Column("id", BigId, autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("content", Json, nullable=False),
        sa.Column("changed_ms", BigId, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_rulebook"),
    )


def _absent_call() -> None:
    op.create_table(
        "absent_call",
        sa.Column("id", BigId, autoincrement=False, nullable=False),
        sa.Column("instance_id", BigId, nullable=False),
        sa.Column("absence_id", sa.Text(), nullable=False),
        sa.Column("receipt_id", sa.Text(), nullable=False),
        sa.Column("why", sa.String(24), nullable=False),
        sa.Column("missing", sa.Boolean(), nullable=False),
        sa.Column("mandatory", sa.Boolean(), nullable=False),
        sa.Column("started_ms", BigId, nullable=False),
        sa.Column("ended_ms", BigId, nullable=False),
        sa.Column("received_ms", BigId, nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("direction", sa.String(24), nullable=False),
        sa.Column("parties", Json, nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("fields", Json, nullable=False),
        sa.UniqueConstraint("instance_id", "absence_id", name="uq_absent_call_instance_id_absence_id"),
        sa.PrimaryKeyConstraint("id", name="pk_absent_call"),
    )
    op.create_index("ix_absent_call_started_ms_id", "absent_call", ["started_ms", "id"])
    op.create_index("ix_absent_call_received_ms", "absent_call", ["received_ms"])
    op.create_index("ix_absent_call_missing_started_ms_id", "absent_call", ["started_ms", "id"], **_where("missing"))
    op.create_index(
        "ix_absent_call_missing_instance_id_received_ms",
        "absent_call",
        ["instance_id", "received_ms"],
        **_where("missing"),
    )


def _absent_number() -> None:
    op.create_table(
        "absent_number",
        sa.Column("digits", sa.String(64), nullable=False),
        sa.Column("plan", BigId, nullable=False),
        sa.Column("absent_call", BigId, nullable=False),
        sa.PrimaryKeyConstraint("digits", "plan", "absent_call", name="pk_absent_number"),
        sa.ForeignKeyConstraint(
            ["absent_call"], ["absent_call.id"], name="fk_absent_number_absent_call_absent_call", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_absent_number_absent_call", "absent_number", ["absent_call"])


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}
