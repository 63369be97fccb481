"""The audit trail, to be read."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field, JsonValue

from hub.audit.action import Action
from hub.audit.listing import AuditFilter, list_entries
from webui.api.v1.guarded import GuardedRoute
from webui.api.v1.operation import operation
from webui.api.v1.paging import PageQuery, Pager
from webui.api.v1.parts import Asking, Hub
from webui.api.v1.schemas.shape import Out
from webui.api.v1.values import Id, Moment, SearchText

router = APIRouter(route_class=GuardedRoute, prefix="/audit", tags=["Audit trail"])


class AuditOut(Out):
    """One act."""

    id: Id
    at: Moment
    action: str = Field(examples=["recording.replay"])
    person_id: Id | None
    login: str = Field(description="Empty where it was erased.")
    via: str = Field(examples=["api"])
    address: str
    request_id: str
    subject: str = Field(examples=["recording:1J4ZQ6F0M3K8T"])
    facts: dict[str, JsonValue]
    details: dict[str, JsonValue] = Field(description="Private values that were not erased.")
    erased: list[str] = Field(description="Names of private values that are gone.")
    seq: int | None = Field(description="Its place in the chain; null: sealed within a second.")


class AuditPage(Out):
    """One page, the newest first."""

    items: list[AuditOut]
    next: str | None = Field(description="Cursor of the older page.")
    prev: str | None = Field(description="Cursor of the newer page.")


class AuditQuery(PageQuery):
    """The conditions; every given one must hold."""

    started_from: Moment | None = Field(None, description="At this moment or later.")
    started_before: Moment | None = Field(None, description="Before this moment.")
    action: list[Action] = Field([], description="Any of these.")
    person: list[Id] = Field([], max_length=100, description="Done by any of these people.")
    login: SearchText = Field("", description="Part of the login.")
    subject: SearchText = Field("", description="What was acted on, such as `recording:1J4ZQ6F0M3K8T`.")


@router.get("", **operation("listAudit", "List audit lines", "audit.list", errors=[400]))
def list_audit(
    asked: Annotated[AuditQuery, Query()], request: Request, response: Response, caller: Asking, hub: Hub
) -> AuditPage:
    """What was done by whom, the newest first."""
    pager = Pager(request, response, caller, asked)
    window = pager.window()
    wanted = AuditFilter(
        started_from=asked.started_from,
        started_before=asked.started_before,
        actions=frozenset(asked.action),
        person_ids=frozenset(asked.person),
        login=asked.login,
        subject=asked.subject,
    )
    with hub.db.read() as session:
        page = list_entries(session, wanted, before=window.before, after=window.after, limit=window.limit)
    return AuditPage(**pager.shaped(page, AuditOut.model_validate))
