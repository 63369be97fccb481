"""Devices and stores: the list with its lamps, and what can be done to one of them."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from hub.access.errors import NotThere
from hub.access.permissions import allows
from hub.catalog.live_calls import LiveQuery
from hub.catalog.query import Count, RecordingQuery
from hub.runtime.failure import PluginFailure, SupervisorAway
from hub.runtime.instances import InstanceMissing
from hub.runtime.plugins import PluginMissing
from hub.sdk import Controls, Kind
from webui.lamps import lamp_of
from webui.language import gettext, later
from webui.pages.recordings import count_text
from webui.reach import go_to, load_preferences, services_of, shows, takes_form, text_of, viewer_of, web_of
from webui.rule_devices import rules_naming
from webui.security import actor_of

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

    from hub.rules.rule import Rule
    from hub.runtime.instance import Instance
    from hub.runtime.loader import Found

ICONS = frozenset(
    {"phone", "server", "folder", "cloud", "hard-drive", "disc-3", "radio", "network", "database", "mail"}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One kind of instances with its own pages: where they are and what they are called."""

    kind: Kind
    path: str
    title: str
    about: str
    add: str
    one: str
    icon: str
    nothing: str


DEVICES = Section(
    kind=Kind.SOURCE,
    path="/devices",
    title=later("Devices"),
    about=later("Each device is one PBX whose recordings the hub collects."),
    add=later("Add a device"),
    one=later("device"),
    icon="server",
    nothing=later("No device yet. Add your PBX, and its recordings come in by themselves."),
)
STORES = Section(
    kind=Kind.CONNECTOR,
    path="/storage",
    title=later("Storage"),
    about=later("Where recordings rest, and in which form."),
    add=later("Add a store"),
    one=later("store"),
    icon="hard-drive",
    nothing=later("No store yet. Recordings wait safely in the spool until there is one."),
)
SECTIONS = (DEVICES, STORES)


def section_of(request: Request) -> Section:
    """The section that the address is in."""
    return STORES if request.url.path.startswith(STORES.path) else DEVICES


def instance_of(request: Request) -> Instance:
    """The instance that the address names.

    Raises: NotThere.
    """
    missing = NotThere(gettext("There is no such device or store; it may have been deleted."))
    try:
        instance = services_of(request).instances.get(request.path_params["id"])
    except (InstanceMissing, OverflowError):
        raise missing from None
    if instance.kind is not section_of(request).kind:
        raise missing
    return instance


def plugin_of(request: Request, name: str) -> Found | None:
    """The plug-in, or None if it is not installed or was refused."""
    try:
        return services_of(request).plugins.find(section_of(request).kind, name)
    except PluginMissing:
        return None


def icon_of(found: Found | None, section: Section) -> str:
    """The plug-in's icon, if the hub has one by that name."""
    wanted = found.info.icon if found else ""
    return wanted if wanted in ICONS else section.icon


def card_context(request: Request, instance: Instance) -> dict[str, Any]:
    """What the card of one instance shows."""
    section = section_of(request)
    found = plugin_of(request, instance.plugin)
    return {
        "instance": instance,
        "lamp": lamp_of(instance),
        "icon_name": icon_of(found, section),
        "plugin_title": found.info.title if found else instance.plugin,
        "where": section,
    }


def list_context(request: Request) -> dict[str, Any]:
    """The cards of all instances of a section."""
    section = section_of(request)
    instances = services_of(request).instances.list(section.kind)
    return {"where": section, "cards": [card_context(request, instance) for instance in instances]}


def take_up(request: Request, instance_id: int) -> bool:
    """Tell the supervisor of a change; without one, the change holds all the same and is taken up at its start."""
    try:
        services_of(request).commands.reload(instance_id)
    except (SupervisorAway, PluginFailure):
        return False
    return True


@shows("device.list")
def card(request: Request) -> Response:
    """The card of one instance, for its live update."""
    context = card_context(request, instance_of(request))
    return web_of(request).renderer.fragment(request, "devices/card.html", **context)


@shows("device.list")
def now(request: Request) -> Response:
    """How one instance is now, for its live update."""
    context = card_context(request, instance_of(request))
    return web_of(request).renderer.fragment(request, "devices/now.html", **context)


@takes_form("device.change")
def switch(request: Request, form: FormData) -> Response:
    """Switch it on or off."""
    instance = instance_of(request)
    enabled = text_of(form, "enabled") == "yes"
    services_of(request).instances.change(instance.id, instance.revision, actor_of(request), enabled=enabled)
    take_up(request, instance.id)
    return go_to(f"{section_of(request).path}/{instance.id}?done={'on' if enabled else 'off'}")


@takes_form("device.change")
def restart(request: Request, form: FormData) -> Response:
    """Start it again, parked or not."""
    del form
    instance = instance_of(request)
    try:
        services_of(request).commands.restart(instance.id)
    except (SupervisorAway, PluginFailure):
        return go_to(f"{section_of(request).path}/{instance.id}?done=away")
    return go_to(f"{section_of(request).path}/{instance.id}?done=restarted")


@shows("device.delete")
def ask_delete(request: Request) -> Response:
    """What deleting it would mean."""
    instance = instance_of(request)
    recordings = _count_recordings(request, instance)
    return web_of(request).renderer.page(
        request,
        "devices/delete.html",
        **card_context(request, instance),
        recordings=recordings,
        recordings_text=count_text(request, recordings),
        records_itself=(found := plugin_of(request, instance.plugin)) is not None and found.can(Controls),
        calls=_count_calls(request, instance),
        named_by=_named_by(request, instance),
        is_primary=instance.id == load_preferences(request).primary_store,
        section=section_of(request).path,
    )


@takes_form("device.delete")
def delete(request: Request, form: FormData) -> Response:
    """Delete it; its recordings stay."""
    instance = instance_of(request)
    if text_of(form, "sure") != "yes":
        return go_to(f"{section_of(request).path}/{instance.id}/delete")
    services_of(request).instances.delete(instance.id, actor_of(request))
    with suppress(SupervisorAway, PluginFailure):
        services_of(request).commands.reload(instance.id)
    return go_to(f"{section_of(request).path}?done=deleted")


def routes(section: Section) -> list[Route]:
    """The pages of a section that act on one instance."""
    base = section.path + "/{id:int}"
    return [
        Route(f"{base}/card", card),
        Route(f"{base}/now", now),
        Route(f"{base}/switch", switch, methods=["POST"]),
        Route(f"{base}/restart", restart, methods=["POST"]),
        Route(f"{base}/delete", ask_delete),
        Route(f"{base}/delete", delete, methods=["POST"]),
    ]


def _count_calls(request: Request, instance: Instance) -> int:
    """How many calls go on there, as far as the viewer may see them."""
    viewer = viewer_of(request)
    if not allows(viewer, "live.list"):
        return 0
    return services_of(request).live.count(viewer, LiveQuery(device_ids=frozenset({instance.id})))


def _named_by(request: Request, instance: Instance) -> list[tuple[Rule, bool]]:
    """The recording rules that name it, and whether each fits no call once it is gone, for who may see them."""
    if not allows(viewer_of(request), "rule.list"):
        return []
    return rules_naming(services_of(request), instance.id)


def _count_recordings(request: Request, instance: Instance) -> Count:
    query = RecordingQuery(device_ids=frozenset({instance.id}))
    return services_of(request).reader.count(viewer_of(request), query)
