"""Tables of call details, events and preferences."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from hub.db.types import BigId, Json


def create_calls() -> None:
    """Create the tables of this module, those that others refer to first."""
    _call_detail()
    _detail_number()
    _event()
    _preference()


def _call_detail() -> None:
    op.create_table(
        "call_detail",
        sa.Column("id", BigId, nullable=False),
        sa.Column("instance_id", BigId, nullable=False),
        sa.Column("detail_id", sa.Text(), nullable=False),
        sa.Column("receipt_id", sa.Text(), nullable=False),
        sa.Column("rule", sa.String(64), nullable=False),
        sa.Column("started_ms", BigId, nullable=False),
        sa.Column("ended_ms", BigId, nullable=False),
        sa.Column("received_ms", BigId, nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("content", Json, nullable=False),
        sa.UniqueConstraint("instance_id", "detail_id", name="uq_call_detail_instance_id_detail_id"),
        sa.PrimaryKeyConstraint("id", name="pk_call_detail"),
    )
    op.create_index(
        "ix_call_detail_instance_id_call_id", "call_detail", ["instance_id", "call_id"], **_where("call_id <> ''")
    )
    op.create_index("ix_call_detail_receipt_id", "call_detail", ["receipt_id"])
    op.create_index("ix_call_detail_received_ms", "call_detail", ["received_ms"])


def _detail_number() -> None:
    op.create_table(
        "detail_number",
        sa.Column("instance_id", BigId, nullable=False),
        sa.Column("digits", sa.String(64), nullable=False),
        sa.Column("started_ms", BigId, nullable=False),
        sa.Column("detail", BigId, nullable=False),
        sa.PrimaryKeyConstraint("instance_id", "digits", "started_ms", "detail", name="pk_detail_number"),
        sa.ForeignKeyConstraint(
            ["detail"], ["call_detail.id"], name="fk_detail_number_detail_call_detail", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_detail_number_detail", "detail_number", ["detail"])


def _event() -> None:
    op.create_table(
        "event",
        sa.Column("id", BigId, nullable=False),
        sa.Column("topic", sa.String(64), nullable=False),
        sa.Column("subject", sa.String(255), nullable=False),
        sa.Column("payload", Json, nullable=False),
        sa.Column("created_ms", BigId, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_event"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_event_created_ms", "event", ["created_ms"])


def _preference() -> None:
    op.create_table(
        "preference",
        sa.Column("id", BigId, autoincrement=False, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("content", Json, nullable=False),
        sa.Column("changed_ms", BigId, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_preference"),
    )


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}
