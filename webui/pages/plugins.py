"""What is installed: loaded, refused with the reason, and parked instances with a way to start them again."""

from starlette.requests import Request
from starlette.responses import Response

from hub.runtime.instance import InstanceState
from hub.sdk import Kind
from webui.lamps import lamp_of
from webui.language import later
from webui.pages.instances import SECTIONS, icon_of
from webui.reach import services_of, shows, web_of

KINDS = {
    Kind.SOURCE: later("Devices: they bring recordings in"),
    Kind.CONNECTOR: later("Stores: they keep recordings"),
    Kind.MIGRATOR: later("Migrators: they read older recorders"),
    Kind.NOTIFIER: later("Notifiers: they carry alarms out"),
}


@shows("plugin.list")
def plugins_page(request: Request) -> Response:
    """All plug-ins by kind, and what is wrong with some."""
    services = services_of(request)
    scans = services.plugins.scans()
    instances = services.instances.list()
    sections = {section.kind: section for section in SECTIONS}
    parked = [
        (instance, lamp_of(instance), sections[instance.kind].path)
        for instance in instances
        if instance.health.state is InstanceState.PARKED and instance.kind in sections
    ]
    used = {(instance.kind, instance.plugin) for instance in instances}
    counts = {key: sum((instance.kind, instance.plugin) == key for instance in instances) for key in used}
    loaded = {
        kind: [
            (found, icon_of(found, sections.get(kind, SECTIONS[0])), counts.get((kind, name), 0), sections.get(kind))
            for name, found in sorted(scans[kind].found.items())
        ]
        for kind in Kind
        if kind in scans
    }
    refused = [one for scan in scans.values() for one in scan.refused]
    return web_of(request).renderer.page(
        request, "plugins.html", kinds=KINDS, loaded=loaded, refused=refused, parked=parked
    )
