"""The table of configured plug-ins."""

from typing import Any

from sqlalchemy import Index, String, text
from sqlalchemy.orm import Mapped, mapped_column

from hub.db.model import Model
from hub.db.types import BigId, Json, Word
from hub.sdk import Kind


class InstanceEntry(Model):
    """One instance. settings: without secrets. secrets: setting -> sealed value. health: `InstanceHealth` as JSON.

    deleted_ms: a deleted instance keeps its id and name, without settings, because its recordings stay.
    """

    __tablename__ = "instance"
    __table_args__ = (
        Index(
            "uq_instance_kind_name",
            "kind",
            "name",
            unique=True,
            sqlite_where=text("deleted_ms IS NULL"),
            postgresql_where=text("deleted_ms IS NULL"),
        ),
        {"sqlite_autoincrement": True},
    )

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
    deleted_ms: Mapped[int | None] = mapped_column(BigId)
