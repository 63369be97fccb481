"""Which plug-ins are installed, refused and parked, for the command line."""

from typing import Any

from hub.app.offline import open_database
from hub.config import HubConfig
from hub.config.secrets import SecretBox
from hub.errors import HubError
from hub.runtime.forms import form_fields
from hub.runtime.instance import InstanceState
from hub.runtime.instances import Instances
from hub.runtime.plugins import Plugins

_WAITING = {InstanceState.PARKED, InstanceState.NEEDS_SETTINGS, InstanceState.PLUGIN_MISSING}


def take_inventory(config: HubConfig) -> dict[str, list[dict[str, Any]]]:
    """loaded, refused and parked, each a list of facts; a catalog that is away or not made yet parks nothing."""
    plugins = Plugins()
    scans = plugins.scans()
    loaded = [
        {
            "kind": kind.value,
            "name": name,
            "title": found.info.title,
            "summary": found.info.summary,
            "api": str(found.info.api),
            "distribution": found.distribution,
            "version": found.version,
            "settings": [field.name for field in form_fields(found.info.settings)],
        }
        for kind, scan in scans.items()
        for name, found in sorted(scan.found.items())
    ]
    refused = [
        {
            "kind": kind.value,
            "name": each.name,
            "reason": each.reason,
            "distribution": each.distribution,
            "version": each.version,
        }
        for kind, scan in scans.items()
        for each in scan.refused
    ]
    return {"loaded": loaded, "refused": refused, "parked": _parked(config, plugins)}


def _parked(config: HubConfig, plugins: Plugins) -> list[dict[str, Any]]:
    if not config.secrets_key_file.exists() and config.secret_key is None:
        return []
    database = open_database(config)
    try:
        instances = Instances(database, SecretBox.open(config), plugins).list()
    except HubError:
        return []
    finally:
        database.close()
    return [
        {
            "kind": instance.kind.value,
            "plugin": instance.plugin,
            "name": instance.name,
            "state": instance.health.state.value,
            "summary": instance.health.summary,
            "hint": instance.health.hint,
        }
        for instance in instances
        if instance.health.state in _WAITING
    ]
