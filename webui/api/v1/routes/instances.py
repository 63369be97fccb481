"""Devices and connectors: the same operations for each kind of configured plug-in."""

from contextlib import suppress
from dataclasses import dataclass
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from pydantic import ValidationError

from hub.app.services import Services
from hub.catalog import preferences
from hub.config.errors import SecretError
from hub.runtime.commands import CommandClient
from hub.runtime.failure import PluginFailure, SupervisorAway
from hub.runtime.forms import FormErrors
from hub.runtime.instance import Instance, InstanceOptions
from hub.runtime.instances import InstanceConflict, InstanceMissing
from hub.runtime.plugins import PluginMissing
from hub.sdk import Kind
from webui.api.v1.conditional import IF_MATCH, changed_meanwhile, check_match, put_tag
from webui.api.v1.failures import body_field, invalid
from webui.api.v1.guarded import GuardedRoute
from webui.api.v1.operation import operation
from webui.api.v1.parts import Asking, Hub
from webui.api.v1.problem import ApiError
from webui.api.v1.schemas.instance import (
    InstanceIn,
    InstanceList,
    InstanceOut,
    InstancePatch,
    OptionsIn,
    TrialOut,
)
from webui.api.v1.trials import Trial, parse_settings, settings_refused, try_settings
from webui.api.v1.values import Id

InstanceId = Annotated[Id, Path(description="The instance.")]
_NEEDS_MATCH = {"parameters": [{**IF_MATCH, "required": True}]}
_TAKES_MATCH = {"parameters": [{**IF_MATCH, "required": False}]}


@dataclass(frozen=True, slots=True)
class Section:
    """One kind of plug-in: how it is called in addresses, operation ids and texts."""

    kind: Kind
    path: str
    noun: str
    title: str


DEVICES = Section(Kind.SOURCE, "/devices", "Device", "device")
CONNECTORS = Section(Kind.CONNECTOR, "/connectors", "Connector", "connector")
SECTIONS = (DEVICES, CONNECTORS)


def instances_router(section: Section) -> APIRouter:
    """The operations on one kind."""
    router = APIRouter(route_class=GuardedRoute, prefix=section.path, tags=[f"{section.noun}s"])
    _add_reading(router, section)
    _add_changing(router, section)
    _add_deleting(router, section)
    _add_trying(router, section)
    if section.kind is Kind.SOURCE:  # only these have a process of their own
        _add_restart(router, section)
    return router


def _add_reading(router: APIRouter, section: Section) -> None:
    @router.get("", **operation(f"list{section.noun}s", f"List {section.title}s", "device.list"))
    def list_all(hub: Hub) -> InstanceList:
        """All of them, with how they are."""
        return InstanceList(items=[InstanceOut.model_validate(found) for found in hub.instances.list(section.kind)])

    @router.get("/{id}", **operation(f"get{section.noun}", f"Get a {section.title}", "device.list", errors=[404]))
    def get(id: InstanceId, response: Response, hub: Hub) -> InstanceOut:
        """One of them; its ETag is what a change needs."""
        return _shown(_find(hub, section, id), response)


def _add_changing(router: APIRouter, section: Section) -> None:
    @router.post(
        "", status_code=201, **operation(f"add{section.noun}", f"Add a {section.title}", "device.add", errors=[409])
    )
    def add(body: InstanceIn, request: Request, response: Response, caller: Asking, hub: Hub) -> InstanceOut:
        """Keep it and start it."""
        settings = parse_settings(hub, section.kind, body.plugin, body.settings)
        try:
            made = hub.instances.create(
                section.kind,
                body.plugin,
                body.name,
                settings,
                caller.actor,
                enabled=body.enabled,
                options=_options(body.options),
            )
        except FormErrors as errors:
            raise _name_refused(errors) from None
        _take_up(hub.commands, made.id)
        shown = _shown(made, response)
        response.headers["Location"] = f"{request.url.path}/{InstanceOut.model_dump(shown)['id']}"
        return shown

    @router.patch(
        "/{id}",
        **operation(
            f"change{section.noun}",
            f"Change a {section.title}",
            "device.change",
            errors=[404, 412, 428],
            openapi_extra=_NEEDS_MATCH,
        ),
    )
    def change(
        id: InstanceId, body: InstancePatch, request: Request, response: Response, caller: Asking, hub: Hub
    ) -> InstanceOut:
        """Change what is given, switch it on or off; it is taken up at once."""
        before = _find(hub, section, id)
        check_match(request, before.revision)
        settings = None if body.settings is None else parse_settings(hub, before.kind, before.plugin, body.settings, id)
        try:
            changed = hub.instances.change(
                id,
                before.revision,
                caller.actor,
                name=body.name,
                enabled=body.enabled,
                settings=settings,
                options=None if body.options is None else _options(body.options),
            )
        except InstanceConflict:
            raise changed_meanwhile() from None
        except FormErrors as errors:
            raise _name_refused(errors) from None
        _take_up(hub.commands, id)
        return _shown(changed, response)


