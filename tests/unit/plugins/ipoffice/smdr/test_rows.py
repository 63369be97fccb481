from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.ipoffice.smdr.rows import BadRow, is_heading, parse_row

# Shapes of rows as the manuals show them, with numbers and names of our own.
OLD = "2026/06/28 09:28:41,00:00:00,9,8004206,I,4324,4324,,0,1000014155,0,E4324,Joe Bloggs,T9161,LINE 5.1,0,0"
RELEASE_5 = (
    "2026/08/01 15:14:19,00:00:05,7,01707299900,I,23,390664,,0,1000013,0,E23,Extn23,T9001,Line 1.2,0,0,,,,,,,,,,,U,Joe,"
)
RELEASE_11 = (
    "2026/11/20 10:15:30,00:03:10,6,+442079460123,I,300,555300,7741,0,1000014160,1,E201,Alice Archer,T9001,Line 1.1,4,0,"
    "1,n/a,Alice Archer,0.35,EUR,,,,,,HG fb,Sales,0699999,10.0.0.1,1000014160,10.0.0.1,1000014161,2026/11/20 10:18:50"
)


def test_rows_of_every_length_are_read() -> None:
    assert parse_row(OLD).party2_name == "LINE 5.1"
    assert parse_row(RELEASE_5).targeter == "Joe"
    row = parse_row(RELEASE_11)
    assert row.call_start == datetime(2026, 11, 20, 10, 15, 30)  # noqa: DTZ001
    assert (row.connected_s, row.ring_s, row.hold_s, row.length_s) == (190, 6, 4, 200)
    assert row.is_incoming
    assert row.continues
    assert not row.is_internal
    assert (row.account, row.charge, row.currency) == ("7741", "0.35", "EUR")
    assert (row.targeting_cause, row.targeter, row.targeted_number) == ("HG fb", "Sales", "0699999")


def test_a_row_with_more_fields_than_are_known_is_read() -> None:
    assert parse_row(RELEASE_11 + ",consent,verified,more").call_id == "1000014160"


def test_a_letter_may_say_that_a_call_is_internal() -> None:
    assert parse_row(
        "2026/10/20 06:43:58,00:00:10,21,15,O,11,11,,I,28,0,E15,Extn15,V9051,VM Channel 1,0,0 "
    ).is_internal


@pytest.mark.parametrize(
    "line",
    [
        "",
        "hello",
        OLD.replace(",I,", ",X,"),
        OLD.replace("2026/06/28", "28.06.2026"),
        OLD.replace("00:00:00", "soon"),
        OLD.replace(",9,8004206", ",-9,8004206"),
        OLD.replace("1000014155", "a b"),
        OLD + "," * 5000,
    ],
)
def test_a_line_that_is_no_row_is_refused(line: str) -> None:
    with pytest.raises(BadRow):
        parse_row(line)


def test_a_heading_is_known() -> None:
    assert is_heading("Call Start,Connected Time,Ring Time,Caller")
    assert not is_heading(OLD)


@given(st.text(max_size=300))
def test_any_text_is_a_row_or_is_refused(text: str) -> None:
    try:
        parse_row(text)
    except BadRow:
        return


@given(st.lists(st.text(max_size=20), min_size=15, max_size=40))
def test_any_fields_are_a_row_or_are_refused(cells: list[str]) -> None:
    for line in (",".join(cells), ",".join([*OLD.split(",")[:11], *cells])):
        try:
            parse_row(line)
        except BadRow:
            continue
