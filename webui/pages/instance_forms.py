"""Adding and changing devices and stores: a form made from the plug-in's settings, a test that keeps what was typed."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from starlette.routing import Route

from hub.audit.action import Action
from hub.audit.trail import append
from hub.runtime.failure import PluginFailure, SupervisorAway
from hub.runtime.forms import FormErrors, plain
from hub.runtime.html_form import form_values, parse_form
from hub.runtime.instance import InstanceOptions, alarm_source
from hub.runtime.instances import InstanceConflict
from hub.sdk import Health, HealthState, Kind
from webui import settings_view
from webui.lamps import numbers
from webui.language import gettext, later
from webui.pages.instances import (
    Section,
    card_context,
    icon_of,
    instance_of,
    list_context,
    plugin_of,
    section_of,
    take_up,
)
from webui.pages.uploads import upload_context
from webui.reach import go_to, services_of, shows, takes_form, text_of, texts_of, viewer_of, web_of
from webui.security import actor_of

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from pydantic import BaseModel
    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

    from hub.runtime.instance import Instance
    from hub.runtime.loader import Found

SETTINGS, OPTIONS = "settings.", "options."
UNPROCESSABLE, CONFLICT, NOT_FOUND = 422, 409, 404
_DONE = {
    "added": later("Added. It starts at once."),
    "saved": later("Saved. It works with the new settings at once."),
    "saved-later": later("Saved. It is taken up when the hub's services run again."),
    "on": later("Switched on"),
    "off": later("Switched off"),
    "restarted": later("Started again"),
    "away": later("The hub's services do not answer; try again in a moment."),
    "deleted": later("Deleted. Its recordings stay."),
    "policy": later("Saved. New recordings are stored this way."),
}


@dataclass(slots=True)
class Entered:
    """A form as it came: what was read from it, or what is wrong with it."""

    name: str
    settings: Any = None
    options: InstanceOptions | None = None
    values: Mapping[str, Any] = field(default_factory=dict)
    option_values: Mapping[str, Any] = field(default_factory=dict)
    errors: dict[str, Sequence[str]] = field(default_factory=dict)
    option_errors: dict[str, Sequence[str]] = field(default_factory=dict)
    name_errors: Sequence[str] = ()

    @property
    def is_right(self) -> bool:
        """Whether it can be saved."""
        return not (self.errors or self.option_errors or self.name_errors)


def read_form(request: Request, found: Found, form: FormData, instance_id: int | None) -> Entered:
    """The settings of a submitted form; everything wrong is found at once."""
    texts = texts_of(form)
    entered = Entered(name=text_of(form, "name").strip())
    entered.values = form_values(found.info.settings, texts, SETTINGS)
    entered.option_values = form_values(InstanceOptions, texts, OPTIONS)
    if not entered.name:
        entered.name_errors = (gettext("This is needed."),)
    try:
        entered.settings = services_of(request).instances.parse_form(
            section_of(request).kind, found.info.name, texts, instance_id, SETTINGS
        )
    except FormErrors as wrong:
        entered.errors = dict(wrong.by_field)
    try:
        entered.options = parse_form(InstanceOptions, texts, None, OPTIONS)
    except FormErrors as wrong:
        entered.option_errors = dict(wrong.by_field)
    return entered


def form_context(section: Section, found: Found | None, entered: Entered) -> dict[str, Any]:
    """What the form shows."""
    shown = settings_view.groups(found.info.settings, entered.values, entered.errors, SETTINGS) if found else []
    options = settings_view.groups(InstanceOptions, entered.option_values, entered.option_errors, OPTIONS)
    known = {view.field.name for group in shown for view in group.fields}
    return {
        "where": section,
        "section": section.path,
        "plugin": found.info if found else None,
        "icon_name": icon_of(found, section),
        "entered": entered,
        "groups": _with_options(shown, options, section),
        "general_errors": [
            text for name, texts in entered.errors.items() if name.split(".")[0] not in known for text in texts
        ],
        "may_save": True,
    }


def _with_options(
    shown: list[settings_view.GroupView], options: list[settings_view.GroupView], section: Section
) -> list[settings_view.GroupView]:
    """The hub's own questions stand under "Advanced", after the plug-in's."""
    if section.kind is not Kind.SOURCE:
        return shown
    own = tuple(view for group in options for view in group.fields)
    advanced = next((group for group in shown if group.name == "advanced"), None)
    fields = (*(advanced.fields if advanced else ()), *own)
    rest = [group for group in shown if group.name != "advanced"]
    return [*rest, settings_view.GroupView("advanced", settings_view.GROUPS["advanced"], fields)]


@shows("device.add")
def choose(request: Request) -> Response:
    """Which plug-in it is to be."""
    section = section_of(request)
    scan = services_of(request).plugins.scans()[section.kind]
    offers = [(found.info, icon_of(found, section)) for found in scan.found.values()]
    return web_of(request).renderer.page(
        request, "devices/choose.html", where=section, section=section.path, offers=offers, refused=scan.refused
    )


@shows("device.add")
def new(request: Request) -> Response:
    """An empty form."""
    found = plugin_of(request, request.path_params["plugin"])
    if found is None:
        return go_to(f"{section_of(request).path}/new")
    context = form_context(section_of(request), found, Entered(name=""))
    return web_of(request).renderer.page(request, "devices/new.html", **context)


@takes_form("device.add")
def create(request: Request, form: FormData) -> Response:
    """Keep what was entered, or show the form again."""
    found = plugin_of(request, request.path_params["plugin"])
    if found is None:
        return go_to(f"{section_of(request).path}/new")
    entered = read_form(request, found, form, None)
    if entered.is_right:
        try:
            instance = services_of(request).instances.create(
                section_of(request).kind,
                found.info.name,
                entered.name,
                entered.settings,
                actor_of(request),
                options=entered.options,
            )
        except FormErrors as wrong:
            _take_errors(entered, wrong)
        else:
            took = take_up(request, instance.id)
            return go_to(f"{section_of(request).path}/{instance.id}?done={'added' if took else 'saved-later'}")
    context = form_context(section_of(request), found, entered)
    return web_of(request).renderer.page(request, "devices/new.html", UNPROCESSABLE, **context)


@shows("device.list")
def edit(request: Request) -> Response:
    """The settings of one instance."""
    instance = instance_of(request)
    return _edit_page(request, instance, _stored(instance))


@takes_form("device.change")
def save(request: Request, form: FormData) -> Response:
    """Keep what was changed, or show the form again."""
    instance = instance_of(request)
    found = plugin_of(request, instance.plugin)
    if found is None:
        return go_to(f"{section_of(request).path}/{instance.id}")
    entered = read_form(request, found, form, instance.id)
    if not entered.is_right:
        return _edit_page(request, instance, entered, UNPROCESSABLE)
    revision = text_of(form, "revision")
    try:
        services_of(request).instances.change(
            instance.id,
            int(revision) if revision.isdecimal() else 0,
            actor_of(request),
            name=entered.name,
            settings=entered.settings,
            options=entered.options,
        )
    except FormErrors as wrong:
        _take_errors(entered, wrong)
        return _edit_page(request, instance, entered, UNPROCESSABLE)
    except InstanceConflict as conflict:
        entered.errors[""] = (f"{conflict} {conflict.hint}",)
        return _edit_page(request, instance, entered, CONFLICT)
    took = take_up(request, instance.id)
    return go_to(f"{section_of(request).path}/{instance.id}?done={'saved' if took else 'saved-later'}")


@takes_form("device.test")
def test_new(request: Request, form: FormData) -> Response:
    """Try settings that are not saved."""
    found = plugin_of(request, request.path_params["plugin"])
    return _test(request, found, form, None)


@takes_form("device.test")
def test_stored(request: Request, form: FormData) -> Response:
    """Try changed settings of an instance; what it keeps secret is filled in."""
    instance = instance_of(request)
    return _test(request, plugin_of(request, instance.plugin), form, instance.id)


@shows("device.list")
def devices_page(request: Request) -> Response:
    """The devices with their lamps."""
    return web_of(request).renderer.page(request, "devices/list.html", **list_context(request), done=done_text(request))


def routes(section: Section) -> list[Route]:
    """The pages of a section that show a form."""
    base = section.path
    return [
        Route(f"{base}/new", choose),
        Route(f"{base}/new/{{plugin}}", new),
        Route(f"{base}/new/{{plugin}}", create, methods=["POST"]),
        Route(f"{base}/new/{{plugin}}/test", test_new, methods=["POST"]),
        Route(f"{base}/{{id:int}}", edit),
        Route(f"{base}/{{id:int}}", save, methods=["POST"]),
        Route(f"{base}/{{id:int}}/test", test_stored, methods=["POST"]),
    ]


def done_text(request: Request) -> str:
    """What the page says about the act that led to it."""
    return gettext(_DONE.get(request.query_params.get("done", ""), ""))


def _take_errors(entered: Entered, wrong: FormErrors) -> None:
    """A name that is taken belongs to the name field, everything else to the settings."""
    by_field = dict(wrong.by_field)
    entered.name_errors = by_field.pop("name", ()) if "name" not in entered.values else ()
    entered.errors |= by_field


def _stored(instance: Instance) -> Entered:
    return Entered(
        name=instance.name,
        values=instance.settings,
        option_values=plain(instance.options),
        errors=dict(instance.health.field_errors),
    )


def _edit_page(request: Request, instance: Instance, entered: Entered, status: int = 200) -> Response:
    found = plugin_of(request, instance.plugin)
    context = form_context(section_of(request), found, entered) | card_context(request, instance)
    context |= upload_context(request, instance)
    context["may_save"] = "device.change" in viewer_of(request).permissions
    return web_of(request).renderer.page(request, "devices/edit.html", status, **context, done=done_text(request))


def _test(request: Request, found: Found | None, form: FormData, instance_id: int | None) -> Response:
    """Try what is typed, without saving it; the answer is put beside the form, which stays as it is."""
    if found is None:
        return _verdict(request, None, message=gettext("The plug-in is not installed any more."))
    entered = read_form(request, found, form, instance_id)
    if entered.errors or entered.option_errors:
        wrong = _named(found.info.settings, entered.errors) + _named(InstanceOptions, entered.option_errors, OPTIONS)
        return _verdict(request, None, errors=wrong)
    _note_test(request, found, instance_id)
    try:
        health = services_of(request).commands.check(
            section_of(request).kind, found.info.name, entered.settings, instance_id
        )
    except PluginFailure as failure:
        errors = _named(found.info.settings, {name: texts for name, texts in failure.by_field.items() if name})
        return _verdict(request, None, message=str(failure), hint=failure.hint, errors=errors)
    except SupervisorAway as away:
        return _verdict(request, None, message=str(away), hint=away.hint)
    return _verdict(request, health)


def _note_test(request: Request, found: Found, instance_id: int | None) -> None:
    with services_of(request).db.write() as session:
        subject = alarm_source(instance_id) if instance_id is not None else f"plugin:{found.info.name}"
        append(session, actor_of(request), Action.DEVICE_TEST, subject=subject)


def _named(
    model: type[BaseModel], errors: Mapping[str, Sequence[str]], prefix: str = SETTINGS
) -> list[tuple[str, str, str]]:
    """(title, text, id of the input) for each error; prefix: of the names in the form."""
    return [
        (
            model.model_fields[name.split(".")[0]].title or name if name.split(".")[0] in model.model_fields else "",
            text,
            "f-" + (prefix + name).replace(".", "-"),
        )
        for name, texts in errors.items()
        for text in texts
    ]


def _verdict(request: Request, health: Health | None, **words: Any) -> Response:
    shade = {HealthState.OK: "good", HealthState.DEGRADED: "warn"}.get(health.state, "bad") if health else "bad"
    context = {"message": "", "hint": "", "errors": []} | words
    return web_of(request).renderer.fragment(
        request,
        "devices/verdict.html",
        health=health,
        shade=shade,
        numbers=numbers(health.numbers) if health else [],
        **context,
    )
