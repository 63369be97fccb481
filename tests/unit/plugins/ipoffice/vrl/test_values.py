from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.sdk import Direction, NoticeKind, OwnerKind, Party, Role
from plugins.ipoffice.vrl import values

VIENNA = ZoneInfo("Europe/Vienna")


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20T10:15:30+01:00",
        "2026-11-20T09:15:30Z",
        "2026/11/20 10:15:30",
        "2026-11-20 10:15:30",
        "20261120101530",
        "20261120-101530",
        "20.11.2026 10:15:30",
        "1795166130",
        "1795166130000",
    ],
)
def test_a_time_in_any_usual_shape_is_the_same_moment(text: str) -> None:
    assert values.parse_time(text, VIENNA) == datetime(2026, 11, 20, 9, 15, 30, tzinfo=UTC)


def test_a_shape_of_the_site_comes_first() -> None:
    assert values.parse_time("03/04/2026 10:00", UTC, "%d/%m/%Y %H:%M") == datetime(2026, 4, 3, 10, tzinfo=UTC)


@pytest.mark.parametrize("text", ["", "soon", "99999999999999", "0001-01-01", "2026-13-45", "x" * 1000])
def test_what_is_no_time_is_none(text: str) -> None:
    assert values.parse_time(text, UTC) is None


@pytest.mark.parametrize(
    ("text", "direction"),
    [
        ("Inbound", Direction.INCOMING),
        ("I", Direction.INCOMING),
        ("OUT", Direction.OUTGOING),
        ("Internal", Direction.INTERNAL),
        ("sideways", None),
    ],
)
def test_directions_go_by_many_names(text: str, direction: Direction | None) -> None:
    assert values.parse_direction(text) == direction


@pytest.mark.parametrize(
    ("text", "party"),
    [
        ("201 (Anna Berger) [called]", Party(number="201", name="Anna Berger", role=Role.CALLED)),
        ("+43 1 5550142", Party(number="+4315550142")),
        ("sip:201@pbx.example", Party(number="201")),
        ("201 Anna Berger", Party(number="201", name="Anna Berger")),
        ("(Anna)", Party(number="", name="Anna")),
        ("Anna Berger", Party(number="", name="Anna Berger")),
    ],
)
def test_parties_are_read_as_people_write_them(text: str, party: Party) -> None:
    assert values.parse_party(text) == party


def test_parties_are_separated_by_what_separates_them() -> None:
    assert [p.number for p in values.parse_parties("201 (Berger, Anna); 202 | 203")] == ["201", "202", "203"]
    assert [p.number for p in values.parse_parties("201,202")] == ["201", "202"]


@pytest.mark.parametrize(
    ("text", "owner"),
    [
        ("group 300 (Sales)", (OwnerKind.GROUP, "300", "Sales")),
        ("hunt group: 300", (OwnerKind.GROUP, "300", "")),
        ("line/9", (OwnerKind.LINE, "9", "")),
        ("account code 7741 (Bianchi)", (OwnerKind.ACCOUNT_CODE, "7741", "Bianchi")),
        ("User 201", (OwnerKind.USER, "201", "")),
        ("201", (None, "201", "")),
    ],
)
def test_owners_of_all_four_kinds_are_read(text: str, owner: tuple[OwnerKind | None, str, str]) -> None:
    assert values.parse_owner(text) == owner


def test_notices_go_by_many_names() -> None:
    assert values.parse_notice("Beep") is NoticeKind.TONE
    assert values.parse_notice("AOCR") is NoticeKind.ANNOUNCED
    assert values.parse_notice("?") is None


@given(st.text(max_size=300))
def test_no_text_upsets_a_reader(text: str) -> None:
    values.parse_time(text, UTC)
    values.parse_direction(text)
    values.parse_notice(text)
    values.parse_party(text)
    values.parse_parties(text)
    values.parse_owner(text)
    values.parse_number(text)
