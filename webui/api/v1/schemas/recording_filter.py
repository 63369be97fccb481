"""The conditions of a list of recordings."""

from pydantic import Field

from hub.catalog.query import RecordingQuery
from hub.sdk import Direction
from webui.api.v1.paging import FilterQuery, PageQuery
from webui.api.v1.values import Id, Moment, SearchText


class RecordingFilter(FilterQuery):
    """The conditions; every given one must hold, and each text may be several values separated by commas."""

    text: SearchText = Field("", description="Part of a number, name, agent, owner, target, skill; or the call id.")
    parties: SearchText = Field("", description="Part of a party's number or name.")
    agent: SearchText = Field("", description="Part of the agent.")
    owner: SearchText = Field("", description="Part of what triggered the recording.")
    target: SearchText = Field("", description="Part of the called number.")
    skill: SearchText = Field("", description="Part of the skill group.")
    call_id: SearchText = Field("", description="The exact call id.")
    started_from: Moment | None = Field(None, description="Started at this moment or later.")
    started_before: Moment | None = Field(None, description="Started before this moment.")
    direction: list[Direction] = Field([], description="Any of these.")
    device: list[Id] = Field([], max_length=100, description="Brought by any of these devices.")
    min_s: float | None = Field(None, ge=0, le=1e9, allow_inf_nan=False, description="Seconds, at least.")
    max_s: float | None = Field(None, ge=0, le=1e9, allow_inf_nan=False, description="Seconds, at most.")
    problems: bool | None = Field(None, description="Whether the content could not be understood.")

    def query(self) -> RecordingQuery:
        """What to ask of the catalog."""
        return RecordingQuery(
            text=self.text,
            parties=self.parties,
            agent=self.agent,
            owner=self.owner,
            target=self.target,
            skill=self.skill,
            call_id=self.call_id,
            started_from=self.started_from,
            started_before=self.started_before,
            directions=frozenset(self.direction),
            device_ids=frozenset(self.device),
            min_s=self.min_s,
            max_s=self.max_s,
            problems=self.problems,
        )


class RecordingListQuery(RecordingFilter, PageQuery):
    """The conditions and the page."""
