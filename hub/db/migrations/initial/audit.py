"""Tables of the audit trail."""

from typing import Any

import sqlalchemy as sa
from alembic import op

from hub.db.types import BigId


def create_audit() -> None:
    """Create the tables of this module, those that others refer to first."""
    _audit_line()
    _audit_private()
    _audit_segment()
    _audit_head()


def _audit_line() -> None:
    op.create_table(
        "audit_line",
        sa.Column("id", BigId, nullable=False),
        sa.Column("at_ms", BigId, nullable=False),
        sa.Column("action", sa.String(64), nullable=False),
        sa.Column("person_id", BigId),
        sa.Column("via", sa.String(16), nullable=False),
        sa.Column("request_id", sa.String(64), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.Column("commitments", sa.Text(), nullable=False),
        sa.Column("seq", BigId),
        sa.Column("hash", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name="pk_audit_line"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_audit_line_action_at_ms_id", "audit_line", ["action", "at_ms", "id"])
    op.create_index("ix_audit_line_at_ms_id", "audit_line", ["at_ms", "id"])
    op.create_index("ix_audit_line_person_id_at_ms_id", "audit_line", ["person_id", "at_ms", "id"])
    op.create_index("ix_audit_line_subject_action", "audit_line", ["subject", "action"])
    op.create_index("ix_audit_line_unsealed_id", "audit_line", ["id"], **_where("seq IS NULL"))
    op.create_index("uq_audit_line_seq", "audit_line", ["seq"], unique=True)


def _audit_private() -> None:
    op.create_table(
        "audit_private",
        sa.Column("line_id", BigId, nullable=False),
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("line_id", "key", name="pk_audit_private"),
        sa.ForeignKeyConstraint(["line_id"], ["audit_line.id"], name="fk_audit_private_line_id_audit_line"),
    )
    op.create_index("ix_audit_private_key_value", "audit_private", ["key", "value"], **_where("key = 'actor.login'"))


def _audit_segment() -> None:
    op.create_table(
        "audit_segment",
        sa.Column("day", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("first_seq", BigId, nullable=False),
        sa.Column("last_seq", BigId, nullable=False),
        sa.Column("last_hash", sa.LargeBinary(), nullable=False),
        sa.Column("closed_ms", BigId, nullable=False),
        sa.Column("dropped_ms", BigId),
        sa.PrimaryKeyConstraint("day", name="pk_audit_segment"),
    )


def _audit_head() -> None:
    op.create_table(
        "audit_head",
        sa.Column("id", BigId, autoincrement=False, nullable=False),
        sa.Column("seq", BigId, nullable=False),
        sa.Column("hash", sa.LargeBinary(), nullable=False),
        sa.Column("sealed_ms", BigId, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_head"),
    )


def _where(condition: str) -> dict[str, Any]:
    return {"sqlite_where": sa.text(condition), "postgresql_where": sa.text(condition)}
