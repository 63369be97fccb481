"""Calls that several devices record."""

import sqlalchemy as sa
from alembic import op

from hub.db.types import BigId, Json

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables; recordings that came before are joined with nothing."""
    _same_call()
    _take()


def _same_call() -> None:
    op.create_table(
        "same_call",
        sa.Column("key_sha256", sa.LargeBinary(), nullable=False),
        sa.Column("recording_id", BigId, nullable=False),
        sa.Column("instance_id", BigId, nullable=False),
        sa.Column("start_ms", BigId, nullable=False),
        sa.Column("end_ms", BigId, nullable=False),
        sa.Column("longest_ms", BigId, nullable=True),
        sa.Column("noted_ms", BigId, nullable=False),
        sa.PrimaryKeyConstraint("key_sha256", "recording_id", "instance_id", "start_ms", name="pk_same_call"),
        sa.ForeignKeyConstraint(
            ["recording_id"],
            ["recording.id"],
            name="fk_same_call_recording_id_recording",
            ondelete="CASCADE",
            initially="DEFERRED",
            deferrable=True,
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_same_call_recording_id", "same_call", ["recording_id"])
    op.create_index("ix_same_call_noted_ms", "same_call", ["noted_ms"])


def _take() -> None:
    op.create_table(
        "take",
        sa.Column("recording_id", BigId, nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("instance_id", BigId, nullable=False),
        sa.Column("start_ms", BigId, nullable=False),
        sa.Column("longest_ms", BigId, nullable=True),
        sa.Column("parties", Json, nullable=False),
        sa.Column("events", Json, nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.PrimaryKeyConstraint("recording_id", "part", name="pk_take"),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recording.id"], name="fk_take_recording_id_recording", ondelete="CASCADE"
        ),
    )
