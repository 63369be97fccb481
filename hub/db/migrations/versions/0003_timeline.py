"""What happened in the course of a recording."""

import sqlalchemy as sa
from alembic import op

from hub.db.types import BigId, Json

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table; recordings that came before have no events."""
    op.create_table(
        "timeline",
        sa.Column("recording_id", BigId, nullable=False),
        sa.Column("events", Json, nullable=False),
        sa.PrimaryKeyConstraint("recording_id", name="pk_timeline"),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recording.id"], name="fk_timeline_recording_id_recording", ondelete="CASCADE"
        ),
    )
