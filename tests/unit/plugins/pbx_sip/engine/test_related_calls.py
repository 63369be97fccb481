"""Which calls that go on, or are over, are taken for hops of one, and which are not."""

import pytest

from hub.sdk import CallControl, LiveState
from plugins.pbx_sip.engine.partings import LINGER_NS
from tests.doubles.sip_text import request, response, sdp
from tests.unit.plugins.pbx_sip.engine.test_call_table import AT, Owner, S, metadata


def begin(owner, call_id, at_s, ends, numbers=("201", "305")):
    """A call between two endpoints that is answered a second later."""
    people = dict(zip(("caller", "called"), numbers, strict=True))
    owner.take(request("INVITE", call_id, body=sdp(*ends[0]), **people), AT + round(at_s * S))
    answer = response("200 OK", call_id=call_id, body=sdp(*ends[1]), **people)
    return owner.take(answer, AT + round((at_s + 1) * S))


def end(owner, call_id, at_s):
    owner.take(request("BYE", call_id, tag="b", number="2"), AT + round(at_s * S))


PHONE, INSIDE, OUTSIDE, LINE = ("192.0.2.1", 4000), ("192.0.2.5", 5000), ("192.0.2.6", 5000), ("192.0.2.9", 6000)


@pytest.mark.parametrize(("ended_s", "groups"), [(60.1, [["c1", "c2"]]), (61.5, [["c1"], ["c2"]])])
def test_legs_with_other_numbers_that_begin_and_end_together_are_made_together(ended_s, groups):
    owner = Owner(joins_hops=True)
    begin(owner, "c1", 0.0, (PHONE, INSIDE))
    begin(owner, "c2", 0.1, (OUTSIDE, LINE), ("+4315550201", "0012"))
    end(owner, "c1", 60.0), end(owner, "c2", ended_s)
    taken = owner.table.take_ended(AT + 62 * S + LINGER_NS)
    assert sorted([call.id for call in group] for group in taken) == groups


def test_a_call_on_the_port_of_one_whose_end_was_missed_is_decided_on_for_itself():
    owner = Owner(joins_hops=True)
    first = begin(owner, "c1", 0.0, (PHONE, INSIDE))
    second = begin(owner, "c2", 60.0, (PHONE, LINE), ("201", "306"))
    assert (first.leader, second.leader, len(owner.asked)) == ("", "", 2)


def test_callers_of_a_bridge_with_one_port_are_decided_on_each():
    owner = Owner(joins_hops=True)
    for number in range(3):
        call = begin(owner, f"c{number}", number / 2, ((f"192.0.2.{number + 1}", 4000), INSIDE), (f"20{number}", "800"))
        assert call.leader == ""
    assert len(owner.asked) == 3


def test_sessions_of_one_recording_client_that_begin_together_are_decided_on_each():
    owner = Owner(joins_hops=True)
    for number in range(3):
        body = metadata([f"20{number}", f"30{number}"], sdp("192.0.2.1", 4000 + 10 * number))
        more = {"caller": "src", "called": "srs", "body": body, "content_type": "multipart/mixed;boundary=part"}
        call = owner.take(request("INVITE", f"c{number}", **more), AT + number * S // 10)
        assert call.leader == ""
    assert [outline.numbers for outline in owner.asked] == [("200", "300"), ("201", "301"), ("202", "302")]


def test_media_at_a_port_that_was_lent_to_another_call_is_known_again_when_that_is_over():
    owner = Owner(joins_hops=True)
    begin(owner, "c1", 0.0, (PHONE, INSIDE))
    begin(owner, "c2", 10.0, (PHONE, LINE), ("201", "306"))
    port = owner.table.endpoints.key(bytes(map(int, PHONE[0].split("."))), PHONE[1])
    assert owner.table.call_at(port).id == "c2"
    end(owner, "c2", 20.0)
    owner.table.take_ended(AT + 30 * S)
    assert owner.table.call_at(port).id == "c1"


def test_a_paused_call_stays_covered_when_one_that_used_its_port_is_over():
    owner = Owner(joins_hops=True)
    first = begin(owner, "c1", 0.0, (PHONE, INSIDE))
    begin(owner, "c2", 10.0, (PHONE, LINE), ("201", "306"))
    owner.table.control(first, CallControl.PAUSE, AT + 15 * S)
    end(owner, "c2", 20.0)
    owner.table.take_ended(AT + 30 * S)
    assert (first.state, owner.covered.keys()) == (LiveState.PAUSED, owner.table.endpoints_of(first))


def test_hops_that_keep_the_call_id_are_decided_on_once_and_made_together():
    owner = Owner(joins_hops=True)
    first = begin(owner, "c1", 0.0, (PHONE, INSIDE))
    tags = {"call_id": "c1", "caller": "+4315550201", "called": "0012", "caller_tag": "x", "tag": "y"}
    begun = request("INVITE", body=sdp(*OUTSIDE), via="192.0.2.6;branch=z9hG4bK2", **tags | {"tag": ""})
    second = owner.take(begun, AT + 20 * S)
    owner.take(response("200 OK", body=sdp(*LINE), via="192.0.2.6;branch=z9hG4bK2", **tags), AT + 21 * S)
    assert (first.leader, second.leader, len(owner.asked)) == ("", "c1", 1)
    owner.take(request("BYE", number="2", via="192.0.2.6;branch=z9hG4bK3", **tags), AT + 60 * S)
    end(owner, "c1", 61.5)
    (group,) = owner.table.take_ended(AT + 62 * S + LINGER_NS)
    assert group == [first, second]
