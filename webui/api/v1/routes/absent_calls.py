"""Calls without a recording: left out by a rule, or missing with the reason."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from pydantic import Field

from hub.rules.absences import AbsenceQuery
from hub.sdk import Absence, Direction
from webui.api.v1.guarded import GuardedRoute
from webui.api.v1.operation import operation
from webui.api.v1.paging import PageQuery, Pager
from webui.api.v1.parts import Asking, Hub
from webui.api.v1.schemas.recording import PartyOut
from webui.api.v1.schemas.shape import Out
from webui.api.v1.values import Id, Moment, SearchText

router = APIRouter(route_class=GuardedRoute, prefix="/absent-calls", tags=["Calls without recording"])


class AbsentCallQuery(PageQuery):
    """The conditions, every given one must hold; and the page."""

    why: list[Absence] = Field([], description="Any of these.")
    missing: bool | None = Field(None, description="Whether it should have been recorded.")
    device: list[Id] = Field([], max_length=100, description="Of any of these devices.")
    started_from: Moment | None = Field(None, description="Started at this moment or later.")
    started_before: Moment | None = Field(None, description="Started before this moment.")
    number: SearchText = Field("", description="The whole number of anybody in the call.")

    def query(self) -> AbsenceQuery:
        """What to ask of the account."""
        return AbsenceQuery(
            reasons=frozenset(self.why),
            device_ids=frozenset(self.device),
            missing=self.missing,
            started_from=self.started_from,
            started_before=self.started_before,
            number=self.number,
        )


class AbsentCallOut(Out):
    """A call of which there is no recording."""

    id: Id
    device_id: Id
    why: Absence
    is_missing: bool = Field(description="It should have been recorded: somebody should look into it.")
    is_mandatory: bool = Field(description="A rule insists on its recording.")
    started_at: Moment
    ended_at: Moment
    duration_s: float
    call_id: str
    direction: Direction
    parties: list[PartyOut]
    rule: str = Field(description="The rule that decided; empty: none fitted.")
    text: str = Field(description="The reason in words.")
    fields: dict[str, str] = Field(description="Other facts, under their own names.")


class AbsentCallPage(Out):
    """One page, the newest first."""

    items: list[AbsentCallOut]
    next: str | None = Field(description="Cursor of the older page.")
    prev: str | None = Field(description="Cursor of the newer page.")


@router.get("", **operation("listAbsentCalls", "List calls without recording", "absence.list", errors=[400]))
def list_absent_calls(
    asked: Annotated[AbsentCallQuery, Query()], request: Request, response: Response, caller: Asking, hub: Hub
) -> AbsentCallPage:
    """Every call that a device told of and that has no recording, the newest first."""
    pager = Pager(request, response, caller, asked)
    window = pager.window()
    page = hub.absent_calls.list(
        caller.person, asked.query(), before=window.before, after=window.after, limit=window.limit
    )
    return AbsentCallPage(**pager.shaped(page, AbsentCallOut.model_validate))
