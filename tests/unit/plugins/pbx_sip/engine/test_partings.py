"""When calls that are over are finished: not before their last packets are there, and not never."""

import pytest

from plugins.pbx_sip.engine.partings import LINGER_NS
from tests.unit.plugins.pbx_sip.engine.test_call_table import AT, Owner, S, begin_end, end_end
from tests.unit.plugins.pbx_sip.engine.test_related_calls import begin, end

TURN_S = 0.25


def pour(owner, calls, every_s, length_s):
    """Calls that begin and end one after the other, each between phones of its own."""
    for number in range(calls):
        ends = ((f"192.0.2.{number}", 4000), (f"198.51.100.{number}", 5000))
        begin(owner, f"c{number}", number * every_s, ends, (f"1{number:03}", f"5{number:03}"))
        end(owner, f"c{number}", number * every_s + length_s)


def take(owner, from_s, until_s):
    """What is finished, and when."""
    turns = round((until_s - from_s) / TURN_S)
    moments = (from_s + turn * TURN_S for turn in range(turns))
    return [(at_s, group) for at_s in moments for group in owner.table.take_ended(AT + round(at_s * S))]


@pytest.mark.parametrize("every_s", [0.05, 0.2, 0.45])
def test_calls_that_end_in_a_row_are_finished_when_each_of_them_has_been_over_for_a_while(every_s):
    owner = Owner(joins_hops=True)
    pour(owner, 60, every_s, 8.0)
    taken = take(owner, 8.0, 8.0 + 60 * every_s + 9.0)
    waited_s = [at_s - (call.dialog.ended_ns - AT) / S for at_s, group in taken for call in group]
    assert len(waited_s) == 60
    assert min(waited_s) > LINGER_NS / S
    assert max(waited_s) <= 3 * LINGER_NS / S + TURN_S
    assert not owner.table.calls


def test_hops_that_end_while_another_call_is_finished_stay_together():
    owner = Owner(joins_hops=True)
    begin(owner, "a", 0.0, (("192.0.2.1", 4000), ("192.0.2.2", 5000)), ("101", "501"))
    begin(owner, "b", 0.3, (("192.0.2.3", 4000), ("192.0.2.2", 5000)), ("102", "502"))
    begin(owner, "c", 0.4, (("192.0.2.4", 4000), ("192.0.2.5", 5000)), ("102", "502"))
    end(owner, "a", 10.0), end(owner, "b", 12.5)
    assert owner.table.take_ended(AT + 10 * S + LINGER_NS + S // 20) == []
    end(owner, "c", 12.6)
    ((_, group),) = take(owner, 12.6, 18.0)
    assert [call.id for call in group] == ["a", "b", "c"]


def test_the_end_of_a_bridge_that_is_over_last_has_its_while_too():
    owner = Owner()
    begin_end(owner, "near"), begin_end(owner, "far", AT + S)
    end_end(owner, "near", AT + 10 * S), end_end(owner, "far", AT + 30 * S)
    assert owner.table.take_ended(AT + 30 * S + LINGER_NS) == []
    (group,) = owner.table.take_ended(AT + 30 * S + LINGER_NS + 1)
    assert [call.id for call in group] == ["near", "far"]
