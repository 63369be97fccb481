"""The table of configured plug-ins."""

from typing import Any

from sqlalchemy import String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from hub.db.model import Model
from hub.db.types import BigId, Json, Word
from hub.sdk import Kind


class InstanceEntry(Model):
    """One instance. settings: without secrets. secrets: setting -> sealed value. health: `InstanceHealth` as JSON."""

    __tablename__ = "instance"
    __table_args__ = (UniqueConstraint("kind", "name"), {"sqlite_autoincrement": True})

    id: Mapped[int] = mapped_column(BigId, primary_key=True)
    kind: Mapped[Kind] = mapped_column(Word(Kind))
    plugin: Mapped[str] = mapped_column(String(64))
    name: Mapped[str] = mapped_column(String(255))
    enabled: Mapped[bool]
    revision: Mapped[int]
    settings: Mapped[dict[str, Any]] = mapped_column(Json)
    settings_version: Mapped[int]
    secrets: Mapped[dict[str, str]] = mapped_column(Json)
    options: Mapped[dict[str, Any]] = mapped_column(Json)
    health: Mapped[dict[str, Any]] = mapped_column(Json)
    created_ms: Mapped[int] = mapped_column(BigId)
    changed_ms: Mapped[int] = mapped_column(BigId)