def _add_deleting(router: APIRouter, section: Section) -> None:
    @router.delete(
        "/{id}",
        status_code=204,
        **operation(
            f"delete{section.noun}",
            f"Delete a {section.title}",
            "device.delete",
            errors=[404, 409, 412],
            openapi_extra=_TAKES_MATCH,
        ),
    )
    def delete(id: InstanceId, request: Request, caller: Asking, hub: Hub) -> None:
        """Forget its settings and secrets; its recordings, and its name beside them, stay."""
        check_match(request, _find(hub, section, id).revision, required=False)
        _refuse_if_in_use(hub, id)
        hub.instances.delete(id, caller.actor)
        _take_up(hub.commands, id)


def _add_trying(router: APIRouter, section: Section) -> None:
    @router.post(
        "/{id}/test", **operation(f"test{section.noun}", f"Test a {section.title}", "device.test", errors=[404, 409])
    )
    def test_saved(id: InstanceId, caller: Asking, hub: Hub) -> TrialOut:
        """Try it with its own settings."""
        found = _find(hub, section, id)
        try:
            settings = hub.instances.settings_of(id)
        except FormErrors as errors:
            raise settings_refused(errors) from None
        except (PluginMissing, SecretError) as lost:
            raise ApiError(409, "not-usable", str(lost), hint=lost.hint) from None
        return try_settings(hub, caller.actor, Trial(section.kind, found.plugin, settings, id))


def _add_restart(router: APIRouter, section: Section) -> None:
    @router.post(
        "/{id}/restart",
        status_code=204,
        **operation(f"restart{section.noun}", f"Restart a {section.title}", "device.change", errors=[404, 409]),
    )
    def restart(id: InstanceId, hub: Hub) -> None:
        """End its process and start it anew, parked or not."""
        _find(hub, section, id)
        try:
            hub.commands.restart(id)
        except PluginFailure as failure:
            raise ApiError(409, "cannot-restart", str(failure), hint=failure.hint) from None


def _find(hub: Services, section: Section, instance_id: int) -> Instance:
    missing = ApiError(404, "not-found", f"There is no such {section.title}; it may have been deleted.")
    try:
        found = hub.instances.get(instance_id)
    except InstanceMissing:
        raise missing from None
    if found.kind is not section.kind:
        raise missing
    return found


def _shown(instance: Instance, response: Response) -> InstanceOut:
    put_tag(response, instance.revision)
    return InstanceOut.model_validate(instance)


def _options(options: OptionsIn) -> InstanceOptions:
    try:
        return InstanceOptions(**options.model_dump())
    except ValidationError as refused:
        raise invalid(
            body_field(f"options.{'.'.join(map(str, error['loc']))}", error["msg"].removeprefix("Value error, "))
            for error in refused.errors()
        ) from None


def _name_refused(errors: FormErrors) -> ApiError:
    return invalid(body_field(field, text) for field, texts in errors.by_field.items() for text in texts)


def _take_up(commands: CommandClient, instance_id: int) -> None:
    """Tell the supervisor; if it is away, it finds the change when it comes back."""
    with suppress(SupervisorAway, PluginFailure):
        commands.reload(instance_id)


def _refuse_if_in_use(hub: Services, instance_id: int) -> None:
    with hub.db.read() as session:
        stores = preferences.load(session)
    if instance_id == stores.primary_store or instance_id in stores.copy_stores:
        detail = "The preferences name it as a place for recordings."
        raise ApiError(409, "in-use", detail, hint="Choose another one in the preferences first.")
