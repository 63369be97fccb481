"""Who is known of a call on several hops: whoever any of them names, each once."""

from dataclasses import replace

import pytest

from hub.sdk import Direction, Role
from plugins.pbx_sip.calls.countries import COUNTRIES
from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.calls.outline import describe_outline
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
    outline = describe_outline(found.dialog, PLAN, found.hops)
    assert (outline.called, outline.numbers) == (GROUP, (AGENT,))
    assert {GROUP, AGENT} <= set(outline.users)


def test_who_is_shown_outside_by_the_number_of_the_company_is_no_other_party(call, tmp_path):
    found = call((PHONE, OUTSIDE), (TRUNK, "00" + OUTSIDE[1:]))
    draft = make_draft(found, PLAN, tmp_path / "call.wav", "test")
    assert [party.number for party in draft.parties] == [PHONE, OUTSIDE]
    assert describe_outline(found.dialog, PLAN, found.hops).numbers == ()


def test_to_whom_a_call_was_forwarded_is_a_party(call, tmp_path):
    found = call((OUTSIDE, AGENT), (TRUNK, "+491701234567"))
    draft = make_draft(found, PLAN, tmp_path / "call.wav", "test")
    assert [party.number for party in draft.parties] == [OUTSIDE, AGENT, "+491701234567"]


def test_whom_a_system_calls_first_and_then_connects_stays_on_his_own_side(call, tmp_path):
    found = call(("500", PHONE), (PHONE, OUTSIDE), turned=True)
    draft = make_draft(found, PLAN, tmp_path / "call.wav", "test")
    assert {party.number: party.role for party in draft.parties}[OUTSIDE] is Role.CALLER


def test_an_inside_call_that_is_forwarded_outside_is_external_to_the_rules(call):
    inside = call((PHONE, AGENT), (PHONE, GROUP))
    outside = call((PHONE, AGENT), (TRUNK, OUTSIDE))
    found = [describe_outline(each.dialog, PLAN, each.hops) for each in (inside, outside)]
    assert [outline.is_external for outline in found] == [False, True]
    assert [outline.direction for outline in found] == [Direction.INTERNAL, Direction.INTERNAL]


def test_each_number_of_a_call_is_written_in_all_its_ways_whichever_hop_names_it(call):
    found = call((PHONE, AGENT), (TRUNK, OUTSIDE))
    plan = replace(PLAN, outside_prefix="0")
    outline = describe_outline(found.dialog, plan, found.hops)
    assert outline.numbers == (OUTSIDE,)
    assert set(outline.spellings[OUTSIDE]) == set(plan.spellings(OUTSIDE)) != set()
