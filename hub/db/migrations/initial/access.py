"""Tables of people, sessions and tokens."""

import sqlalchemy as sa
from alembic import op

from hub.db.types import BigId, Json


def create_access() -> None:
    """Create the tables of this module, those that others refer to first."""
    _person()
    _session()
    _api_token()
    _setup_token()
    _sign_in_throttle()
    _known_address()
    _idempotency()


def _person() -> None:
    op.create_table(
        "person",
        sa.Column("id", BigId, autoincrement=False, nullable=False),
        sa.Column("login", sa.String(128), nullable=False),
        sa.Column("login_key", sa.String(128), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("password_hash", sa.String(255)),
        sa.Column("password_changed_ms", BigId, nullable=False),
        sa.Column("is_administrator", sa.Boolean(), nullable=False),
        sa.Column("is_disabled", sa.Boolean(), nullable=False),
        sa.Column("permissions", Json, nullable=False),
        sa.Column("locale", sa.String(35), nullable=False),
        sa.Column("timezone", sa.String(64), nullable=False),
        sa.Column("theme", sa.String(16), nullable=False),
        sa.Column("created_ms", BigId, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_person"),
        sa.UniqueConstraint("login_key", name="uq_person_login_key"),
    )


def _session() -> None:
    op.create_table(
        "session",
        sa.Column("id", BigId, autoincrement=False, nullable=False),
        sa.Column("person_id", BigId, nullable=False),
        sa.Column("token_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("created_ms", BigId, nullable=False),
        sa.Column("last_seen_ms", BigId, nullable=False),
        sa.Column("address", sa.String(64), nullable=False),
        sa.Column("agent", sa.String(255), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_session"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_session_person_id_person", ondelete="CASCADE"),
        sa.UniqueConstraint("token_hash", name="uq_session_token_hash"),
    )
    op.create_index("ix_session_last_seen_ms", "session", ["last_seen_ms"])
    op.create_index("ix_session_person_id", "session", ["person_id"])


def _api_token() -> None:
    op.create_table(
        "api_token",
        sa.Column("id", BigId, autoincrement=False, nullable=False),
        sa.Column("person_id", BigId, nullable=False),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("token_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("ending", sa.String(8), nullable=False),
        sa.Column("permissions", Json, nullable=False),
        sa.Column("created_ms", BigId, nullable=False),
        sa.Column("expires_ms", BigId, nullable=False),
        sa.Column("last_used_ms", BigId),
        sa.Column("revoked_ms", BigId),
        sa.PrimaryKeyConstraint("id", name="pk_api_token"),
        sa.ForeignKeyConstraint(["person_id"], ["person.id"], name="fk_api_token_person_id_person", ondelete="CASCADE"),
        sa.UniqueConstraint("token_hash", name="uq_api_token_token_hash"),
    )
    op.create_index("ix_api_token_person_id", "api_token", ["person_id"])


def _setup_token() -> None:
    op.create_table(
        "setup_token",
        sa.Column("id", BigId, autoincrement=False, nullable=False),
        sa.Column("token_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("created_ms", BigId, nullable=False),
        sa.Column("expires_ms", BigId, nullable=False),
        sa.Column("used_ms", BigId),
        sa.PrimaryKeyConstraint("id", name="pk_setup_token"),
        sa.UniqueConstraint("token_hash", name="uq_setup_token_token_hash"),
    )


def _sign_in_throttle() -> None:
    op.create_table(
        "sign_in_throttle",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_ms", BigId, nullable=False),
        sa.Column("closed_until_ms", BigId, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_sign_in_throttle"),
    )
    op.create_index("ix_sign_in_throttle_last_ms", "sign_in_throttle", ["last_ms"])


def _known_address() -> None:
    op.create_table(
        "known_address",
        sa.Column("key", sa.String(64), nullable=False),
        sa.Column("person_id", BigId, nullable=False),
        sa.Column("seen_ms", BigId, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_known_address"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_known_address_person_id_person", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_known_address_person_id", "known_address", ["person_id"])
    op.create_index("ix_known_address_seen_ms", "known_address", ["seen_ms"])


def _idempotency() -> None:
    op.create_table(
        "idempotency",
        sa.Column("person_id", BigId, nullable=False),
        sa.Column("key", sa.String(255), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("created_ms", BigId, nullable=False),
        sa.Column("leased_until_ms", BigId, nullable=False),
        sa.Column("status", sa.Integer()),
        sa.Column("answer", sa.Text()),
        sa.PrimaryKeyConstraint("person_id", "key", name="pk_idempotency"),
        sa.ForeignKeyConstraint(
            ["person_id"], ["person.id"], name="fk_idempotency_person_id_person", ondelete="CASCADE"
        ),
    )
    op.create_index("ix_idempotency_created_ms", "idempotency", ["created_ms"])
