"""Calls that go on: decided once, paused, resumed, stopped, and gone when they are over."""

import pytest

from hub.sdk import CallControl, Direction, LiveState, Recorded, Verdict
from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.engine.call_table import CallTable
from plugins.pbx_sip.engine.habits import Habits
from plugins.pbx_sip.engine.partings import LINGER_NS
from plugins.pbx_sip.engine.table_hooks import Hooks
from plugins.pbx_sip.sip.message import read_message, write_message
from tests.doubles.sip_text import request, response, sdp

S = 1_000_000_000
AT = 1_790_000_000 * S


def metadata(numbers, description=""):
    """A body with the metadata of a session of these participants."""
    people = "".join(
        f'<participant participant_id="p{number}"><nameID aor="sip:{number}@pbx.example"/></participant>'
        f'<participantsessionassoc participant_id="p{number}" session_id="s1"/>'
        for number in numbers
    )
    xml = (
        '<recording xmlns="urn:ietf:params:xml:ns:recording:1"><datamode>complete</datamode>'
        f'<session session_id="s1"/>{people}</recording>'
    )
    parts = [("application/rs-metadata+xml", xml)]
    if description:
        parts.insert(0, ("application/sdp", description))
    return "".join(f"--part\r\nContent-Type: {kind}\r\n\r\n{text}\r\n" for kind, text in parts) + "--part--\r\n"


