"""What was set aside: why, since when, and the ways back."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Room(StrEnum):
    """Where on its way a recording was stopped."""

    INTAKE = "intake"
    DESK = "desk"
    VAULT = "vault"
    CATALOG = "catalog"


@dataclass(frozen=True, slots=True)
class Reason:
    """Why something was set aside; code: for programs, text: what happened, hint: what to do."""

    code: str
    text: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class QuarantinedFile:
    """One media file that can be downloaded; name: what the source called it."""

    name: str
    size_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class QuarantineItem:
    """One entry that was set aside; id: its receipt. since: aware UTC. instance_id: the device, 0 if unreadable."""

    id: str
    instance_id: int
    origin_name: str
    reason: Reason
    room: Room
    since: datetime
    received_at: datetime
    attempts: int
    files: tuple[QuarantinedFile, ...]

    @property
    def size_bytes(self) -> int:
        """Room that its media takes."""
        return sum(file.size_bytes for file in self.files)
