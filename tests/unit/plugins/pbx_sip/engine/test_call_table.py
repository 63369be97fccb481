"""Calls that go on: decided once, paused, resumed, stopped, and gone when they are over."""

import pytest

from hub.sdk import CallControl, LiveState, Recorded, Verdict
from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.engine.call_table import LINGER_NS, CallTable, Hooks
from plugins.pbx_sip.engine.habits import Habits
from plugins.pbx_sip.sip.message import read_message, write_message
from tests.doubles.sip_text import request, response, sdp

S = 1_000_000_000
AT = 1_790_000_000 * S


class Owner:
    """What the table asks and tells."""

    def __init__(self, **habits):
        self.verdict = Verdict()
        self.asked, self.shown, self.remembered = [], [], []
        self.covered: dict[int, int] = {}
        self.table = CallTable(
            Habits(plan=NumberPlan(), **habits),
            Hooks(
                decide=self.decide,
                changed=lambda call: self.shown.append((call.id, call.state)),
                cover=lambda ends, at: self.covered.update(dict.fromkeys(ends, at)),
                uncover=lambda ends, _: [self.covered.pop(end, None) for end in ends],
                remember=lambda call: self.remembered.append(call.memory()),
            ),
        )

    def decide(self, outline):
        self.asked.append(outline)
        return self.verdict

    def take(self, message, at_ns=AT):
        return self.table.take(message, write_message(message), at_ns)

    def begin(self, call_id="c1", at_ns=AT, host="192.0.2.1", other="192.0.2.2", **people):
        self.take(request("INVITE", call_id, body=sdp(host, 4000), **people), at_ns)
        return self.take(response("200 OK", call_id=call_id, body=sdp(other, 5000), **people), at_ns + S)


def test_a_call_is_decided_on_once_when_it_is_answered():
    owner = Owner()
    owner.take(request("INVITE", body=sdp("192.0.2.1", 4000)))
    assert owner.asked == []
    owner.take(response("200 OK", body=sdp("192.0.2.2", 5000)), AT + S)
    owner.take(request("INVITE", tag="b", body=sdp("192.0.2.1", 4002)), AT + 2 * S)
    (outline,) = owner.asked
    assert (outline.caller, outline.called, outline.users) == ("201", "305", ("201", "305"))


def test_nothing_of_a_call_that_is_left_out_may_be_kept_not_even_on_ports_it_moves_to():
    owner = Owner()
    owner.verdict = Verdict(recorded=Recorded.NO, rule="Never")
    call = owner.begin()
    assert (call.state, call.is_wanted) == (LiveState.LEFT_OUT, False)
    assert owner.covered.keys() == owner.table.endpoints_of(call)
    owner.take(request("INVITE", tag="b", body=sdp("192.0.2.1", 6000)), AT + 3 * S)
    assert owner.covered.keys() == owner.table.endpoints_of(call)
    assert len(owner.covered) == 3


def test_a_pause_covers_the_media_and_its_end_lets_it_in_again():
    owner = Owner()
    call = owner.begin()
    assert owner.table.control(call, CallControl.PAUSE, AT + 5 * S) == ""
    assert (call.state, len(owner.covered)) == (LiveState.PAUSED, 2)
    owner.table.control(call, CallControl.RESUME, AT + 9 * S)
    assert (call.state, owner.covered, call.pauses) == (LiveState.RECORDING, {}, [(AT + 5 * S, AT + 9 * S)])


def test_a_pause_ends_by_itself_when_its_time_is_over():
    owner = Owner(pause_s=60.0)
    call = owner.begin()
    owner.table.control(call, CallControl.PAUSE, AT + 5 * S)
    owner.table.turn(AT + 64 * S)
    assert call.state is LiveState.PAUSED
    owner.table.turn(AT + 66 * S)
    assert (call.state, call.pauses) == (LiveState.RECORDING, [(AT + 5 * S, AT + 65 * S)])


def test_a_pause_told_twice_is_one_pause():
    owner = Owner()
    call = owner.begin()
    for second in (5, 6):
        owner.table.control(call, CallControl.PAUSE, AT + second * S)
    owner.table.control(call, CallControl.RESUME, AT + 9 * S)
    assert call.pauses == [(AT + 5 * S, AT + 9 * S)]


