from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from hub.sdk import CallDetail, Direction, Party, Role
from plugins.ipoffice.smdr.calls import make_detail
from plugins.ipoffice.smdr.rows import parse_row

START = "2026/06/28 09:30:57"


def detail(*lines: str, zone: str = "UTC") -> CallDetail:
    return make_detail([parse_row(line) for line in lines], ZoneInfo(zone))


def test_an_incoming_call_that_was_transferred_has_all_its_parties() -> None:
    found = detail(
        f"{START},00:00:13,7,01707392200,I,300,555300,,0,1000014160,1,E201,Alice Archer,T9002,LINE 1.2,11,0",
        f"{START},00:01:00,3,01707392200,I,300,555300,7741,0,1000014160,0,E202,Ben Carter,T9002,LINE 1.2,0,0",
    )
    assert found.direction is Direction.INCOMING
    assert found.parties == (
        Party(number="01707392200", role=Role.CALLER),
        Party(number="201", name="Alice Archer", role=Role.CALLED),
        Party(number="202", name="Ben Carter"),
    )
    assert (found.agent, found.target, found.call_id, found.rule) == ("Ben Carter", "300", "1000014160", "smdr")
    assert {"01707392200", "201", "202", "300", "555300"} == set(found.numbers)
    assert found.fields["account_code"] == "7741"
    assert found.fields["smdr.lines"] == "LINE 1.2"


def test_the_span_holds_every_part_of_the_call_and_is_in_the_zone_of_the_pbx() -> None:
    found = detail(
        f"{START},00:00:13,7,01707392200,I,300,555300,,0,1000014160,1,E201,A,T9002,LINE 1.2,11,0",
        f"{START},00:01:00,3,01707392200,I,300,555300,,0,1000014160,0,E202,B,T9002,LINE 1.2,0,2",
        zone="Europe/Vienna",
    )
    assert found.started_at <= datetime(2026, 6, 28, 7, 30, 57, tzinfo=UTC)
    length_s = (found.ended_at - found.started_at).total_seconds()
    assert 13 + 7 + 11 + 60 + 3 + 2 <= length_s <= 96 + 20


def test_an_outgoing_call_is_told_from_an_internal_one() -> None:
    outgoing = detail(
        f"{START},00:00:44,4,214,O,004315550142,004315550142,,0,1000013898,0,E214,Petra,T9001,Line 1.1,0,0"
    )
    assert outgoing.direction is Direction.OUTGOING
    assert [(p.number, p.name, p.role) for p in outgoing.parties] == [
        ("214", "Petra", Role.CALLER),
        ("004315550142", "", Role.CALLED),
    ]
    assert outgoing.agent == "Petra"
    internal = detail(f"{START},00:00:44,4,4688,O,4207,4207,,1,1000013899,0,E4688,Joe,E4207,John,0,0")
    assert internal.direction is Direction.INTERNAL
    assert [(p.number, p.name) for p in internal.parties] == [("4688", "Joe"), ("4207", "John")]
    assert internal.agent == ""


def test_voicemail_and_conference_channels_are_no_parties() -> None:
    found = detail(f"{START},00:00:21,0,01707392200,I,300,555300,,0,1000014161,0,V9502,VM Channel 2,T9002,LINE 1.2,0,0")
    assert [party.number for party in found.parties] == ["01707392200", "300"]


def test_a_lost_call_names_whom_it_was_for() -> None:
    found = detail(f"{START},00:00:00,9,8004206,I,4324,4324,,0,1000014155,0,E4324,Joe,T9161,LINE 5.1,0,0")
    assert [party.number for party in found.parties] == ["8004206", "4324"]
    assert found.agent == ""


def test_the_same_rows_have_the_same_id_and_more_rows_another() -> None:
    first = f"{START},00:00:13,7,1,I,300,3,,0,77,1,E201,A,T9002,L,0,0"
    second = f"{START},00:00:14,7,1,I,300,3,,0,77,0,E202,B,T9002,L,0,0"
    assert detail(first).detail_id == detail(first).detail_id
    assert detail(first).detail_id != detail(first, second).detail_id


def test_authorization_codes_are_not_passed_on() -> None:
    found = detail(f"{START},00:00:13,7,1,I,300,3,,0,77,0,E201,A,T9002,L,0,0,1,998877,,,,,,,,,,,")
    assert "998877" not in str(found)
