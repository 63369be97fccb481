"""Whose number it is, and which way a call went, in the number plans of several countries."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.sdk import Direction
from plugins.pbx_sip.calls.countries import COUNTRIES
from plugins.pbx_sip.calls.numbers import NumberPlan, number_of
from plugins.pbx_sip.settings import SipCaptureSettings
from plugins.pbx_sip.sip.address import Address

BERLIN = NumberPlan(country=COUNTRIES["DE"], area_code="30", outside_prefix="0", internal_prefixes=("+4930123",))


@pytest.mark.parametrize(
    ("country", "area", "dialled", "full"),
    [
        ("DE", "", "+49 (30) 1234-567", "+49301234567"),
        ("DE", "", "0049301234567", "+49301234567"),
        ("DE", "", "0301234567", "+49301234567"),
        ("DE", "30", "1234567", "+49301234567"),
        ("DE", "", "1234567", ""),
        ("US", "", "12125550123", "+12125550123"),
        ("US", "", "2125550123", "+12125550123"),
        ("US", "212", "5550123", "+12125550123"),
        ("US", "", "01144207946000", "+44207946000"),
        ("IT", "", "0612345678", "+390612345678"),
        ("ES", "", "912345678", "+34912345678"),
        ("HU", "", "0612345678", "+3612345678"),
        ("RU", "", "84951234567", "+74951234567"),
        ("RU", "", "810493012345", "+493012345"),
        ("AU", "", "0011493012345", "+493012345"),
        ("DE", "", "203", ""),
        ("DE", "", "anna", ""),
        ("DE", "", "+12", ""),
        ("DE", "", "0123456789012345678901", ""),
        ("", "", "0301234567", ""),
        ("", "", "+49301234567", "+49301234567"),
    ],
)
def test_a_number_is_known_in_full_where_the_plan_tells_it(country, area, dialled, full):
    assert NumberPlan(country=COUNTRIES.get(country), area_code=area).in_full(dialled) == full


@pytest.mark.parametrize(
    ("country", "line", "shown", "full"),
    [
        ("FR", "0", "0049301234567", "+49301234567"),  # 0 4930 1234567 is too long for a number of France
        ("FR", "0", "0033123456789", "+33123456789"),
        ("FR", "0", "00123456789", "+33123456789"),
        ("FR", "0", "000493012345", "+493012345"),
        ("DE", "0", "0033123456789", ""),  # 0331 23456789 is one of Potsdam
        ("DE", "0", "00331234567", "+49331234567"),  # and too short for one of France
        ("DE", "0", "00033123456789", "+33123456789"),
        ("DE", "0", "0043123456789", ""),  # both countries have numbers of many lengths
        ("DE", "9", "0033123456789", "+33123456789"),
        ("US", "9", "01133123456789", "+33123456789"),
        ("US", "9", "901133123456789", "+33123456789"),
        ("US", "9", "9012345678", "+19012345678"),
        ("US", "9", "92125550123", "+12125550123"),
        ("CN", "0", "0033123456789", ""),
        ("CN", "0", "00352123456", "+352123456"),  # 0 352 123456 is too short for a number of China
        ("CN", "0", "00491711234567", "+491711234567"),  # and 0 491 711234567 is too long
        ("CN", "9", "0033123456789", "+33123456789"),
        ("CN", "9", "901012345678", "+861012345678"),
    ],
)
def test_a_foreign_number_behind_what_may_be_an_outside_line_is_known_where_it_can_be_but_one(
    country, line, shown, full
):
    plan = NumberPlan(country=COUNTRIES[country], outside_prefix=line)
    assert plan.in_full(shown) == full
    assert plan.describe(caller=shown, called="203") == ({"caller_e164": full} if full else {})


@pytest.mark.parametrize(
    ("caller", "called", "direction"),
    [
        ("203", "204", Direction.INTERNAL),
        ("203", "0301239", Direction.INTERNAL),
        ("203", "004930123777", Direction.INTERNAL),
        ("203", "0171123456", Direction.OUTGOING),
        ("203", "0110", Direction.OUTGOING),
        ("0171123456", "03012344", Direction.INCOMING),
        ("0171123456", "0171123457", Direction.UNKNOWN),
        ("", "", Direction.UNKNOWN),
    ],
)
def test_the_company_is_known_by_its_numbers_however_they_are_dialled(caller, called, direction):
    assert BERLIN.direction(caller, called) is direction


@pytest.mark.parametrize(
    "dialled", ["0171123456", "0049171123456", "00049171123456", "+49171123456", "+49 171 123-456"]
)
def test_a_number_is_written_in_many_ways(dialled):
    ways = {"+49171123456", "0049171123456", "0171123456"}
    assert ways - {dialled} <= set(BERLIN.spellings(dialled))
    assert {each for each in BERLIN.spellings(dialled) if each[0] == "+"} == {"+49171123456"} - {dialled}
    if not dialled.startswith("000"):
        assert set(replace(BERLIN, outside_prefix="").spellings(dialled)) == ways - {dialled}


def test_a_number_that_may_have_an_outside_line_before_it_is_written_without_too():
    assert {"0661123456", "49661123456", "0049661123456"} <= set(BERLIN.spellings("00661123456"))
    assert "+49661123456" not in BERLIN.spellings("00661123456")  # it may as well be +66 1123456


@pytest.mark.parametrize(
    ("country", "number", "spellings"),
    [
        ("US", "+12125550123", {"01112125550123", "12125550123", "2125550123"}),
        ("DK", "+4512345678", {"004512345678", "12345678"}),
        ("DK", "+49301234567", {"0049301234567"}),
        ("", "+49301234567", set()),
        ("DE", "203", set()),
        ("DE", "anna", set()),
    ],
)
def test_a_number_is_dialled_as_its_country_does(country, number, spellings):
    assert set(NumberPlan(country=COUNTRIES.get(country)).spellings(number)) == spellings


@pytest.mark.parametrize(
    ("caller", "dialled", "called", "full"),
    [
        ("203", "0066412345", "066412345", "+4966412345"),
        ("203", "00151234567", "0151234567", "+49151234567"),
        ("203", "00066412345", "0066412345", "+66412345"),
        ("203", "01234567", "1234567", "+49301234567"),
        ("203", "+66412345", "+66412345", "+66412345"),
        ("alice", "0066412345", "066412345", "+4966412345"),
        ("203", "0112", "0112", ""),
        ("203", "011889", "011889", ""),
        ("0171123456", "0301239999", "0301239999", "+49301239999"),
        ("0171123456", "0066412345", "0066412345", ""),
    ],
)
def test_what_one_of_us_dials_for_a_line_is_no_part_of_the_number(caller, dialled, called, full):
    assert BERLIN.called_by(caller, dialled) == called
    assert BERLIN.describe(caller=caller, called=called).get("called_e164", "") == ("" if full == called else full)


@pytest.mark.parametrize(
    ("caller", "full"),
    [
        ("0066412345", ""),
        ("00171123456", "+49171123456"),
        ("0049171123456", "+49171123456"),
        ("0171123456", "+49171123456"),
        ("000493012345", "+493012345"),
    ],
)
def test_a_caller_that_may_be_shown_with_a_line_to_call_back_is_known_in_full_where_there_is_no_doubt(caller, full):
    assert BERLIN.in_full(caller) == full


def test_both_the_dialled_number_and_the_full_one_are_told():
    assert BERLIN.describe(caller="203", called="0171123456") == {"called_e164": "+49171123456"}
    assert BERLIN.describe(caller="+49171123456", called="") == {}


@pytest.mark.parametrize(
    ("spec", "number"),
    [
        ("sip:+49 30 123@pbx", "+4930123"),
        ("sip:Ana Berger@pbx", "Ana Berger"),
        ("201", "201"),
        ("sip:201@", "201"),
        ("sip:anony mous", "anony mous"),
        ("sip:anonymous@[x", ""),
        ("pbx.example.com", ""),
    ],
)
def test_an_address_that_is_not_written_as_it_should_be_still_tells_a_number(spec, number):
    assert number_of(Address(spec)) == number


@pytest.mark.parametrize("changes", [{"country": "Germany"}, {"area_code": "0x"}])
def test_a_country_nobody_knows_is_refused(changes, tmp_path):
    with pytest.raises(ValueError, match=next(iter(changes))):
        SipCaptureSettings(folder=tmp_path, **changes)


def test_the_letters_of_a_country_may_be_small(tmp_path):
    assert SipCaptureSettings(folder=tmp_path, country=" de ").number_plan.country == COUNTRIES["DE"]


@pytest.mark.parametrize("entry", ["", "  ", "*", "??*", "9000\x00", "9" * 101])
def test_what_names_no_voicemail_is_refused_and_says_why(entry, tmp_path):
    with pytest.raises(ValueError, match="voicemail_numbers"):
        SipCaptureSettings(folder=tmp_path, voicemail_numbers=("9000", entry))


def test_numbers_and_names_of_the_voicemail_are_kept_tidily(tmp_path):
    given = SipCaptureSettings(folder=tmp_path, voicemail_numbers=(" 9000 ", "Voice  Mail*"))
    assert given.number_plan.voicemail_numbers == ("9000", "Voice Mail*")


@given(st.text(max_size=40), st.sampled_from(["", *COUNTRIES]), st.sampled_from(["", "30"]))
def test_no_number_is_too_odd(number, country, area):
    plan = NumberPlan(country=COUNTRIES.get(country), area_code=area, internal_prefixes=(number[:3], "+1"))
    full = plan.in_full(number)
    assert full == "" or (full[0] == "+" and full[1:].isdecimal() and 7 <= len(full) - 1 <= 15)
    assert plan.in_full(full) == full
    assert number not in plan.spellings(number)
    assert plan.direction(number, number) in {Direction.INTERNAL, Direction.UNKNOWN}
