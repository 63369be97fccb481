"""The hub's preferences."""

from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from hub.db.model import Model
from hub.db.types import BigId, Json


class Preference(Model):
    """One row, id 1: `hub.config.policy.HubPreferences` as JSON."""

    __tablename__ = "preference"

    id: Mapped[int] = mapped_column(BigId, primary_key=True, autoincrement=False)
    revision: Mapped[int]
    content: Mapped[dict[str, Any]] = mapped_column(Json)
    changed_ms: Mapped[int] = mapped_column(BigId)
