"""When a rule holds: hours of the week, and holidays."""

import re
from collections.abc import Collection
from datetime import date
from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from hub.rules.entry import Entry, Line

DAY_MIN = 24 * 60
HOURS_MOST, HOLIDAYS_MOST = 50, 500
_CLOCK = re.compile(r"([01]\d|2[0-3]):([0-5]\d)", re.ASCII)
_MIDNIGHT = "24:00"


class Weekday(StrEnum):
    """A day of the week; `list(Weekday)[moment.weekday()]` is the day of a moment."""

    MONDAY = "mon"
    TUESDAY = "tue"
    WEDNESDAY = "wed"
    THURSDAY = "thu"
    FRIDAY = "fri"
    SATURDAY = "sat"
    SUNDAY = "sun"


class HolidayHours(StrEnum):
    """What a time profile does on the days of its calendars."""

    NONE = "none"
    """It does not hold on them."""
    ALL_DAY = "all_day"
    """It holds from midnight to midnight."""


def _begin(text: str) -> str:
    if not _CLOCK.fullmatch(text):
        raise ValueError("Write a time as 08:00.")
    return text


def _end(text: str) -> str:
    return _MIDNIGHT if text in ("00:00", _MIDNIGHT) else _begin(text)


def minute_of(clock: str) -> int:
    """Minutes from midnight to "08:30" or "24:00"."""
    hours, _, minutes = clock.partition(":")
    return int(hours) * 60 + int(minutes)


def _in_order(days: Collection[Weekday]) -> tuple[Weekday, ...]:
    if not days:
        raise ValueError("Choose at least one day.")
    return tuple(day for day in Weekday if day in days)


class Hours(BaseModel):
    """From `begins` to `ends` on each of `days`; an end before the beginning is on the next day.

    begins, ends: wall clock where the device stands, as 08:00; half-open. ends: 24:00 for midnight.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    days: Annotated[tuple[Weekday, ...], AfterValidator(_in_order)]
    begins: Annotated[str, AfterValidator(_begin)]
    ends: Annotated[str, AfterValidator(_end)]

    @model_validator(mode="after")
    def _last_a_while(self) -> "Hours":
        if self.begins == self.ends:
            raise ValueError("The end is the beginning; write 00:00 to 24:00 for a whole day.")
        return self

    @property
    def spans(self) -> tuple[tuple[int, int, int], ...]:
        """(0 for the day itself or 1 for the next, first minute, minute after the last) of each piece."""
        begin_min, end_min = minute_of(self.begins), minute_of(self.ends)
        if begin_min < end_min:
            return ((0, begin_min, end_min),)
        return ((0, begin_min, DAY_MIN), (1, 0, end_min))


class TimeProfile(Entry):
    """Hours of the week; on the days of its calendars, what `on_holidays` says.

    Hours belong to the day on which they begin: what began on the evening before a holiday goes on into it.
    """

    noun: ClassVar[str] = "profile"
    shelf: ClassVar[str] = "profiles"
    most: ClassVar[int] = 100

    hours: tuple[Hours, ...] = Field(max_length=HOURS_MOST)
    calendars: tuple[int, ...] = Field(default=(), max_length=20)
    on_holidays: HolidayHours = HolidayHours.NONE

    @model_validator(mode="after")
    def _hold_some_time(self) -> "TimeProfile":
        if not self.hours and not (self.calendars and self.on_holidays is HolidayHours.ALL_DAY):
            raise ValueError("Give at least one line of hours.")
        return self


class Holiday(BaseModel):
    """One day; yearly: every year on that day of that month."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    day: date
    name: Line = ""
    yearly: bool = False


class HolidayCalendar(Entry):
    """Days on which hours are not as usual."""

    noun: ClassVar[str] = "calendar"
    shelf: ClassVar[str] = "calendars"
    most: ClassVar[int] = 50

    days: tuple[Holiday, ...] = Field(default=(), max_length=HOLIDAYS_MOST)
