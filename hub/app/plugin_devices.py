"""The configured devices of a plug-in, for its own commands."""

from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any

from hub.app.offline import open_database
from hub.config import HubConfig, load_config
from hub.config.secrets import SecretBox
from hub.runtime.commands import CommandClient
from hub.runtime.failure import SupervisorAway
from hub.runtime.instance import InstanceHealth, InstanceState
from hub.runtime.instances import Instances
from hub.runtime.state import KeyedState
from hub.sdk import Device, Health, HealthState, Kind

_LAMPS = {InstanceState.OK: HealthState.OK, InstanceState.DEGRADED: HealthState.DEGRADED}


def find_devices(plugin: str, data: Path | None = None) -> list[Device]:
    """The enabled devices of the source with this name, by name.

    Raises: DatabaseAway, SecretError, FormErrors (stored settings do not fit the plug-in any more).
    """
    config = load_config(data=data)
    if not config.secrets_key_file.exists() and config.secret_key is None:
        return []
    database = open_database(config)
    try:
        instances = Instances(database, SecretBox.open(config))
        running = _find_running(config)
        return [
            Device(
                name=instance.name,
                settings=instances.settings_of(instance.id),
                is_running=instance.id in running,
                health=_health_of(instance.health),
                recall=partial(_recall, config.state / f"{instance.id}.sqlite3"),
            )
            for instance in instances.list(Kind.SOURCE)
            if instance.plugin == plugin and instance.enabled
        ]
    finally:
        database.close()


def _find_running(config: HubConfig) -> set[int]:
    try:
        processes = CommandClient(config.command_socket).status()
    except SupervisorAway:
        return set()
    return {process.instance_id for process in processes if process.instance_id is not None and process.pid is not None}


def _health_of(health: InstanceHealth) -> Health:
    lamp = _LAMPS.get(health.state, HealthState.DOWN)
    return Health(lamp, health.summary, health.hint, health.numbers, health.warnings)


def _recall(path: Path, key: str) -> Any:
    if not path.exists():
        return None
    with closing(KeyedState(path)) as state:
        return state.get(key)
