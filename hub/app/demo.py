"""`recording-hub demo`: a hub with a device that shows itself at work, without a PBX."""

from collections.abc import Iterator

from hub.app.offline import open_database
from hub.audit import SYSTEM
from hub.config import HubConfig
from hub.config.secrets import SecretBox
from hub.runtime.commands import CommandClient
from hub.runtime.failure import SupervisorAway
from hub.runtime.instances import Instances
from hub.runtime.loader import Found
from hub.runtime.plugins import PluginMissing, Plugins
from hub.sdk import Demonstrates, Kind

_FOLDER = "demo-calls"


def play(config: HubConfig) -> Iterator[str]:
    """Add a device for every source plug-in that can show itself, and have each make its calls.

    Yields: lines for people.
    Raises: PluginMissing, DatabaseAway; what a plug-in's demonstration raises.
    """
    plugins = Plugins()
    showing = [(name, found) for name, found in plugins.scans()[Kind.SOURCE].found.items() if _shows(found)]
    if not showing:
        raise PluginMissing("No installed plug-in can show itself.", hint="`recording-hub plugins` lists them.")
    database = open_database(config)
    try:
        instances = Instances(database, SecretBox.open(config), plugins)
        for name, found in showing:
            assert issubclass(found.cls, Demonstrates)
            folder = config.data / _FOLDER / name
            folder.mkdir(parents=True, exist_ok=True)
            title = f"{found.cls.info.title} (demo)"
            if title not in {instance.name for instance in instances.list(Kind.SOURCE)}:
                made = instances.create(Kind.SOURCE, name, title, found.cls.demo_settings(folder), SYSTEM)
                _take_up(config, made.id)
                yield f"Added the device {title}, which watches {folder}"
            yield from found.cls.play_demo(folder)
    finally:
        database.close()


def _shows(found: Found) -> bool:
    return issubclass(found.cls, Demonstrates)


def _take_up(config: HubConfig, instance_id: int) -> None:
    try:
        CommandClient(config.command_socket).reload(instance_id)
    except SupervisorAway:
        return  # it looks by itself every few seconds
