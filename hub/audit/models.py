"""The trail's tables. Triggers refuse every change but sealing a line once and dropping a sealed, expired segment."""

from typing import Any

from sqlalchemy import ForeignKey, Index, LargeBinary, String, Text, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.db.model import Model
from hub.db.types import BigId, CanonicalJson, HexBytes


class AuditLine(Model):
    """One act. facts: chained in clear. commitments: key -> SHA-256 over salt and the private value of that key.

    seq, hash: NULL until sealed; then hash = SHA-256(hash of seq - 1, the line in canonical JSON).
    """

    __tablename__ = "audit_line"
    __table_args__ = (
        Index("uq_audit_line_seq", "seq", unique=True),
        Index(
            "ix_audit_line_unsealed_id",
            "id",
            sqlite_where=text("seq IS NULL"),
            postgresql_where=text("seq IS NULL"),
        ),
        Index("ix_audit_line_at_ms_id", "at_ms", "id"),
        Index("ix_audit_line_subject_action", "subject", "action"),
        Index("ix_audit_line_action_at_ms_id", "action", "at_ms", "id"),
        Index("ix_audit_line_person_id_at_ms_id", "person_id", "at_ms", "id"),
        {"sqlite_autoincrement": True},
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    at_ms: Mapped[int] = mapped_column(BigId)
    action: Mapped[str] = mapped_column(String(64))
    person_id: Mapped[int | None] = mapped_column(BigId)
    via: Mapped[str] = mapped_column(String(16))
    request_id: Mapped[str] = mapped_column(String(64))
    subject: Mapped[str] = mapped_column(Text)
    facts: Mapped[dict[str, Any]] = mapped_column(CanonicalJson)
    commitments: Mapped[dict[str, str]] = mapped_column(CanonicalJson)
    seq: Mapped[int | None] = mapped_column(BigId)
    hash: Mapped[str | None] = mapped_column(HexBytes)


class AuditPrivate(Model):
    """A private value beside its line: it can be erased, and not changed."""

    __tablename__ = "audit_private"
    __table_args__ = (
        Index(
            "ix_audit_private_key_value",
            "key",
            "value",
            sqlite_where=text("key = 'actor.login'"),
            postgresql_where=text("key = 'actor.login'"),
        ),
    )

    line_id: Mapped[int] = mapped_column(BigId, ForeignKey("audit_line.id"), primary_key=True)
    key: Mapped[str] = mapped_column(String(64), primary_key=True)
    salt: Mapped[bytes] = mapped_column(LargeBinary)
    value: Mapped[str] = mapped_column(Text)


class AuditSegment(Model):
    """A closed day of the chain. dropped_ms: when its lines were dropped, NULL while they are there."""

    __tablename__ = "audit_segment"

    day: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    first_seq: Mapped[int] = mapped_column(BigId)
    last_seq: Mapped[int] = mapped_column(BigId)
    last_hash: Mapped[str] = mapped_column(HexBytes)
    closed_ms: Mapped[int] = mapped_column(BigId)
    dropped_ms: Mapped[int | None] = mapped_column(BigId)


class AuditHead(Model):
    """The end of the chain, one row, id 1."""

    __tablename__ = "audit_head"

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    seq: Mapped[int] = mapped_column(BigId)
    hash: Mapped[str] = mapped_column(HexBytes)
    sealed_ms: Mapped[int] = mapped_column(BigId)
