"""Whose number it is, and which way a call went, in the number plans of several countries."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.sdk import Direction
from plugins.pbx_sip.calls.countries import COUNTRIES
from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.settings import SipCaptureSettings

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


def test_both_the_dialled_number_and_the_full_one_are_told():
    assert BERLIN.describe(caller="203", called="0171123456") == {"called_e164": "+49171123456"}
    assert BERLIN.describe(caller="+49171123456", called="") == {}


@pytest.mark.parametrize("changes", [{"country": "Germany"}, {"area_code": "0x"}])
def test_a_country_nobody_knows_is_refused(changes, tmp_path):
    with pytest.raises(ValueError, match=next(iter(changes))):
        SipCaptureSettings(folder=tmp_path, **changes)


def test_the_letters_of_a_country_may_be_small(tmp_path):
    assert SipCaptureSettings(folder=tmp_path, country=" de ").number_plan.country == COUNTRIES["DE"]


@given(st.text(max_size=40), st.sampled_from(["", *COUNTRIES]), st.sampled_from(["", "30"]))
def test_no_number_is_too_odd(number, country, area):
    plan = NumberPlan(country=COUNTRIES.get(country), area_code=area, internal_prefixes=(number[:3], "+1"))
    full = plan.in_full(number)
    assert full == "" or (full[0] == "+" and full[1:].isdecimal() and 7 <= len(full) - 1 <= 15)
    assert plan.in_full(full) == full
    assert plan.direction(number, number) in {Direction.INTERNAL, Direction.UNKNOWN}
