"""Recording rules: which calls are recorded, in an order that decides."""

from fastapi import APIRouter, Request, Response

from hub.app.services import Services
from hub.clock import utc_now
from hub.rules.book import Book, parse
from hub.rules.rule import Otherwise, Rule, Treatment
from hub.sdk import CallOutline, Kind
from webui.api.v1.conditional import check_match, put_tag
from webui.api.v1.failures import body_field, invalid
from webui.api.v1.guarded import GuardedRoute
from webui.api.v1.kept_entries import EntryId, Kept, changing, deleting
from webui.api.v1.operation import operation
from webui.api.v1.parts import Asking, Hub
from webui.api.v1.schemas.rule import (
    DefaultIn,
    DefaultOut,
    JudgementOut,
    OutlineIn,
    RuleIn,
    RuleList,
    RuleOut,
    RulePlaceIn,
)
from webui.rule_trial import judge

router = APIRouter(route_class=GuardedRoute, tags=["Recording rules"])

_RULES = Kept(Rule, RuleOut)
_AT_ONCE = {Treatment.RECORD, Treatment.SHARE, Treatment.MANDATORY}


@router.get("/recording-rules", **operation("listRecordingRules", "List recording rules", "rule.list"))
def list_rules(hub: Hub) -> RuleList:
    """All of them, in the order in which they are asked."""
    return _listed(hub.rules.load())


@router.post(
    "/recording-rules", status_code=201, **operation("addRecordingRule", "Add a recording rule", "rule.change")
)
def add_rule(body: RuleIn, request: Request, response: Response, caller: Asking, hub: Hub) -> RuleOut:
    """Keep it behind the others; devices take it up within two seconds."""
    _refuse_strangers(body, hub)
    return _RULES.add(hub, body, caller.actor, request, response)


@router.post("/recording-rules-test", **operation("testRecordingRules", "Ask which rule would decide", "rule.list"))
def test_rules(body: OutlineIn, hub: Hub) -> JudgementOut:
    """The rule that would decide a call, and why none above it does. Shares are not counted by it."""
    told = body.model_dump(exclude={"device_id", "started_at"})
    lists = {name: tuple(value) for name, value in told.items() if isinstance(value, list)}
    call = CallOutline(**{**told, **lists, "started_at": body.started_at or utc_now()})
    found = judge(hub, call, body.device_id)
    records = found.rule.treatment in _AT_ONCE if found.rule else hub.rules.load().otherwise.records
    return JudgementOut.model_validate({"rule": found.rule, "records": records, "misses": list(found.misses)})


@router.get("/recording-rules/{id}", **operation("getRecordingRule", "Get a recording rule", "rule.list", errors=[404]))
def get_rule(id: EntryId, response: Response, hub: Hub) -> RuleOut:
    """One of them; its ETag is what a change needs."""
    return _RULES.get(hub, id, response)


@router.put("/recording-rules/{id}", **changing("changeRecordingRule", "Change a recording rule"))
def change_rule(id: EntryId, body: RuleIn, request: Request, response: Response, caller: Asking, hub: Hub) -> RuleOut:
    """Replace it where it stands."""
    _refuse_strangers(body, hub)
    return _RULES.change(hub, id, body, caller.actor, request, response)


@router.delete("/recording-rules/{id}", status_code=204, **deleting("deleteRecordingRule", "Delete a recording rule"))
def delete_rule(id: EntryId, request: Request, caller: Asking, hub: Hub) -> None:
    """Forget it."""
    _RULES.delete(hub, id, caller.actor, request)


@router.post(
    "/recording-rules/{id}/move",
    **operation("moveRecordingRule", "Move a recording rule", "rule.change", errors=[404]),
)
def move_rule(id: EntryId, body: RulePlaceIn, caller: Asking, hub: Hub) -> RuleList:
    """Put it at another place."""
    return _listed(hub.rules.move(id, body.place, caller.actor))


@router.get("/recording-default", **operation("getRecordingDefault", "Get what holds without a rule", "rule.list"))
def get_default(response: Response, hub: Hub) -> DefaultOut:
    """What holds where no rule fits."""
    found = hub.rules.load().otherwise
    put_tag(response, found.revision)
    return DefaultOut.model_validate(found)


@router.put("/recording-default", **changing("changeRecordingDefault", "Change what holds without a rule"))
def put_default(body: DefaultIn, request: Request, response: Response, caller: Asking, hub: Hub) -> DefaultOut:
    """Replace it."""
    before = hub.rules.load().otherwise
    check_match(request, before.revision)
    kept = hub.rules.set_otherwise(parse(Otherwise, body.model_dump()), before.revision, caller.actor)
    put_tag(response, kept.revision)
    return DefaultOut.model_validate(kept)


def _listed(book: Book) -> RuleList:
    return RuleList.model_validate({"items": list(book.rules), "revision": book.revision})


def _refuse_strangers(body: RuleIn, hub: Services) -> None:
    known = {device.id for device in hub.instances.list(Kind.SOURCE)}
    errors = [
        body_field(f"devices.{at}", "There is no such device.", "no_device")
        for at, device in enumerate(body.devices)
        if device not in known
    ]
    if errors:
        raise invalid(errors)
