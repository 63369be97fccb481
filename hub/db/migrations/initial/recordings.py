"""Tables of recordings and their media."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from hub.db.types import BigId, Json


def create_recordings() -> None:
    """Create the tables of this module, those that others refer to first."""
    _recording()
    _raw_metadata()
    _media()
    _placement()
    _origin()
    _mergeable()


def _recording() -> None:
    op.create_table(
        "recording",
        sa.Column("id", BigId, autoincrement=False, nullable=False),
        sa.Column("device_id", BigId, nullable=False),
        sa.Column("start_ms", BigId, nullable=False),
        sa.Column("duration_ms", BigId, nullable=False),
        sa.Column("direction", sa.String(24), nullable=False),
        sa.Column("call_id", sa.Text(), nullable=False),
        sa.Column("parties", Json, nullable=False),
        sa.Column("agent", sa.Text(), nullable=False),
        sa.Column("owner_kind", sa.String(24)),
        sa.Column("owner_id", sa.Text(), nullable=False),
        sa.Column("owner_name", sa.Text(), nullable=False),
        sa.Column("target", sa.Text(), nullable=False),
        sa.Column("skill", sa.Text(), nullable=False),
        sa.Column("notice_kind", sa.String(24), nullable=False),
        sa.Column("notice_by", sa.Text(), nullable=False),
        sa.Column("notice_at_ms", BigId),
        sa.Column("mixed", sa.Boolean()),
        sa.Column("has_speech", sa.Boolean(), nullable=False),
        sa.Column("problem_code", sa.String(64)),
        sa.Column("problem_text", sa.Text(), nullable=False),
        sa.Column("playable", sa.Boolean(), nullable=False),
        sa.Column("sealed", sa.Boolean(), nullable=False),
        sa.Column("origin_count", sa.Integer(), nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("local_day", sa.Integer(), nullable=False),
        sa.Column("received_ms", BigId, nullable=False),
        sa.Column("catalogued_ms", BigId, nullable=False),
        sa.Column("fields", Json, nullable=False),
        sa.Column("provenance", Json, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_recording"),
    )
    op.create_index("ix_recording_call_id_start_ms", "recording", ["call_id", "start_ms"], **_where("call_id <> ''"))
    op.create_index("ix_recording_device_id_start_ms_id", "recording", ["device_id", "start_ms", "id"])
    op.create_index("ix_recording_direction_start_ms_id", "recording", ["direction", "start_ms", "id"])
    op.create_index("ix_recording_long_start_ms_id", "recording", ["start_ms", "id"], **_where("duration_ms >= 600000"))
    op.create_index(
        "ix_recording_problem_start_ms_id", "recording", ["start_ms", "id"], **_where("problem_code IS NOT NULL")
    )
    op.create_index("ix_recording_start_ms_id", "recording", ["start_ms", "id"])


def _raw_metadata() -> None:
    op.create_table(
        "raw_metadata",
        sa.Column("recording_id", BigId, nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("recording_id", "key", name="pk_raw_metadata"),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recording.id"], name="fk_raw_metadata_recording_id_recording", ondelete="CASCADE"
        ),
    )


def _media() -> None:
    op.create_table(
        "media",
        sa.Column("id", BigId, nullable=False),
        sa.Column("recording_id", BigId, nullable=False),
        sa.Column("kind", sa.String(24), nullable=False),
        sa.Column("part", sa.Integer(), nullable=False),
        sa.Column("size_bytes", BigId, nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("container", sa.String(32), nullable=False),
        sa.Column("codec", sa.String(32), nullable=False),
        sa.Column("sample_rate_hz", sa.Integer(), nullable=False),
        sa.Column("channels", sa.Integer(), nullable=False),
        sa.Column("duration_ms", BigId, nullable=False),
        sa.Column("bit_rate_bps", BigId),
        sa.Column("browser_playable", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_media"),
        sa.ForeignKeyConstraint(
            ["recording_id"], ["recording.id"], name="fk_media_recording_id_recording", ondelete="CASCADE"
        ),
    )
    op.create_index("uq_media_recording_id_kind_part", "media", ["recording_id", "kind", "part"], unique=True)


def _placement() -> None:
    op.create_table(
        "placement",
        sa.Column("id", BigId, nullable=False),
        sa.Column("media_id", BigId, nullable=False),
        sa.Column("store_id", BigId, nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("member", sa.Text(), nullable=False),
        sa.Column("size_bytes", BigId, nullable=False),
        sa.Column("verified_by", sa.String(24)),
        sa.Column("placed_ms", BigId, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_placement"),
        sa.ForeignKeyConstraint(["media_id"], ["media.id"], name="fk_placement_media_id_media", ondelete="CASCADE"),
    )
    op.create_index("ix_placement_store_id_id", "placement", ["store_id", "id"])
    op.create_index("uq_placement_media_id_store_id", "placement", ["media_id", "store_id"], unique=True)


def _origin() -> None:
    op.create_table(
        "origin",
        sa.Column("id", BigId, nullable=False),
        sa.Column("recording_id", BigId, nullable=False),
        sa.Column("instance_id", BigId, nullable=False),
        sa.Column("origin_id", sa.Text(), nullable=False),
        sa.Column("receipt_id", sa.Text(), nullable=False),
        sa.Column("server", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("first_seen_ms", BigId, nullable=False),
        sa.UniqueConstraint("instance_id", "origin_id", name="uq_origin_instance_id_origin_id"),
        sa.PrimaryKeyConstraint("id", name="pk_origin"),
        sa.ForeignKeyConstraint(
            ["recording_id"],
            ["recording.id"],
            name="fk_origin_recording_id_recording",
            ondelete="CASCADE",
            deferrable=True,
            initially="DEFERRED",
        ),
    )
    op.create_index("ix_origin_receipt_id", "origin", ["receipt_id"])
    op.create_index("ix_origin_recording_id", "origin", ["recording_id"])


def _mergeable() -> None:
    op.create_table(
        "mergeable",
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("recording_id", BigId, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_mergeable"),
        sa.ForeignKeyConstraint(
            ["recording_id"],
            ["recording.id"],
            name="fk_mergeable_recording_id_recording",
            ondelete="CASCADE",
            deferrable=True,
            initially="DEFERRED",
        ),
    )
    op.create_index("ix_mergeable_recording_id", "mergeable", ["recording_id"])


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}
