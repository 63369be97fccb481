"""Calls that go on now."""

import sqlalchemy as sa
from alembic import op

from hub.db.types import BigId, Json

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the two tables; they are empty whenever no source runs."""
    op.create_table(
        "live_call",
        sa.Column("id", BigId, autoincrement=False, nullable=False),
        sa.Column("instance_id", BigId, nullable=False),
        sa.Column("started_ms", BigId, nullable=False),
        sa.Column("state", sa.String(24), nullable=False),
        sa.Column("direction", sa.String(24), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("parties", Json, nullable=False),
        sa.Column("resumes_ms", BigId, nullable=True),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("can_listen", sa.Boolean(), nullable=False),
        sa.Column("fields", Json, nullable=False),
        sa.Column("searched", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_live_call"),
    )
    op.create_index("ix_live_call_instance_id", "live_call", ["instance_id"])
    op.create_index("ix_live_call_started_ms_id", "live_call", ["started_ms", "id"])
    op.create_table(
        "live_number",
        sa.Column("digits", sa.String(64), nullable=False),
        sa.Column("plan", BigId, nullable=False),
        sa.Column("live_call_id", BigId, nullable=False),
        sa.Column("roles", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("digits", "plan", "live_call_id", name="pk_live_number"),
        sa.ForeignKeyConstraint(
            ["live_call_id"], ["live_call.id"], name="fk_live_number_live_call_id_live_call", ondelete="CASCADE"
        ),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_live_number_live_call_id", "live_number", ["live_call_id"])
