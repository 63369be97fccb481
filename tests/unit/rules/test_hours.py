"""Hours of the week, holidays, and clocks that change."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.rules.book import Book, parse
from hub.rules.calendar import WeekClock
from hub.rules.errors import EntryRefused
from hub.rules.hours import HolidayCalendar, TimeProfile
from hub.rules.rule import Rule
from hub.rules.rulebook import Places, Rulebook
from hub.rules.shares import Shares
from hub.sdk import CallOutline

WORKDAYS = ["mon", "tue", "wed", "thu", "fri"]
ALL_DAYS = [*WORKDAYS, "sat", "sun"]
CHRISTMAS = HolidayCalendar(
    id=5,
    name="Austria",
    days=[{"day": "2026-12-25", "name": "Christmas", "yearly": True}, {"day": "2027-03-29", "name": "Easter Monday"}],
)


def clock(*hours, calendars=(), **more) -> WeekClock:
    lines = [{"days": days, "begins": begins, "ends": ends} for days, begins, ends in hours]
    found = [calendar.id for calendar in calendars]
    return WeekClock(TimeProfile(id=1, name="p", hours=lines, calendars=found, **more), calendars)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


def test_hours_begin_with_their_first_minute_and_end_before_their_last():
    office = clock((WORKDAYS, "08:00", "18:00"))
    assert [office.holds(at(f"2026-11-20 {time}")) for time in ("07:59:59", "08:00", "17:59:59", "18:00")] == [
        False,
        True,
        True,
        False,
    ]
    assert not office.holds(at("2026-11-21 12:00"))


def test_a_night_belongs_to_the_day_on_which_it_begins():
    friday_night = clock((["fri"], "22:00", "06:00"))
    held = {text: friday_night.holds(at(text)) for text in _around_a_night()}
    assert [text for text, holds in held.items() if holds] == [
        "2026-11-20 22:00",
        "2026-11-20 23:59",
        "2026-11-21 00:00",
        "2026-11-21 05:59",
    ]


def _around_a_night() -> list[str]:
    return [
        "2026-11-20 05:00",
        "2026-11-20 21:59",
        "2026-11-20 22:00",
        "2026-11-20 23:59",
        "2026-11-21 00:00",
        "2026-11-21 05:59",
        "2026-11-21 06:00",
        "2026-11-21 22:00",
    ]


def test_the_night_of_sunday_goes_on_into_monday():
    sunday_night = clock((["sun"], "22:00", "06:00"))
    assert sunday_night.holds(at("2026-11-23 05:00"))
    assert not sunday_night.holds(at("2026-11-22 05:00"))


def test_midnight_can_be_an_end():
    late = clock((["mon"], "18:00", "24:00"))
    assert late.holds(at("2026-11-23 23:59"))
    assert not late.holds(at("2026-11-24 00:00"))
    assert clock((["mon"], "18:00", "00:00")).holds(at("2026-11-23 23:59"))


def test_a_yearly_holiday_comes_again_and_another_does_not():
    office = clock((ALL_DAYS, "08:00", "18:00"), calendars=[CHRISTMAS])
    assert not office.holds(at("2026-12-25 12:00"))
    assert not office.holds(at("2031-12-25 12:00"))
    assert not office.holds(at("2027-03-29 12:00"))
    assert office.holds(at("2028-03-29 12:00"))


def test_a_profile_can_hold_on_holidays_alone():
    closed = clock(calendars=[CHRISTMAS], on_holidays="all_day")
    assert closed.holds(at("2026-12-25 00:00"))
    assert closed.holds(at("2026-12-25 23:59"))
    assert not closed.holds(at("2026-12-26 00:00"))


def test_a_night_that_began_before_a_holiday_goes_on_and_one_of_the_holiday_does_not_begin():
    nights = clock((ALL_DAYS, "22:00", "06:00"), calendars=[CHRISTMAS])
    assert nights.holds(at("2026-12-25 05:00"))
    assert not nights.holds(at("2026-12-25 23:00"))
    assert not nights.holds(at("2026-12-26 05:00"))


def decides(profile: TimeProfile, zone: str, moment: datetime) -> bool:
    book = Book(rules=[Rule(id=1, name="r", profile=profile.id)], profiles=[profile])
    outline = CallOutline(started_at=moment.astimezone(UTC))
    return bool(Rulebook(book, Places(zone)).decide(outline, 7, Shares()).rule)


@pytest.mark.parametrize("day", ["2026-03-27", "2026-03-30", "2026-10-23", "2026-10-26"])
def test_office_hours_stay_at_eight_when_the_clocks_change(day):
    office = TimeProfile(id=3, name="Office", hours=[{"days": WORKDAYS, "begins": "08:00", "ends": "18:00"}])
    vienna = ZoneInfo("Europe/Vienna")
    began = datetime.fromisoformat(f"{day} 08:00").replace(tzinfo=vienna)
    assert decides(office, "Europe/Vienna", began)
    assert not decides(office, "Europe/Vienna", began - timedelta(minutes=1))
    assert not decides(office, "Europe/Vienna", began.replace(hour=18))


def test_a_night_in_which_the_clock_jumps_is_whole():
    night = TimeProfile(id=3, name="Night", hours=[{"days": ["sat"], "begins": "22:00", "ends": "06:00"}])
    for evening, hours in (
        (datetime(2026, 3, 28, 21, 0, tzinfo=UTC), 7),
        (datetime(2026, 10, 24, 20, 0, tzinfo=UTC), 9),
    ):
        minutes = [evening + timedelta(minutes=minute) for minute in range(-60, 60 * 10)]
        held = [minute for minute in minutes if decides(night, "Europe/Vienna", minute)]
        assert held[0] == evening
        assert len(held) == hours * 60
        assert held[-1] - held[0] == timedelta(minutes=len(held) - 1)


MINUTES = st.integers(0, 1439)


@given(st.sampled_from(ALL_DAYS), MINUTES, MINUTES, st.integers(0, 7 * 1440 - 1))
def test_a_line_of_hours_lasts_as_long_as_it_says(day, begin, end, offset):
    if begin == end:
        return
    profile = clock(([day], f"{begin // 60:02}:{begin % 60:02}", f"{end // 60:02}:{end % 60:02}"))
    lasts = (end - begin) % 1440
    monday = at("2026-11-23 00:00")
    began = ALL_DAYS.index(day) * 1440 + begin
    inside = (offset - began) % (7 * 1440) < lasts
    assert profile.holds(monday + timedelta(minutes=offset)) is inside


@pytest.mark.parametrize(
    ("field", "line"),
    [
        ("hours.0.begins", {"days": ["mon"], "begins": "8", "ends": "10:00"}),
        ("hours.0.begins", {"days": ["mon"], "begins": "24:00", "ends": "10:00"}),
        ("hours.0.ends", {"days": ["mon"], "begins": "08:00", "ends": "25:00"}),
        ("hours.0.days", {"days": [], "begins": "08:00", "ends": "10:00"}),
        ("hours.0", {"days": ["mon"], "begins": "08:00", "ends": "08:00"}),
    ],
)
def test_what_makes_no_hours_is_refused_by_its_place(field, line):
    with pytest.raises(EntryRefused) as refused:
        parse(TimeProfile, {"name": "Office", "hours": [line]})
    assert list(refused.value.by_field) == [field]


def test_a_profile_that_never_holds_is_refused():
    with pytest.raises(EntryRefused, match="at least one line"):
        parse(TimeProfile, {"name": "Never", "hours": []})
