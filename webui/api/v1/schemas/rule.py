"""Recording rules, time profiles and calendars as the API shows and takes them."""

from datetime import date
from typing import Annotated

from pydantic import Field, WithJsonSchema

from hub.rules.hours import HOLIDAYS_MOST, HOURS_MOST, HolidayHours, Weekday
from hub.rules.rule import VALUES_MOST, CallKind, Treatment
from hub.rules.rulebook import Aspect
from hub.sdk import LONGEST_S, Direction
from webui.api.v1.schemas.shape import In, Out
from webui.api.v1.values import Id, IdIn, Moment, OneLine

_Name = Annotated[OneLine, Field(min_length=1, max_length=100, examples=["Sales in office hours"])]
_Value = Annotated[OneLine, Field(max_length=100, examples=["+43*"])]
_Values = Annotated[list[_Value], Field(max_length=VALUES_MOST)]
_Clock = Annotated[
    str,
    Field(pattern="^([01][0-9]|2[0-3]):[0-5][0-9]$"),
    WithJsonSchema({"type": "string", "pattern": "^([01][0-9]|2[0-3]):[0-5][0-9]$", "examples": ["08:00"]}),
]
_EndClock = Annotated[
    str,
    Field(pattern="^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$"),
    WithJsonSchema({"type": "string", "pattern": "^(([01][0-9]|2[0-3]):[0-5][0-9]|24:00)$", "examples": ["18:00"]}),
]
_Day = Annotated[
    date, Field(strict=False), WithJsonSchema({"type": "string", "format": "date", "examples": ["2026-12-25"]})
]


class RuleIn(In):
    """A rule: of an empty field every call fits, of a filled one any value must; all filled ones must fit."""

    name: _Name
    enabled: bool = True
    users: _Values = Field([], description="Numbers or names; `*` stands for any characters, `?` for one.")
    groups: _Values = Field([], description="Numbers or names of groups.")
    routes: _Values = Field([], description="Lines or incoming routes.")
    account_codes: _Values = Field([], description="Account codes.")
    numbers: _Values = Field([], description="Numbers of anybody in the call.")
    devices: list[IdIn] = Field([], max_length=VALUES_MOST)
    calls: list[Annotated[CallKind, Field(strict=False)]] = Field([], max_length=len(CallKind))
    profile: IdIn | None = Field(None, description="The time profile in which it holds; null: always.")
    treatment: Annotated[Treatment, Field(strict=False)] = Treatment.RECORD
    share_percent: int = Field(100, ge=1, le=100, description="With `share`: 25 records at least 1 of any 4 calls.")
    longest_s: int = Field(int(LONGEST_S), ge=1, le=int(LONGEST_S), description="The recording ends there.")
    keeps_keys: bool = Field(default=False, description="The digits of pressed keys are kept.")
    masks_keys: bool = Field(default=False, description="The tones of pressed keys are silenced.")
    stops_at_voicemail: bool = Field(default=False, description="The recording ends where a call goes to voicemail.")


class RuleOut(Out):
    """A recording rule."""

    id: Id
    revision: int
    name: str
    enabled: bool
    users: list[str]
    groups: list[str]
    routes: list[str]
    account_codes: list[str]
    numbers: list[str]
    devices: list[Id]
    calls: list[CallKind] = Field(description="Which way calls go; empty: any.")
    profile: Id | None
    treatment: Treatment
    share_percent: int
    longest_s: int
    keeps_keys: bool
    masks_keys: bool
    stops_at_voicemail: bool


class RuleList(Out):
    """All rules in their order: the first that fits decides."""

    items: list[RuleOut]
    revision: int = Field(description="Grows with every change of any rule, time profile or calendar.")


class RulePlaceIn(In):
    """Where a rule is to stand."""

    place: int = Field(ge=0, le=500, description="Counted from 0; beyond the end means the end.")


class DefaultIn(In):
    """What holds where no rule fits."""

    records: bool
    absent_days: int = Field(
        ge=1, le=36_500, description="Days for which calls without recording are kept.", examples=[365]
    )


class DefaultOut(Out):
    """What holds where no rule fits."""

    records: bool
    absent_days: int
    revision: int


class OutlineIn(In):
    """A call as its device would describe it at its beginning."""

    device_id: IdIn
    started_at: Moment | None = Field(None, description="Null: now.")
    direction: Annotated[Direction, Field(strict=False)] = Direction.UNKNOWN
    caller: _Value = ""
    called: _Value = ""
    numbers: _Values = Field([], description="Of everybody else in the call.")
    users: _Values = Field([], description="Whose call it is, by number or name.")
    groups: _Values = Field([], description="Whose call it is, by number or name.")
    route: _Value = ""
    account_code: _Value = ""


class MissOut(Out):
    """A rule above, and what of it does not fit."""

    rule: RuleOut
    aspects: list[Aspect]


class JudgementOut(Out):
    """rule: the one that decides; null: none fits, and the default holds."""

    rule: RuleOut | None
    records: bool = Field(description="Whether the call would be recorded at once; of a share, whether it may be.")
    misses: list[MissOut]


class HoursIn(In):
    """Hours on some days; an end before the beginning is on the next day."""

    days: list[Annotated[Weekday, Field(strict=False)]] = Field(min_length=1, max_length=7, examples=[["mon", "tue"]])
    begins: _Clock
    ends: _EndClock


class HoursOut(Out):
    """Hours on some days."""

    days: list[Weekday]
    begins: str
    ends: str


class TimeProfileIn(In):
    """Hours of the week, where each device stands."""

    name: _Name
    hours: list[HoursIn] = Field(max_length=HOURS_MOST)
    calendars: list[IdIn] = Field([], max_length=20)
    on_holidays: Annotated[HolidayHours, Field(strict=False)] = HolidayHours.NONE


class TimeProfileOut(Out):
    """Hours of the week."""

    id: Id
    revision: int
    name: str
    hours: list[HoursOut]
    calendars: list[Id]
    on_holidays: HolidayHours


class TimeProfileList(Out):
    """All time profiles."""

    items: list[TimeProfileOut]


class HolidayIn(In):
    """One day."""

    day: _Day
    name: Annotated[OneLine, Field(max_length=100)] = ""
    yearly: bool = Field(default=False, description="Every year on this day of this month.")


class HolidayOut(Out):
    """One day."""

    day: date
    name: str
    yearly: bool


class CalendarIn(In):
    """A calendar of holidays."""

    name: _Name
    days: list[HolidayIn] = Field([], max_length=HOLIDAYS_MOST)


class CalendarOut(Out):
    """A calendar of holidays."""

    id: Id
    revision: int
    name: str
    days: list[HolidayOut]


class CalendarList(Out):
    """All calendars."""

    items: list[CalendarOut]
