"""Calls that go to voicemail: where a rule has it so their recording ends there, and goes on with the next person."""

import pytest

from hub.sdk import CallControl, LiveState, Recorded, Verdict
from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.sip.message import read_message
from tests.doubles.sip_text import request, response, sdp
from tests.unit.plugins.pbx_sip.engine.test_call_table import AT, Owner, S, begin_end

PLAN = NumberPlan(voicemail_numbers=("9000", "VoiceMail*"))
STOPS = Verdict(rule="Hotline", stops_at_voicemail=True)
OUTSIDE = "+4930123456"


def owner_with(verdict=STOPS, **habits):
    owner = Owner(plan=PLAN, **habits)
    owner.verdict = verdict
    return owner


def connect(owner, number, at_s, call_id="c1", place=2, **people):
    """Somebody else is connected on the called side."""
    headers = f"P-Asserted-Identity: <sip:{number}@pbx>"
    more = {"tag": "b", "by_called": "yes", "number": str(place), "headers": headers}
    return owner.take(request("UPDATE", call_id, **more, **people), AT + at_s * S)


def test_the_recording_ends_where_the_call_goes_to_voicemail_and_what_was_before_stays():
    owner = owner_with()
    call = owner.begin(caller=OUTSIDE)
    assert call.state is LiveState.RECORDING
    connect(owner, "9000", 9)
    assert (call.state, call.is_wanted, call.stopped_ns) == (LiveState.LEFT_OUT, True, AT + 9 * S)
    assert (call.pauses, call.voicemails) == ([(AT + 9 * S, 0)], [(AT + 9 * S, 0)])
    assert owner.covered == dict.fromkeys(owner.table.endpoints_of(call), AT + 9 * S)
    owner.take(request("INVITE", tag="b", body=sdp("192.0.2.1", 6000), number="3"), AT + 10 * S)
    assert owner.covered.keys() == owner.table.endpoints_of(call)


def test_with_the_next_person_it_goes_on():
    owner = owner_with()
    call = owner.begin(caller=OUTSIDE)
    connect(owner, "9000", 9)
    connect(owner, "306", 20, place=3)
    assert (call.state, call.stopped_ns, owner.covered) == (LiveState.RECORDING, 0, {})
    assert call.pauses == call.voicemails == [(AT + 9 * S, AT + 20 * S)]


@pytest.mark.parametrize(
    ("verdict", "plan"), [(Verdict(rule="Hotline"), PLAN), (STOPS, NumberPlan())], ids=["another rule", "no numbers"]
)
def test_it_goes_on_at_voicemail_where_no_rule_stops_or_nobody_says_who_that_is(verdict, plan):
    owner = Owner(plan=plan)
    owner.verdict = verdict
    call = owner.begin(caller=OUTSIDE)
    connect(owner, "9000", 9)
    assert (call.state, call.pauses, call.is_wanted) == (LiveState.RECORDING, [], True)


def test_a_call_that_goes_to_voicemail_at_once_is_not_wanted():
    owner = owner_with()
    headers = "P-Asserted-Identity: <sip:9000@pbx>"
    owner.take(request("INVITE", caller=OUTSIDE, body=sdp("192.0.2.1", 4000)))
    call = owner.take(response("200 OK", caller=OUTSIDE, body=sdp("192.0.2.2", 5000), headers=headers), AT + S)
    assert (call.state, call.is_wanted, call.is_left_to_voicemail) == (LiveState.LEFT_OUT, False, True)
    assert (call.pauses, owner.covered.keys()) == ([(AT, 0)], owner.table.endpoints_of(call))


def test_who_comes_from_voicemail_is_recorded_from_then_on():
    owner = owner_with()
    owner.take_session(OUTSIDE, "9000")
    call = owner.take_session(OUTSIDE, "305", at_ns=AT + 30 * S)
    assert (call.state, call.is_wanted, call.pauses) == (LiveState.RECORDING, True, [(AT, AT + 30 * S)])


def test_metadata_that_names_the_voicemail_a_moment_later_holds_from_the_beginning():
    owner = owner_with()
    owner.take_session(OUTSIDE)
    call = owner.take_session(OUTSIDE, "9000", at_ns=AT + S)
    assert (call.state, call.is_wanted, call.pauses) == (LiveState.LEFT_OUT, False, [(AT, 0)])


def test_who_is_left_with_voicemail_in_a_session_is_not_recorded_any_more():
    owner = owner_with()
    owner.take_session(OUTSIDE, "305")
    call = owner.take_session(OUTSIDE, "9000", at_ns=AT + 30 * S)
    assert (call.state, call.is_wanted, call.stopped_ns) == (LiveState.LEFT_OUT, True, AT + 30 * S)


@pytest.mark.parametrize("people", [{"caller": "9000"}, {"called": "9000"}], ids=["it calls back", "messages fetched"])
def test_a_call_of_voicemail_and_one_that_fetches_messages_are_recorded(people):
    owner = owner_with()
    call = owner.begin(**people)
    assert (call.state, call.is_wanted, call.pauses) == (LiveState.RECORDING, True, [])


def test_a_pause_that_ends_at_voicemail_lets_nothing_in():
    owner = owner_with()
    call = owner.begin(caller=OUTSIDE)
    owner.table.control(call, CallControl.PAUSE, AT + 5 * S)
    connect(owner, "9000", 9)
    assert call.state is LiveState.PAUSED
    owner.table.control(call, CallControl.RESUME, AT + 12 * S)
    assert (call.state, call.stopped_ns) == (LiveState.LEFT_OUT, AT + 9 * S)
    assert owner.covered.keys() == owner.table.endpoints_of(call)
    connect(owner, "306", 20, place=3)
    assert (call.state, owner.covered, call.pauses) == (LiveState.RECORDING, {}, [(AT + 5 * S, AT + 20 * S)])


