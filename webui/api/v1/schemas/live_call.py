"""Calls that go on as the API shows and steers them."""

from typing import Annotated

from pydantic import Field

from hub.catalog.live_calls import LiveQuery
from hub.sdk import CallControl, Direction, LiveState, StateBy
from webui.api.v1.paging import PageQuery
from webui.api.v1.schemas.recording import PartyOut
from webui.api.v1.schemas.shape import In, Out
from webui.api.v1.values import Id, Moment, SearchText


class LiveCallOut(Out):
    """A call that goes on. Its id is good for as long as it does."""

    id: Id
    device_id: Id
    started_at: Moment
    state: LiveState
    direction: Direction
    parties: list[PartyOut]
    call_id: str
    resumes_at: Moment | None = Field(description="When a pause ends by itself; null: it does not.")
    state_since: Moment | None = Field(description="Since when it is paused or stopped; null: not told.")
    state_by: StateBy | None = Field(description="What paused or stopped it; null: not told.")
    state_login: str = Field("", description="Login of the person who had it paused or stopped.")
    rule: str = Field(description="Name of the recording rule that decided.")
    can_listen: bool = Field(description="Whether you can listen to it now.")
    actions: list[CallControl] = Field(default=[], description="What makes sense with it now, and you may do.")
    fields: dict[str, str] = Field(description="What else the device tells of it.")


class LiveCallPage(Out):
    """One page of the calls that go on, the newest first."""

    items: list[LiveCallOut]
    next: str | None = Field(description="Cursor of the older page.")
    prev: str | None = Field(description="Always null: new calls come to the first page.")


class LiveListQuery(PageQuery):
    """Which calls."""

    text: SearchText = Field("", description="Part of a number, name or call id; several separated by commas.")
    device: list[Id] = Field([], max_length=200, description="Any of these devices.")
    state: list[LiveState] = Field([], max_length=20, description="In any of these states.")

    def conditions(self) -> LiveQuery:
        """What to ask of the catalog."""
        return LiveQuery(text=self.text, device_ids=frozenset(self.device), states=frozenset(self.state))


class ControlIn(In):
    """What to do with a call."""

    action: Annotated[CallControl, Field(strict=False)]
    resume_after_s: Annotated[float, Field(ge=1, le=86_400)] | None = Field(
        None, description="With `pause`: when it ends by itself; null: as the device's settings say.", examples=[60]
    )


class ControlOut(Out):
    """The call now is as asked."""

    done: bool = Field(description="Always true: what cannot be done is refused with 409 and the reason.")
    text: str = Field(description="What the device says to it.")
