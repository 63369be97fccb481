"""Who is known of a call on several hops: whoever any of them names, each once."""

from dataclasses import replace

import pytest

from hub.sdk import Role
from plugins.pbx_sip.calls.countries import COUNTRIES
from plugins.pbx_sip.calls.hop_parties import describe_hops
from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.drafts.draft import make_draft
from tests.unit.plugins.pbx_sip.calls.test_hops import heard_in, legs, talk

PLAN = NumberPlan(country=COUNTRIES["DE"])
OUTSIDE, GROUP, AGENT, PHONE, TRUNK = "+4366412345", "500", "203", "201", "+43155500"


@pytest.fixture
def call():
    """A call on two hops that both were heard: caller and called on each."""

    def make(front, behind, **more):
        one, other = legs(*talk(), **more)
        one = replace(one, caller=front[0], called=front[1])
        [found] = heard_in(one, replace(other, caller=behind[0], called=behind[1]))
        return found

    return make


def test_who_answers_for_a_group_is_a_party_and_found_by_rules(call, tmp_path):
    found = call((OUTSIDE, GROUP), (OUTSIDE, AGENT))
    draft = make_draft(found, PLAN, tmp_path / "call.wav", "test")
    parties = [(party.number, party.role, party.channel) for party in draft.parties]
    assert parties == [(OUTSIDE, Role.CALLER, 1), (GROUP, Role.CALLED, 0), (AGENT, Role.CALLED, 0)]
    assert draft.target == GROUP
    outline = describe_hops(found.dialog, found.hops, PLAN)
    assert (outline.called, outline.numbers) == (GROUP, (AGENT,))
    assert {GROUP, AGENT} <= set(outline.users)


def test_who_is_shown_outside_by_the_number_of_the_company_is_no_other_party(call, tmp_path):
    found = call((PHONE, OUTSIDE), (TRUNK, "00" + OUTSIDE[1:]))
    draft = make_draft(found, PLAN, tmp_path / "call.wav", "test")
    assert [party.number for party in draft.parties] == [PHONE, OUTSIDE]
    assert describe_hops(found.dialog, found.hops, PLAN).numbers == ()


def test_to_whom_a_call_was_forwarded_is_a_party(call, tmp_path):
    found = call((OUTSIDE, AGENT), (TRUNK, "+491701234567"))
    draft = make_draft(found, PLAN, tmp_path / "call.wav", "test")
    assert [party.number for party in draft.parties] == [OUTSIDE, AGENT, "+491701234567"]


def test_whom_a_system_calls_first_and_then_connects_stays_on_his_own_side(call, tmp_path):
    found = call(("500", PHONE), (PHONE, OUTSIDE), turned=True)
    draft = make_draft(found, PLAN, tmp_path / "call.wav", "test")
    assert {party.number: party.role for party in draft.parties}[OUTSIDE] is Role.CALLER