class Owner:
    """What the table asks and tells."""

    def __init__(self, **habits):
        self.verdict = Verdict()
        self.asked, self.shown, self.remembered = [], [], []
        self.covered: dict[int, int] = {}
        self.table = CallTable(
            Habits(**{"plan": NumberPlan()} | habits),
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

    def take_session(self, *numbers, at_ns=AT, verdict=None):
        """A recording client tells of these participants, whose roles it does not say."""
        self.verdict = verdict or self.verdict
        self.number = getattr(self, "number", 0) + 1
        body = metadata(numbers, sdp("192.0.2.1", 4000)) if self.number == 1 else metadata(numbers)
        more = {"body": body, "content_type": "multipart/mixed;boundary=part", "number": str(self.number)}
        tag = "" if self.number == 1 else "b"
        call = self.take(request("INVITE" if self.number == 1 else "UPDATE", tag=tag, **more), at_ns)
        if self.number == 1:
            self.take(response("200 OK", body=sdp("192.0.2.2", 5000)), at_ns)
        return call

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


@pytest.mark.parametrize("pauses", [[], [(AT + 40 * S, AT + 101 * S)]], ids=["", "in a pause"])
def test_a_recording_ends_after_the_longest_time_that_a_rule_lets_it_last(pauses):
    owner = Owner()
    owner.verdict = Verdict(longest_s=100.0)
    call = owner.begin()
    for since_ns, _ in pauses:
        owner.table.control(call, CallControl.PAUSE, since_ns)
    owner.table.turn(AT + 102 * S)
    assert (call.state, call.pauses) == (LiveState.STOPPED, [*pauses, (AT + 101 * S, 0)])
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
    assert "discarded" in owner.table.control(call, CallControl.KEEP, AT + 6 * S)
    assert not call.is_wanted


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
    assert owner.table.take_ended(now) == []
    (group,) = owner.table.take_ended(now + S // 20)
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


def test_rules_are_asked_again_when_it_becomes_known_who_takes_part():
    owner = Owner()
    owner.take_session("201")
    call = owner.take_session("201", "+4314005123", at_ns=AT + S, verdict=Verdict(recorded=Recorded.NO, rule="Never"))
    assert [outline.numbers for outline in owner.asked] == [("201",), ("201", "+4314005123")]
    assert (call.state, call.is_wanted, call.pauses) == (LiveState.LEFT_OUT, False, [(AT, 0)])


def test_who_must_not_be_recorded_and_joins_later_ends_the_recording_and_what_was_before_stays():
    owner = Owner()
    owner.take_session("201", "202", verdict=Verdict(rule="Sales"))
    never = Verdict(recorded=Recorded.NO, rule="Never")
    call = owner.take_session("201", "202", "203", at_ns=AT + 5 * S, verdict=never)
    assert (call.state, call.is_wanted, call.verdict.rule) == (LiveState.LEFT_OUT, True, "Never")
    assert (call.pauses, set(owner.covered.values())) == ([(AT + 5 * S, 0)], {AT + 5 * S})


def test_a_rule_that_decided_stays_when_another_one_would_record_too():
    owner = Owner()
    owner.take_session("201", "202", verdict=Verdict(rule="Sales"))
    call = owner.take_session("201", "202", "203", at_ns=AT + S, verdict=Verdict(rule="Everybody", longest_s=60.0))
    assert call.verdict == Verdict(rule="Sales")
    assert owner.asked[-1].decided_by == "Sales"


def test_what_is_told_again_is_not_asked_again():
    owner = Owner()
    for second in range(3):
        owner.take_session("201", "202", at_ns=AT + second * S)
    assert len(owner.asked) == 1


def test_a_paused_call_stays_paused_when_the_rules_are_asked_again():
    owner = Owner()
    call = owner.take_session("201")
    owner.table.control(call, CallControl.PAUSE, AT + S)
    owner.take_session("201", "202", at_ns=AT + 2 * S, verdict=Verdict(rule="Sales"))
    assert (call.state, call.verdict.rule) == (LiveState.PAUSED, "Sales")


@pytest.mark.parametrize(
    ("numbers", "is_external", "direction"),
    [
        (("201", "+4366412345"), True, Direction.UNKNOWN),
        (("201", "202"), False, Direction.INTERNAL),
        (("201",), None, Direction.UNKNOWN),
    ],
)
def test_where_nobody_says_who_called_a_call_is_internal_or_external(numbers, is_external, direction):
    owner = Owner()
    owner.take_session(*numbers)
    assert (owner.asked[0].is_external, owner.asked[0].direction) == (is_external, direction)


def test_a_recording_that_was_stopped_ends_there():
    owner = Owner()
    call = owner.begin()
    assert call.stopped_ns == 0
    owner.table.control(call, CallControl.STOP, AT + 5 * S)
    assert (call.stopped_ns, call.closed_pauses(AT + 9 * S)) == (AT + 5 * S, ((AT + 5 * S, AT + 9 * S),))


@pytest.mark.parametrize(("resumed_s", "is_throughout"), [(None, True), (9, True), (5, False)])
def test_a_call_that_was_paused_all_the_time_is_known_as_such(resumed_s, is_throughout):
    owner = Owner()
    call = owner.begin()
    owner.table.control(call, CallControl.PAUSE, AT + S)
    if resumed_s:
        owner.table.control(call, CallControl.RESUME, AT + resumed_s * S)
    assert call.is_paused_throughout(AT + 9 * S + S // 2) is is_throughout


def test_a_leg_of_a_transfer_is_known_as_such_after_a_crash_too():
    owner = Owner()
    owner.begin()
    owner.take(request("REFER", tag="b", headers="Refer-To: <sip:400@pbx>", by_called="yes", number="2"), AT + 5 * S)
    leg = owner.begin("c2", AT + 6 * S, "192.0.2.3", "192.0.2.4", called="400")
    assert leg.dialog.interaction == "c1"
    invite = request("INVITE", "c2", body=sdp("192.0.2.3", 4000), called="400")
    after = Owner()
    after.table.replay(invite, write_message(invite), AT + 6 * S, owner.remembered[-1])
    assert after.table.calls["c2"].dialog.interaction == "c1"


BRIDGE = "x-refci=7;x-nearenddevice=SEP1;x-nearendaddr=2000;x-farendaddr=+4930123456;x-farenddevice=Trk"


def begin_end(owner, end, at_ns=AT):
    """One of the two dialogs of a phone's built-in bridge: the recorder offers, the phone answers in its ACK."""
    people = {"caller": f"2000@ucm;x-{end}end;{BRIDGE}", "called": "8888"}
    port = 4000 if end == "near" else 4002
    owner.take(request("INVITE", end, **people), at_ns)
    answer = response(
        "200 OK", call_id=end, body=sdp("192.0.2.9", port + 1000), headers="Contact: <sip:r@x>;+sip.srs", **people
    )
    owner.take(answer, at_ns + 1)
    return owner.take(
        request("ACK", end, tag="b", body=sdp("192.0.2.1", port, direction="sendonly"), **people), at_ns + 2
    )


def end_end(owner, end, at_ns):
    owner.take(request("BYE", end, tag="b", number="2"), at_ns)


def test_both_ends_of_a_bridge_are_one_call_that_is_decided_on_once_with_both_numbers():
    owner = Owner()
    near, far = begin_end(owner, "near"), begin_end(owner, "far", AT + S)
    assert (near.leader, far.leader) == ("", "near")
    (outline,) = owner.asked
    assert (outline.numbers, outline.users) == (("2000", "+4930123456"), ("2000",))


def test_who_comes_first_leads_whichever_end_it_is():
    owner = Owner()
    far, near = begin_end(owner, "far"), begin_end(owner, "near", AT + S)
    assert (far.leader, near.leader) == ("", "far")


def test_what_people_do_to_a_call_is_done_to_both_of_its_ends():
    owner = Owner()
    near, far = begin_end(owner, "near"), begin_end(owner, "far", AT + S)
    owner.table.control(near, CallControl.PAUSE, AT + 5 * S)
    assert (near.state, far.state, len(owner.covered)) == (LiveState.PAUSED, LiveState.PAUSED, 2)
    owner.table.control(near, CallControl.RESUME, AT + 6 * S)
    assert (near.state, far.pauses, owner.covered) == (LiveState.RECORDING, [(AT + 5 * S, AT + 6 * S)], {})
    owner.table.control(near, CallControl.DISCARD, AT + 7 * S)
    assert (near.is_wanted, far.is_wanted) == (False, False)


def test_an_end_that_comes_while_the_call_is_paused_is_paused_from_its_beginning():
    owner = Owner()
    near = begin_end(owner, "near")
    owner.table.control(near, CallControl.PAUSE, AT + S)
    far = begin_end(owner, "far", AT + 2 * S)
    assert (far.state, len(owner.covered)) == (LiveState.PAUSED, 2)


@pytest.mark.parametrize("first", ["near", "far"])
def test_the_end_that_is_over_waits_for_the_other(first):
    owner = Owner()
    begin_end(owner, "near"), begin_end(owner, "far", AT + S)
    other = {"near": "far", "far": "near"}[first]
    end_end(owner, first, AT + 10 * S)
    assert owner.table.take_ended(AT + 20 * S) == []
    assert owner.shown[-1][0] == "near"
    assert not owner.table.ends.is_over(owner.table.calls["near"])
    end_end(owner, other, AT + 30 * S)
    (group,) = owner.table.take_ended(AT + 30 * S + LINGER_NS + 1)
    assert [call.id for call in group] == ["near", "far"]
    assert not owner.table.calls


def test_both_ends_are_one_call_after_a_crash_too():
    owner = Owner()
    owner.verdict = Verdict(recorded=Recorded.NO, rule="Never")
    calls = [begin_end(owner, "near"), begin_end(owner, "far", AT + S)]
    after = Owner()
    for call in calls:
        for at_ns, content in call.messages:
            after.table.replay(read_message(content), content, at_ns, call.memory())
    near, far = after.table.calls.values()
    assert (near.leader, far.leader, far.is_wanted) == ("", "near", False)
    end_end(after, "far", AT + 5 * S), end_end(after, "near", AT + 6 * S)
    (group,) = after.table.take_ended(AT + 9 * S)
    assert len(group) == 2
    assert after.asked == []


def test_the_next_call_of_the_same_bridge_is_another_one():
    owner = Owner()
    begin_end(owner, "near"), begin_end(owner, "far")
    end_end(owner, "near", AT + 5 * S), end_end(owner, "far", AT + 5 * S)
    assert len(owner.table.take_ended(AT + 9 * S)) == 1
    assert begin_end(owner, "near", AT + 10 * S).leader == ""
    assert len(owner.asked) == 2
