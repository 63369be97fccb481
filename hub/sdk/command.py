"""What a plug-in's own command is given: the configured instances of the plug-in."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from hub.sdk.health import Health
from hub.sdk.settings import PluginSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """One enabled instance of a source. is_running: whether its process works now. health: what it said last.

    recall: what the instance keeps in its own memory under a key, None if nothing.
    """

    name: str
    settings: PluginSettings
    is_running: bool
    health: Health
    recall: Callable[[str], Any] = field(repr=False)


class FindDevices(Protocol):
    """The object of a plug-in command's click context (`click.pass_obj`)."""

    def __call__(self, plugin: str, data: Path | None = None) -> list[Device]:
        """The devices of the source with this name, as they are at this moment; data: the hub's data folder.

        Raises: what the command line shows to people (the catalog is away, there is no hub here).
        """
        ...
