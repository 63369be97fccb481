"""Alarms: what is wrong now, and what was."""

from typing import Annotated

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import Field

from hub.alerts.errors import AlarmGone
from hub.sdk import Severity
from webui.api.v1.guarded import GuardedRoute
from webui.api.v1.operation import operation
from webui.api.v1.paging import PageQuery, Pager
from webui.api.v1.parts import Asking, Hub
from webui.api.v1.problem import ApiError
from webui.api.v1.schemas.shape import Out
from webui.api.v1.values import Id, Moment

router = APIRouter(route_class=GuardedRoute, prefix="/alarms", tags=["Alarms"])


class AlarmOut(Out):
    """One condition."""

    id: Id
    instance_id: Id | None = Field(description="The device or connector that it is about; null: the hub itself.")
    code: str = Field(examples=["FILE_PARSE_ERROR"])
    title: str
    severity: Severity
    text: str
    hint: str = Field(description="What to do.")
    raised_at: Moment
    last_raised_at: Moment
    count: int = Field(description="How often it was raised while open.")
    cleared_at: Moment | None
    acknowledged_at: Moment | None
    acknowledged_by: str


class AlarmList(Out):
    """The open alarms, the worst first."""

    items: list[AlarmOut]


class AlarmPage(Out):
    """One page of the history, the newest first."""

    items: list[AlarmOut]
    next: str | None = Field(description="Cursor of the older page.")
    prev: str | None = Field(description="Always null: the history is read backwards.")


@router.get("", **operation("listAlarms", "List open alarms", "alarm.list"))
def list_alarms(hub: Hub) -> AlarmList:
    """What is wrong now."""
    return AlarmList(items=[AlarmOut.model_validate(alarm) for alarm in hub.board.list_open()])


@router.get("/history", **operation("listPastAlarms", "List past alarms", "alarm.list", errors=[400]))
def list_past_alarms(
    asked: Annotated[PageQuery, Query()], request: Request, response: Response, caller: Asking, hub: Hub
) -> AlarmPage:
    """What was wrong, the newest first."""
    pager = Pager(request, response, caller, asked)
    window = pager.window()
    page = hub.board.list_history(before=window.before, limit=window.limit)
    return AlarmPage(**pager.shaped(page, AlarmOut.model_validate))


@router.post(
    "/{id}/acknowledge",
    **operation("acknowledgeAlarm", "Acknowledge an alarm", "alarm.acknowledge", errors=[404, 409]),
)
def acknowledge_alarm(id: Annotated[Id, Path(description="The alarm.")], caller: Asking, hub: Hub) -> AlarmOut:
    """Say that somebody has seen it; to do so twice changes nothing."""
    if hub.board.get(id) is None:
        raise ApiError(404, "not-found", "There is no such alarm.")
    try:
        return AlarmOut.model_validate(hub.board.acknowledge(id, caller.actor))
    except AlarmGone as gone:
        raise ApiError(409, "alarm-over", str(gone), hint=gone.hint) from None