def test_a_recording_ends_after_the_longest_time_that_a_rule_lets_it_last():
    owner = Owner()
    owner.verdict = Verdict(longest_s=100.0)
    call = owner.begin()
    owner.table.turn(AT + 102 * S)
    assert call.state is LiveState.STOPPED
    assert owner.table.control(call, CallControl.RESUME, AT + 103 * S) != ""


def test_a_call_on_demand_waits_until_somebody_asks_for_it():
    owner = Owner()
    owner.verdict = Verdict(recorded=Recorded.ON_DEMAND)
    call = owner.begin()
    assert (call.state, call.is_wanted, owner.covered) == (LiveState.WAITING, False, {})
    owner.table.control(call, CallControl.KEEP, AT + 5 * S)
    assert (call.state, call.is_wanted) == (LiveState.RECORDING, True)


def test_a_discarded_call_is_not_wanted_any_more():
    owner = Owner()
    call = owner.begin()
    owner.table.control(call, CallControl.DISCARD, AT + 5 * S)
    assert (call.is_wanted, call.state, len(owner.covered)) == (False, LiveState.STOPPED, 2)


@pytest.mark.parametrize(("value", "state"), [("pause", LiveState.PAUSED), ("Stop ", LiveState.STOPPED)])
def test_the_telephone_system_steers_a_recording_by_a_header_field(value, state):
    owner = Owner(control_header="X-Recording-Control")
    call = owner.begin()
    owner.take(request("INFO", tag="b", headers=f"X-Recording-Control: {value}"), AT + 4 * S)
    assert call.state is state


def test_keys_that_a_party_presses_steer_a_recording_and_each_press_counts_once():
    owner = Owner(keys=(("*71", CallControl.PAUSE), ("*72", CallControl.RESUME)))
    call = owner.begin()
    endpoint = min(owner.table.endpoints_of(call))
    for press, key in enumerate("*71"):
        for _ in range(3):
            owner.table.press(endpoint, key, 7, press, AT + 4 * S)
    assert call.state is LiveState.PAUSED
    for press, key in enumerate("*72", start=10):
        owner.table.press(endpoint, key, 7, press, AT + 5 * S)
    assert call.state is LiveState.RECORDING


def test_hops_of_one_call_share_its_decision_and_its_pauses():
    owner = Owner(joins_hops=True)
    first = owner.begin("c1")
    second = owner.begin("c2", AT + S // 10, host="192.0.2.2", other="192.0.2.3")
    assert (second.leader, len(owner.asked)) == ("c1", 1)
    owner.table.control(first, CallControl.PAUSE, AT + 5 * S)
    assert (second.state, len(owner.covered)) == (LiveState.PAUSED, 4)


def test_hops_that_end_one_after_the_other_are_finished_together():
    owner = Owner(joins_hops=True)
    owner.begin("c1")
    owner.begin("c2", AT + S // 10, host="192.0.2.2", other="192.0.2.3")
    owner.take(request("BYE", "c1", tag="b"), AT + 10 * S)
    owner.take(request("BYE", "c2", tag="b"), AT + 10 * S + S // 20)
    now = AT + 10 * S + LINGER_NS + 1
    (group,) = owner.table.take_ended(now)
    assert [call.id for call in group] == ["c1", "c2"]
    assert owner.table.take_ended(now + S) == []
    assert not owner.table.calls


def test_ports_of_a_call_that_is_over_are_let_in_again_at_once():
    owner = Owner()
    owner.verdict = Verdict(recorded=Recorded.NO)
    owner.begin()
    owner.take(request("BYE", tag="b"), AT + 10 * S)
    assert owner.covered == {}


def test_what_was_decided_before_a_crash_holds_after_it():
    owner = Owner()
    owner.verdict = Verdict(rule="Sales", longest_s=90.0)
    call = owner.begin()
    owner.table.control(call, CallControl.PAUSE, AT + 5 * S)
    memory = owner.remembered[-1]
    after = Owner()
    for at_ns, content in call.messages:
        after.table.replay(read_message(content), content, at_ns, memory)
    again = after.table.calls["c1"]
    assert (again.state, again.verdict, again.pauses) == (LiveState.PAUSED, call.verdict, [(AT + 5 * S, 0)])
    assert after.asked == []
    assert len(after.covered) == 2
