"""Whether a time profile holds at a moment on the wall clock."""

from collections.abc import Iterable
from datetime import date, datetime, timedelta

from hub.rules.hours import HolidayCalendar, HolidayHours, TimeProfile, Weekday

_DAY = timedelta(days=1)


class WeekClock:
    """A time profile, ready to be asked. Local time is wall clock, so a clock change moves no hours."""

    def __init__(self, profile: TimeProfile, calendars: Iterable[HolidayCalendar]) -> None:
        days = [day for calendar in calendars for day in calendar.days]
        self._once = frozenset(day.day for day in days if not day.yearly)
        self._yearly = frozenset((day.day.month, day.day.day) for day in days if day.yearly)
        self._whole_holidays = profile.on_holidays is HolidayHours.ALL_DAY
        order = list(Weekday)
        spans: list[list[tuple[int, int, int]]] = [[] for _ in order]
        for hours in profile.hours:
            for day in hours.days:
                spans[order.index(day)] += hours.spans
        self._today = [[(begin, end) for later, begin, end in each if not later] for each in spans]
        self._tomorrow = [[end for later, _, end in each if later] for each in spans]

    def holds(self, local: datetime) -> bool:
        """Whether `local`, where the device stands, is within its hours."""
        today, minute = local.date(), local.hour * 60 + local.minute
        if self._is_holiday(today):
            if self._whole_holidays:
                return True
        elif any(begin <= minute < end for begin, end in self._today[today.weekday()]):
            return True
        ends = self._tomorrow[today.weekday() - 1]
        return bool(ends) and minute < max(ends) and not self._is_holiday(today - _DAY)

    def _is_holiday(self, day: date) -> bool:
        return day in self._once or (day.month, day.day) in self._yearly
