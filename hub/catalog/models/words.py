"""How numbers and names find their recordings.

A number or name stands once in `number` or `word`, where a trigram index finds parts of it (on SQLite the full-text
tables `number_trigram` and `word_trigram`, kept by triggers); `party` and `mention` say
in which recordings it stands, newest last, so that the newest matches of one number are read without sorting.
"""

from sqlalchemy import ForeignKey, Index, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.db.model import Model
from hub.db.types import BigId


def trigram_index(table: str, column: str) -> Index:
    """PostgreSQL's index for parts of a text, on an expression: on the bare column it would serve equality, slowly."""
    expression = text(f"({column} || '') gin_trgm_ops")
    return Index(f"ix_{table}_{column}_trigram", expression, postgresql_using="gin").ddl_if(dialect="postgresql")


class Number(Model):
    """One telephone number or extension. plan: 0 for public numbers, the device's id for extensions behind it."""

    __tablename__ = "number"
    __table_args__ = (
        UniqueConstraint("digits", "plan"),
        trigram_index("number", "digits"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    plan: Mapped[int] = mapped_column(BigId)
    digits: Mapped[str] = mapped_column(String(64))


class Party(Model):
    """A number in a recording. roles: sum of `hub.catalog.terms.Field` bits, such as caller and owner."""

    __tablename__ = "party"
    __table_args__ = (
        Index("ix_party_recording_id_roles", "recording_id", "roles"),
        {"sqlite_with_rowid": False},
    )

    number_id: Mapped[int] = mapped_column(BigId, ForeignKey("number.id"), primary_key=True)
    start_ms: Mapped[int] = mapped_column(BigId, primary_key=True)
    recording_id: Mapped[int] = mapped_column(BigId, ForeignKey("recording.id", ondelete="CASCADE"), primary_key=True)
    roles: Mapped[int]


class Word(Model):
    """One name or other text that is searched, folded: no case, no accents."""

    __tablename__ = "word"
    __table_args__ = (
        UniqueConstraint("folded"),
        trigram_index("word", "folded"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    folded: Mapped[str] = mapped_column(String(255))


class Mention(Model):
    """A word in a recording. roles: sum of `hub.catalog.terms.Field` bits, such as agent and skill."""

    __tablename__ = "mention"
    __table_args__ = (
        Index("ix_mention_recording_id_roles", "recording_id", "roles"),
        {"sqlite_with_rowid": False},
    )

    word_id: Mapped[int] = mapped_column(BigId, ForeignKey("word.id"), primary_key=True)
    start_ms: Mapped[int] = mapped_column(BigId, primary_key=True)
    recording_id: Mapped[int] = mapped_column(BigId, ForeignKey("recording.id", ondelete="CASCADE"), primary_key=True)
    roles: Mapped[int]
