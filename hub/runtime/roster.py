"""What the supervisor needs to know of an instance to run it, without importing its plug-in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hub.runtime.instance import InstanceHealth, InstanceOptions
from hub.sdk import Kind


@dataclass(frozen=True, slots=True, kw_only=True)
class RosterEntry:
    """One enabled instance. settings: with its secrets, as the plug-in of `settings_version` stored them.

    problem: why the settings could not be opened, "" if they could.
    """

    id: int
    kind: Kind
    plugin: str
    name: str
    revision: int
    settings: Mapping[str, Any] = field(repr=False)
    settings_version: int = 1
    options: InstanceOptions = field(default_factory=InstanceOptions)
    health: InstanceHealth = field(default_factory=InstanceHealth)
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Folders:
    """Folders that the supervisor hands to plug-in processes. sockets: for Unix sockets, whose paths must be short."""

    spool: Path
    scratch: Path
    state: Path
    run: Path
    uploads: Path
    sockets: Path

    def scratch_of(self, instance_id: int) -> Path:
        """An instance's own folder for unfinished files."""
        return self.scratch / str(instance_id)

    def state_of(self, instance_id: int) -> Path:
        """The file of an instance's own memory."""
        return self.state / f"{instance_id}.sqlite3"

    @property
    def rules(self) -> Path:
        """The file of the recording rules, read by every device's process."""
        return self.state / "rules.json"

    def audio_socket_of(self, instance_id: int) -> Path:
        """Where an instance's live audio comes from."""
        return self.sockets / f"ear-{instance_id}.sock"


def make_order(says: str, entry: RosterEntry, folders: Folders) -> dict[str, Any]:
    """The first line on a plug-in process's channel; says: "run" or "check"."""
    return {
        "says": says,
        "kind": entry.kind.value,
        "plugin": entry.plugin,
        "instance_id": entry.id,
        "instance": entry.name,
        "settings": dict(entry.settings),
        "settings_version": entry.settings_version,
        "memory_limit_mb": entry.options.memory_limit_mb,
        "spool": str(folders.spool),
        "scratch": str(folders.scratch_of(entry.id)),
        "state": str(folders.state_of(entry.id)),
        "rules": str(folders.rules),
        "audio_socket": str(folders.audio_socket_of(entry.id)),
    }