def test_a_paused_call_that_comes_back_from_voicemail_stays_paused():
    owner = owner_with()
    call = owner.begin(caller=OUTSIDE)
    owner.table.control(call, CallControl.PAUSE, AT + 5 * S)
    connect(owner, "9000", 9)
    connect(owner, "306", 20, place=3)
    assert (call.state, owner.covered.keys()) == (LiveState.PAUSED, owner.table.endpoints_of(call))


def test_what_was_stopped_before_or_at_voicemail_stays_so():
    for at_s in (5, 12):
        owner = owner_with()
        call = owner.begin(caller=OUTSIDE)
        if at_s < 9:
            owner.table.control(call, CallControl.STOP, AT + at_s * S)
        connect(owner, "9000", 9)
        if at_s > 9:
            owner.table.control(call, CallControl.STOP, AT + at_s * S)
        assert (call.state, call.stopped_ns) == (LiveState.STOPPED, AT + min(at_s, 9) * S)
        connect(owner, "306", 20, place=3)
        assert (call.state, call.is_wanted) == (LiveState.STOPPED, True)
        assert owner.covered.keys() == owner.table.endpoints_of(call)


def test_who_must_not_be_recorded_ends_it_for_good():
    owner = owner_with()
    owner.take_session(OUTSIDE, "305")
    owner.take_session(OUTSIDE, "9000", at_ns=AT + 5 * S)
    never = Verdict(recorded=Recorded.NO, rule="Never")
    call = owner.take_session(OUTSIDE, "299", at_ns=AT + 9 * S, verdict=never)
    assert (call.state, call.verdict.rule, call.pauses) == (LiveState.LEFT_OUT, "Never", [(AT + 5 * S, 0)])
    owner.take_session(OUTSIDE, "306", at_ns=AT + 20 * S)
    assert (call.state, call.is_wanted) == (LiveState.LEFT_OUT, True)
    assert owner.covered.keys() == owner.table.endpoints_of(call)


def test_a_call_on_demand_waits_again_after_voicemail_and_is_kept_if_asked_for_there():
    owner = owner_with(Verdict(recorded=Recorded.ON_DEMAND, rule="Hotline", stops_at_voicemail=True))
    call = owner.begin(caller=OUTSIDE)
    connect(owner, "9000", 9)
    connect(owner, "306", 20, place=3)
    assert call.state is LiveState.WAITING
    connect(owner, "9000", 30, place=4)
    assert owner.table.control(call, CallControl.KEEP, AT + 31 * S) == ""
    assert (call.state, call.is_wanted) == (LiveState.LEFT_OUT, True)
    assert owner.covered.keys() == owner.table.endpoints_of(call)


def test_all_hops_of_a_call_follow_the_one_that_tells():
    owner = owner_with(joins_hops=True)
    first = owner.begin("c1", caller=OUTSIDE)
    second = owner.begin("c2", AT + S // 10, host="192.0.2.2", other="192.0.2.3", caller=OUTSIDE)
    connect(owner, "9000", 9, "c2", caller=OUTSIDE)
    assert (first.state, second.state) == (LiveState.LEFT_OUT, LiveState.LEFT_OUT)
    assert owner.covered.keys() == owner.table.endpoints_of(first)
    connect(owner, "306", 20, "c2", place=3, caller=OUTSIDE)
    assert (first.state, second.state, owner.covered) == (LiveState.RECORDING, LiveState.RECORDING, {})
    assert first.pauses == second.pauses == [(AT + 9 * S, AT + 20 * S)]


def test_both_ends_of_a_bridge_stop_at_voicemail():
    owner = owner_with()
    near, far = begin_end(owner, "near"), begin_end(owner, "far", AT + S)
    said = "2000@ucm;x-nearend;x-refci=7;x-nearenddevice=SEP1;x-nearendaddr=2000;x-farendaddr=9000;x-farenddevice=VM"
    owner.take(request("UPDATE", "near", tag="b", number="2", caller=said, called="8888"), AT + 9 * S)
    assert (near.state, far.state) == (LiveState.LEFT_OUT, LiveState.LEFT_OUT)
    assert owner.covered.keys() == owner.table.endpoints_of(near)


def test_after_a_crash_it_is_still_at_voicemail_and_comes_back():
    owner = owner_with()
    call = owner.begin(caller=OUTSIDE)
    connect(owner, "9000", 9)
    memory, after = owner.remembered[-1], owner_with()
    for at_ns, content in call.messages:
        after.table.replay(read_message(content), content, at_ns, memory)
    again = after.table.calls["c1"]
    assert (again.state, again.verdict, again.voicemails) == (LiveState.LEFT_OUT, STOPS, [(AT + 9 * S, 0)])
    connect(after, "306", 20, place=3)
    assert (again.state, after.covered, again.pauses) == (LiveState.RECORDING, {}, [(AT + 9 * S, AT + 20 * S)])


def test_what_was_decided_before_rules_could_stop_there_is_taken_up():
    owner = Owner()
    owner.verdict = Verdict(rule="Sales")
    call = owner.begin()
    memory = owner.remembered[-1]
    del memory["verdict"]["stops_at_voicemail"], memory["voicemails"]
    call.remember(memory)
    assert (call.verdict, call.voicemails) == (Verdict(rule="Sales"), [])
