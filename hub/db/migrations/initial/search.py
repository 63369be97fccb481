"""Tables by which recordings are found and summed."""

import sqlalchemy as sa
from alembic import op

from hub.db.types import BigId


def create_search() -> None:
    """Create the tables of this module, those that others refer to first."""
    _number()
    _party()
    _word()
    _mention()
    _roll_day()
    _roll_month()


def _number() -> None:
    op.create_table(
        "number",
        sa.Column("id", BigId, nullable=False),
        sa.Column("plan", BigId, nullable=False),
        sa.Column("digits", sa.String(64), nullable=False),
        sa.UniqueConstraint("digits", "plan", name="uq_number_digits_plan"),
        sa.PrimaryKeyConstraint("id", name="pk_number"),
    )


def _party() -> None:
    op.create_table(
        "party",
        sa.Column("number_id", BigId, nullable=False),
        sa.Column("start_ms", BigId, nullable=False),
        sa.Column("recording_id", BigId, nullable=False),
        sa.Column("roles", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("number_id", "start_ms", "recording_id", name="pk_party"),
        sa.ForeignKeyConstraint(["number_id"], ["number.id"], name="fk_party_number_id_number"),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recording.id"], name="fk_party_recording_id_recording", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_party_recording_id_roles", "party", ["recording_id", "roles"])


def _word() -> None:
    op.create_table(
        "word",
        sa.Column("id", BigId, nullable=False),
        sa.Column("folded", sa.String(255), nullable=False),
        sa.UniqueConstraint("folded", name="uq_word_folded"),
        sa.PrimaryKeyConstraint("id", name="pk_word"),
    )


def _mention() -> None:
    op.create_table(
        "mention",
        sa.Column("word_id", BigId, nullable=False),
        sa.Column("start_ms", BigId, nullable=False),
        sa.Column("recording_id", BigId, nullable=False),
        sa.Column("roles", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("word_id", "start_ms", "recording_id", name="pk_mention"),
        sa.ForeignKeyConstraint(["word_id"], ["word.id"], name="fk_mention_word_id_word"),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recording.id"], name="fk_mention_recording_id_recording", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_mention_recording_id_roles", "mention", ["recording_id", "roles"])


def _roll_day() -> None:
    op.create_table(
        "roll_day",
        sa.Column("day", sa.Integer(), nullable=False),
        sa.Column("device_id", BigId, nullable=False),
        sa.Column("owner_kind", sa.String(24), nullable=False),
        sa.Column("owner_id", sa.String(255), nullable=False),
        sa.Column("direction", sa.String(24), nullable=False),
        sa.Column("n", BigId, nullable=False),
        sa.Column("duration_ms", BigId, nullable=False),
        sa.PrimaryKeyConstraint("day", "device_id", "owner_kind", "owner_id", "direction", name="pk_roll_day"),
        sqlite_with_rowid=False,
    )


def _roll_month() -> None:
    op.create_table(
        "roll_month",
        sa.Column("month", sa.Integer(), nullable=False),
        sa.Column("device_id", BigId, nullable=False),
        sa.Column("owner_kind", sa.String(24), nullable=False),
        sa.Column("owner_id", sa.String(255), nullable=False),
        sa.Column("direction", sa.String(24), nullable=False),
        sa.Column("n", BigId, nullable=False),
        sa.Column("duration_ms", BigId, nullable=False),
        sa.PrimaryKeyConstraint("month", "device_id", "owner_kind", "owner_id", "direction", name="pk_roll_month"),
        sqlite_with_rowid=False,
    )
