"""Calls that go on now, as their sources show them; rows come and go with the calls."""

from typing import Any

from sqlalchemy import ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from hub.db.model import Model
from hub.db.types import BigId, Json, Word
from hub.sdk import Direction, LiveState


class ShownCall(Model):
    """One call; its source's own name for it stays with the supervisor. searched: folded numbers, names and call id."""

    __tablename__ = "live_call"
    __table_args__ = (
        Index("ix_live_call_instance_id", "instance_id"),
        Index("ix_live_call_started_ms_id", "started_ms", "id"),
    )

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    instance_id: Mapped[int] = mapped_column(BigId)
    started_ms: Mapped[int] = mapped_column(BigId)
    state: Mapped[LiveState] = mapped_column(Word(LiveState))
    direction: Mapped[Direction] = mapped_column(Word(Direction))
    call_id: Mapped[str] = mapped_column(Text)
    parties: Mapped[list[dict[str, Any]]] = mapped_column(Json)
    resumes_ms: Mapped[int | None] = mapped_column(BigId)
    rule: Mapped[str] = mapped_column(Text)
    can_listen: Mapped[bool]
    fields: Mapped[dict[str, str]] = mapped_column(Json)
    searched: Mapped[str] = mapped_column(Text)


class LiveNumber(Model):
    """A number in a call that goes on, for the scope of those who look. plan, roles: as in `number` and `party`."""

    __tablename__ = "live_number"
    __table_args__ = (
        Index("ix_live_number_live_call_id", "live_call_id"),
        {"sqlite_with_rowid": False},
    )

    digits: Mapped[str] = mapped_column(String(64), primary_key=True)
    plan: Mapped[int] = mapped_column(BigId, primary_key=True)
    live_call_id: Mapped[int] = mapped_column(BigId, ForeignKey("live_call.id", ondelete="CASCADE"), primary_key=True)
    roles: Mapped[int]
