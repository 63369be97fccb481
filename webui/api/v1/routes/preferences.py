"""The hub's preferences."""

from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field, ValidationError

from hub.app.services import Services
from hub.catalog import preferences
from hub.catalog.errors import RevisionConflict
from hub.config.policy import HubPreferences, StoredForm, Verification
from hub.sdk import Kind
from webui.api.v1.conditional import IF_MATCH, changed_meanwhile, check_match, put_tag
from webui.api.v1.failures import invalid
from webui.api.v1.guarded import GuardedRoute
from webui.api.v1.operation import operation
from webui.api.v1.parts import Asking, Hub
from webui.api.v1.problem import FieldError
from webui.api.v1.schemas.shape import In, Out
from webui.api.v1.values import Id, IdIn, OneLine

router = APIRouter(route_class=GuardedRoute, prefix="/preferences", tags=["Preferences"])


class MediaPolicyOut(Out):
    """How recordings are stored."""

    stored_form: StoredForm
    keep_original: bool
    opus_bitrate_bps: int
    opus_complexity: int
    backlog_items: int
    verify: Verification


class PreferencesOut(Out):
    """What administrators prefer."""

    timezone: str
    country: str
    media: MediaPolicyOut
    primary_store: Id | None = Field(description="The connector that stores a new recording first.")
    copy_stores: list[Id] = Field(description="Connectors that store further copies.")


class MediaPolicyIn(In):
    """How recordings are to be stored."""

    stored_form: Annotated[StoredForm, Field(strict=False)]
    keep_original: bool = Field(description="Needed where the stored form is `keep`.")
    opus_bitrate_bps: int = Field(ge=6_000, le=128_000, examples=[13_300])
    opus_complexity: int = Field(ge=0, le=10, examples=[0])
    backlog_items: int = Field(500, ge=1, le=900, description="With more waiting, what plays is converted later.")
    verify: Annotated[Verification, Field(strict=False)]


class PreferencesIn(In):
    """All preferences."""

    timezone: Annotated[OneLine, Field(min_length=1, max_length=64)] = Field(examples=["Europe/Berlin"])
    country: str = Field(pattern="^([A-Z]{2})?$", examples=["DE"])
    media: MediaPolicyIn
    primary_store: IdIn | None
    copy_stores: list[IdIn] = Field(max_length=20)


@router.get("", **operation("getPreferences", "Get the preferences", "settings.view"))
def get_preferences(response: Response, hub: Hub) -> PreferencesOut:
    """What administrators prefer; the ETag is what a change needs."""
    with hub.db.read() as session:
        found, revision = preferences.load(session), preferences.revision(session)
    put_tag(response, revision)
    return PreferencesOut.model_validate(found)


@router.put(
    "",
    **operation(
        "putPreferences",
        "Change the preferences",
        "settings.change",
        errors=[412, 428],
        openapi_extra={"parameters": [{**IF_MATCH, "required": True}]},
    ),
)
def put_preferences(
    body: PreferencesIn, request: Request, response: Response, caller: Asking, hub: Hub
) -> PreferencesOut:
    """Replace all of them."""
    wanted = _checked(body, hub)
    with hub.db.read() as session:
        revision = preferences.revision(session)
    check_match(request, revision)
    try:
        with hub.db.write() as session:
            put_tag(response, preferences.save(session, wanted, caller.actor, revision))
    except RevisionConflict:
        raise changed_meanwhile() from None
    return PreferencesOut.model_validate(wanted)


def _checked(body: PreferencesIn, hub: Services) -> HubPreferences:
    try:
        wanted = HubPreferences.model_validate(body.model_dump())
    except ValidationError as exc:
        raise invalid(
            FieldError(loc=["body", *error["loc"]], code=error["type"], msg=error["msg"].removeprefix("Value error, "))
            for error in exc.errors()
        ) from None
    known = {found.id for found in hub.instances.list(Kind.CONNECTOR)}
    missing = [FieldError(loc=["body", "primary_store"], code="no_connector", msg="There is no such connector.")]
    errors = [] if wanted.primary_store is None or wanted.primary_store in known else missing
    errors += [
        FieldError(loc=["body", "copy_stores", at], code="no_connector", msg="There is no such connector.")
        for at, store in enumerate(wanted.copy_stores)
        if store not in known
    ]
    if errors:
        raise invalid(errors)
    return wanted
