"""Calls that a PBX takes and passes on as calls of its own: one call, which the rules see with all who take part."""

import pytest

from hub.sdk import LiveState, Recorded, Verdict
from tests.doubles.sip_text import request, response, sdp
from tests.unit.plugins.pbx_sip.engine.test_call_table import AT, Owner, S

TRUNK, PBX, PHONE = "192.0.2.1", "192.0.2.2", "192.0.2.3"
NEVER, ALWAYS = Verdict(recorded=Recorded.NO, rule="Never 203"), Verdict(rule="Everybody")


class Exchange(Owner):
    """A PBX that takes calls to a group and calls its members. forbidden: a number whose calls are never recorded."""

    def __init__(self, forbidden="", **habits):
        super().__init__(joins_hops=True, **habits)
        self.forbidden = forbidden

    def decide(self, outline):
        self.asked.append(outline)
        return NEVER if self.forbidden in {outline.caller, outline.called, *outline.numbers} - {""} else ALWAYS

    def ring(self, call_id, caller, called, hosts, at_ns=AT):
        people = {"caller": caller, "called": called}
        self.take(request("INVITE", call_id, body=sdp(hosts[0], 4000), **people), at_ns)

    def answer(self, call_id, caller, called, hosts, at_ns=AT + S):
        people = {"caller": caller, "called": called}
        return self.take(response("200 OK", call_id=call_id, body=sdp(hosts[1], 5000), **people), at_ns)


IN, ON = ("in", "+4366412345", "500", (TRUNK, PBX)), ("on", "+4366412345", "203", (PBX, PHONE))


@pytest.fixture
def exchange():
    def make(forbidden="", first=IN, second=ON, answered=("on", "in"), apart_ns=S // 100):
        owner = Exchange(forbidden)
        owner.ring(*first)
        owner.ring(*second, at_ns=AT + S // 10)
        calls = {each[0]: each for each in (first, second)}
        for number, name in enumerate(answered):
            owner.answer(*calls[name], at_ns=AT + S + number * apart_ns)
        return owner, owner.table.calls["in"], owner.table.calls["on"]

    return make


@pytest.mark.parametrize("answered", [("on", "in"), ("in", "on")])
def test_who_must_not_be_recorded_is_not_when_he_answers_for_a_group(exchange, answered):
    owner, incoming, passed_on = exchange("203", answered=answered)
    assert (incoming.state, passed_on.state) == (LiveState.LEFT_OUT, LiveState.LEFT_OUT)
    assert (passed_on.leader, incoming.verdict.rule) == ("in", "Never 203")
    assert owner.covered.keys() == owner.table.endpoints_of(incoming)
    assert len(owner.covered) == 4


@pytest.mark.parametrize("answered", [("on", "in"), ("in", "on")])
def test_a_call_that_is_passed_on_is_one_call_with_all_who_take_part(exchange, answered):
    owner, incoming, passed_on = exchange(answered=answered)
    assert (incoming.state, passed_on.state, owner.covered) == (LiveState.RECORDING, LiveState.RECORDING, {})
    assert passed_on.leader == "in"
    assert (owner.asked[-1].called, owner.asked[-1].numbers) == ("500", ("203",))
    assert {"500", "203"} <= set(owner.asked[-1].users)


@pytest.mark.parametrize(
    "more",
    [
        {"second": ("on", "+4366499999", "203", (PBX, PHONE))},  # another caller
        {"second": ("on", "+4366412345", "203", ("192.0.2.9", PHONE))},  # another machine calls
        {"first": ("in", "anonymous", "500", (TRUNK, PBX)), "second": ("on", "anonymous", "203", (PBX, PHONE))},
        {"apart_ns": 3 * S},
    ],
)
def test_calls_that_are_not_passed_on_are_decided_on_by_themselves(exchange, more):
    _, incoming, other = exchange("203", **more)
    assert (incoming.state, other.state, other.leader) == (LiveState.RECORDING, LiveState.LEFT_OUT, "")


def test_a_call_that_is_passed_on_twice_has_one_leader(exchange):
    owner, *_ = exchange("207", answered=())
    last = ("last", "+4366412345", "207", (PHONE, "192.0.2.4"))
    owner.ring(*last, at_ns=AT + S // 5)
    for number, each in enumerate((last, ON, IN)):
        owner.answer(*each, at_ns=AT + S + number * S // 100)
    assert [call.leader for call in owner.table.calls.values()] == ["", "in", "in"]
    assert {call.state for call in owner.table.calls.values()} == {LiveState.LEFT_OUT}
    assert len(owner.covered) == 6
