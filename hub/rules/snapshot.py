"""The rules as a device's process has them: one file, so that calls are decided while the database is away."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hub.rules.book import Book
from hub.rules.rulebook import Places, Rulebook


@dataclass(frozen=True, slots=True, kw_only=True)
class Snapshot:
    """The book, and where devices stand. zone: of the hub; zones: device id -> its own."""

    book: Book = field(default_factory=Book)
    zone: str = "UTC"
    zones: Mapping[int, str] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """As JSON values."""
        zones = {str(device): zone for device, zone in self.zones.items()}
        return {"book": self.book.model_dump(mode="json"), "zone": self.zone, "zones": zones}

    def make_ready(self) -> Rulebook:
        """The rulebook that decides by it."""
        return Rulebook(self.book, Places(self.zone, self.zones))


def read_snapshot(path: Path) -> Snapshot | None:
    """What was written there, None if nothing usable is."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        zones = {int(device): str(zone) for device, zone in data["zones"].items()}
        return Snapshot(book=Book.model_validate(data["book"]), zone=str(data["zone"]), zones=zones)
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None
