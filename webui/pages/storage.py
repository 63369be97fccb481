"""Which store is the first, which hold copies, and in which form recordings are stored."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from hub.catalog import preferences
from hub.catalog.errors import RevisionConflict
from hub.config import HubPreferences
from hub.config.policy import MediaPolicy, StoredForm, Verification
from hub.sdk import Kind
from webui.language import later
from webui.pages.instance_forms import done_text
from webui.pages.instances import STORES, list_context
from webui.reach import go_to, services_of, shows, takes_form, text_of, web_of
from webui.security import actor_of
from webui.told import told

if TYPE_CHECKING:
    from starlette.datastructures import FormData
    from starlette.requests import Request
    from starlette.responses import Response

UNPROCESSABLE = 422
FORMS = {
    StoredForm.OPUS: (later("Opus"), later("Small and clear: about 100 KB a minute. Every browser plays it.")),
    StoredForm.KEEP: (
        later("As it came"),
        later("What the PBX delivered, and nothing else. It plays where a browser can."),
    ),
    StoredForm.MP3: (later("MP3"), later("Larger than Opus; for programs that know nothing newer.")),
    StoredForm.WAV: (later("WAV"), later("Without any compression: about 1 MB a minute and channel.")),
    StoredForm.FLAC: (later("FLAC"), later("Compressed without loss: about half of WAV.")),
}
CHECKS = {
    Verification.CHECKSUM: later("By the store's own checksum"),
    Verification.READ_BACK: later("By reading every byte back"),
}


@dataclass(frozen=True, slots=True)
class Policy:
    """The form of the policy: what holds or was entered, and what is wrong with it."""

    values: HubPreferences
    revision: int
    errors: tuple[str, ...] = field(default=())


def extras(request: Request, policy: Policy | None = None) -> dict[str, Any]:
    """What the page of stores shows beside them."""
    return {
        "policy": policy or _stored(request),
        "stored_forms": FORMS,
        "checks": CHECKS,
        "stores": services_of(request).instances.list(Kind.CONNECTOR),
    }


def _stored(request: Request) -> Policy:
    with services_of(request).db.read() as session:
        return Policy(preferences.load(session), preferences.revision(session))


@shows("device.list")
def storage_page(request: Request) -> Response:
    """The stores with their lamps, and the policy."""
    context = list_context(request) | extras(request)
    return web_of(request).renderer.page(request, "devices/list.html", **context, done=done_text(request))


@takes_form("settings.change")
def save_policy(request: Request, form: FormData) -> Response:
    """Keep the policy; what is stored already stays as it is."""
    before = _stored(request)
    entered = _entered(form, before.values)
    try:
        wanted = HubPreferences.model_validate(entered)
    except ValidationError as wrong:
        texts = tuple(_sentence(error["msg"]) for error in wrong.errors(include_url=False, include_input=False))
        shown = HubPreferences.model_construct(**entered | {"media": MediaPolicy.model_construct(**entered["media"])})
        return _again(request, Policy(shown, before.revision, texts))
    revision = text_of(form, "revision")
    try:
        with services_of(request).db.write() as session:
            expected = int(revision) if revision.isdecimal() else 0
            preferences.save(session, wanted, actor_of(request), expected)
    except RevisionConflict as conflict:
        return _again(request, Policy(wanted, before.revision, (str(conflict),)))
    return go_to("/storage?done=policy")


def _entered(form: FormData, before: HubPreferences) -> dict[str, Any]:
    """The preferences with what was entered, right or wrong."""
    bit_rate, backlog = text_of(form, "opus_bitrate_bps"), text_of(form, "backlog_items")
    media = before.media.model_dump() | {
        "stored_form": text_of(form, "stored_form"),
        "keep_original": text_of(form, "keep_original") == "yes",
        "verify": text_of(form, "verify"),
        "opus_bitrate_bps": bit_rate or before.media.opus_bitrate_bps,
        "backlog_items": backlog or before.media.backlog_items,
    }
    primary = text_of(form, "primary_store")
    copies = [int(text) for text in form.getlist("copy_store") if isinstance(text, str) and text.isdecimal()]
    changes = {
        "media": media,
        "primary_store": int(primary) if primary.isdecimal() else None,
        "copy_stores": [store for store in copies if str(store) != primary],
    }
    return before.model_dump() | changes


def _again(request: Request, policy: Policy) -> Response:
    context = list_context(request) | extras(request, policy)
    return web_of(request).renderer.page(
        request, "devices/list.html", UNPROCESSABLE, **context, done="", section=STORES.path
    )


def _sentence(text: str) -> str:
    text = told(text.removeprefix("Value error, "))
    return text[:1].upper() + text[1:] + ("" if text.endswith(".") else ".")
