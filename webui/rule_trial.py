"""Which recording rule would decide a call: the same rulebook as a device has, asked without counting."""

from hub.app.services import Services
from hub.catalog import preferences
from hub.rules.rulebook import Judgement, Places, Rulebook
from hub.runtime.instances import InstanceMissing
from hub.sdk import CallOutline


def judge(services: Services, call: CallOutline, device_id: int) -> Judgement:
    """The deciding rule, and why none above it does; a device that is not there stands where the hub does."""
    with services.db.read() as session:
        hub_zone = preferences.load(session).timezone
    zone = zone_of(services, device_id) or hub_zone
    return Rulebook(services.rules.load(), Places(zone)).judge(call, device_id)


def zone_of(services: Services, device_id: int) -> str:
    """The device's own time zone, "" where it has none or is not there."""
    try:
        return services.instances.get(device_id).options.timezone
    except InstanceMissing:
        return ""
