"""Recording rules: the list that is read from top to bottom, and what holds where no rule fits."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hub.access.errors import NotThere
from hub.rules.book import parse
from hub.rules.errors import EntryChanged, EntryMissing, EntryRefused
from hub.rules.rule import Otherwise, Rule
from webui import rule_words
from webui.language import gettext, later
from webui.reach import go_to, services_of, shows, takes_form, text_of, web_of
from webui.rule_devices import RuleDevices
from webui.security import actor_of
from webui.told import told

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

UNPROCESSABLE, CONFLICT = 422, 409
_DONE = {
    "added": later("Added. Devices take it up within two seconds."),
    "saved": later("Saved. Devices take it up within two seconds."),
    "deleted": later("Deleted"),
    "moved": later("Moved"),
    "on": later("Switched on"),
    "off": later("Switched off"),
}


@shows("rule.list")
def rules_page(request: Request) -> Response:
    """All rules, each as a sentence."""
    book = services_of(request).rules.load()
    devices = RuleDevices.of(services_of(request))
    return web_of(request).renderer.page(
        request,
        "rules/list.html",
        tab="rules",
        book=book,
        sentence=lambda rule: rule_words.sentence(rule, book, devices),
        devices=devices,
        outcome=rule_words.outcome,
        shades=rule_words.SHADES,
        length_text=length_text,
        done=done_text(request),
    )


@takes_form("rule.change")
def move(request: Request, form: FormData) -> Response:
    """One place up or down, or to a place counted from 0."""
    rules, rule = services_of(request).rules, rule_of(request)
    place, to = [found.id for found in rules.load().rules].index(rule.id), text_of(form, "to")
    named = {"up": max(place - 1, 0), "down": place + 1}
    dragged = int(to[:6]) if to.isascii() and to.isdecimal() else place
    rules.move(rule.id, named.get(to, dragged), actor_of(request))
    return go_to("/rules?done=moved")


@takes_form("rule.change")
def switch(request: Request, form: FormData) -> Response:
    """Switch a rule on or off."""
    rule, enabled = rule_of(request), text_of(form, "enabled") == "yes"
    changed = rule.model_copy(update={"enabled": enabled})
    services_of(request).rules.change(changed, rule.revision, actor_of(request))
    return go_to(f"/rules?done={'on' if enabled else 'off'}")


@shows("rule.change")
def otherwise_page(request: Request) -> Response:
    """The form of what holds where no rule fits."""
    found = services_of(request).rules.load().otherwise
    return _otherwise(request, found.model_dump(), {})


@takes_form("rule.change")
def save_otherwise(request: Request, form: FormData) -> Response:
    """Keep it, or show the form again."""
    revision = text_of(form, "revision")
    entered = {"records": text_of(form, "records") == "yes", "absent_days": text_of(form, "absent_days")}
    again = {**entered, "revision": revision}
    try:
        wanted = parse(Otherwise, dict(entered))
        services_of(request).rules.set_otherwise(
            wanted, int(revision) if revision.isdecimal() else 0, actor_of(request)
        )
    except EntryRefused as refused:
        return _otherwise(request, again, refused.by_field, UNPROCESSABLE)
    except EntryChanged as conflict:
        return _otherwise(request, again, {"": (f"{conflict} {conflict.hint}",)}, CONFLICT)
    return go_to("/rules?done=saved")


def _otherwise(request: Request, values: dict[str, Any], errors: Any, status: int = 200) -> Response:
    return web_of(request).renderer.page(request, "rules/otherwise.html", status, values=values, errors=errors)


def rule_of(request: Request) -> Rule:
    """The rule that the address names.

    Raises: NotThere.
    """
    try:
        return services_of(request).rules.get(Rule, request.path_params["id"])
    except EntryMissing as missing:
        raise NotThere(told(str(missing))) from None


def done_text(request: Request) -> str:
    """What the page says about the act that led to it."""
    return gettext(_DONE.get(request.query_params.get("done", ""), ""))


def length_text(seconds: int) -> str:
    """A length limit in whole hours or minutes where it is one."""
    if seconds % 3600 == 0:
        return gettext("%(num)s h") % {"num": seconds // 3600}
    return (
        gettext("%(num)s min") % {"num": seconds // 60}
        if seconds % 60 == 0
        else gettext("%(num)s s") % {"num": seconds}
    )
