"""Plug-ins: what is installed, what was refused, and which settings each takes."""

from typing import Annotated, Any

from fastapi import APIRouter, Path
from pydantic import Field, JsonValue

from hub.app.services import Services
from hub.runtime.loader import Found, Refused
from hub.runtime.plugins import PluginMissing
from hub.sdk import Kind
from webui.api.v1.guarded import GuardedRoute
from webui.api.v1.operation import operation
from webui.api.v1.parts import Asking, Hub
from webui.api.v1.problem import ApiError
from webui.api.v1.schemas.instance import TrialIn, TrialOut
from webui.api.v1.schemas.shape import Out
from webui.api.v1.trials import Trial, parse_settings, try_settings
from webui.api.v1.values import OneLine

router = APIRouter(route_class=GuardedRoute, prefix="/plugins", tags=["Plug-ins"])

PluginName = Annotated[OneLine, Path(max_length=64, description="The plug-in's name.")]


class PluginOut(Out):
    """A plug-in that can be used."""

    kind: Kind
    name: str
    title: str
    summary: str
    api: str = Field(description="The version of the plug-in contract that it was built for.", examples=["1.0"])
    docs_url: str
    distribution: str
    version: str


class RefusedOut(Out):
    """A plug-in that is installed and cannot be used."""

    kind: Kind
    name: str
    reason: str
    distribution: str
    version: str


class PluginList(Out):
    """What is installed."""

    items: list[PluginOut]
    refused: list[RefusedOut]


class PluginDetailOut(PluginOut):
    """A plug-in with the settings that its instances take."""

    settings_schema: dict[str, JsonValue] = Field(description="JSON Schema of the settings.")


@router.get("", **operation("listPlugins", "List plug-ins", "plugin.list"))
def list_plugins(hub: Hub) -> PluginList:
    """Every plug-in that was found, of every kind."""
    scans = hub.plugins.scans()
    return PluginList(
        items=[PluginOut(**_shape(found)) for scan in scans.values() for found in scan.found.values()],
        refused=[_refused(refused) for scan in scans.values() for refused in scan.refused],
    )


@router.get("/{kind}/{name}", **operation("getPlugin", "Get a plug-in", "plugin.list", errors=[404]))
def get_plugin(kind: Kind, name: PluginName, hub: Hub) -> PluginDetailOut:
    """One plug-in, with the settings that its instances take."""
    found = _find(hub, kind, name)
    return PluginDetailOut(**_shape(found), settings_schema=found.info.settings.model_json_schema())


@router.post("/{kind}/{name}/test", **operation("trySettings", "Test settings", "device.test", errors=[404]))
def try_plugin(kind: Kind, name: PluginName, body: TrialIn, caller: Asking, hub: Hub) -> TrialOut:
    """Try settings that are not kept; this changes nothing on the other side."""
    _find(hub, kind, name)
    return try_settings(hub, caller.actor, Trial(kind, name, parse_settings(hub, kind, name, body.settings)))


def _find(hub: Services, kind: Kind, name: str) -> Found:
    try:
        return hub.plugins.find(kind, name)
    except PluginMissing as missing:
        raise ApiError(404, "not-found", str(missing), hint=missing.hint) from None


def _shape(found: Found) -> dict[str, Any]:
    info = found.info
    return {
        "kind": info.kind,
        "name": info.name,
        "title": info.title,
        "summary": info.summary,
        "api": str(info.api),
        "docs_url": info.docs_url,
        "distribution": found.distribution,
        "version": found.version,
    }


def _refused(refused: Refused) -> RefusedOut:
    return RefusedOut.model_validate(refused)
