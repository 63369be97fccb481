"""When calls that are over are finished: not before their last packets are there, and not never."""

import copy
import random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.pbx_sip.calls.neighbours import may_be_hops
from plugins.pbx_sip.engine import partings
from plugins.pbx_sip.engine.partings import LINGER_NS, find_partings
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


def gather_plainly(relations, first):
    """What `gather` does, by comparing a call with all others."""
    group, others = [first], {call.id: call for call in relations._over if call is not first}
    for call in group:
        related = {each.id for each in relations._ends.of(call)}
        if relations._joins_hops:
            related |= {each.id for each in others.values() if may_be_hops(call.dialog, each.dialog)}
        group += [others.pop(call_id) for call_id in list(others) if call_id in related]
    return group


def part(owner, at_s):
    """What is finished at a moment by its calls, and how long the others wait."""
    calls = {call_id: copy.copy(call) for call_id, call in owner.table.calls.items()}
    groups = list(find_partings(calls, owner.table.ends, AT + round(at_s * S), joins_hops=owner.joins_hops))
    return [[call.id for call in group] for group in groups], {call.id: call.waits_ns for call in calls.values()}


def pour_at_random(dice, calls, *, hosts, ports, lasts_s):
    """Calls among a few endpoints that begin and end within some time; some last on."""
    joins_hops = dice.random() < 0.8
    owner = Owner(joins_hops=joins_hops)
    owner.joins_hops = joins_hops

    def place():
        return f"192.0.2.{dice.randrange(hosts)}", 4000 + 2 * dice.randrange(ports)

    told = []
    for number in range(calls):
        begun_s = dice.uniform(0.0, lasts_s)
        told.append((begun_s, f"c{number}", True))
        if dice.random() < 0.9:
            told.append((begun_s + dice.choice((0.2, 2.0, lasts_s / 2)) * dice.random(), f"c{number}", False))
    for at_s, name, is_begin in sorted(told):
        if is_begin:
            begin(owner, name, at_s, (place(), place()), (str(dice.randrange(100, 110)), str(dice.randrange(500, 520))))
        else:
            end(owner, name, at_s)
    return owner


@settings(max_examples=80, deadline=None)
@given(seed=st.integers(0, 1 << 32), at_s=st.floats(2.0, 16.0), hosts=st.integers(2, 200), ports=st.integers(1, 200))
def test_calls_are_parted_as_if_each_were_compared_with_all_others(seed, at_s, hosts, ports):
    owner = pour_at_random(random.Random(seed), 25, hosts=hosts, ports=ports, lasts_s=6.0)
    found = part(owner, at_s)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(partings._Relations, "gather", gather_plainly)
        assert part(owner, at_s) == found


def test_thousands_of_calls_are_parted_by_few_comparisons(monkeypatch):
    owner = Owner(joins_hops=True)
    dice = random.Random(7)
    lengths_s = [dice.uniform(5.0, 300.0) for _ in range(3000)]
    for number, length_s in enumerate(lengths_s):
        ends = (f"10.{number >> 8}.{number & 255}.1", 4000), (f"10.{number >> 8}.{number & 255}.2", 5000)
        begin(owner, f"c{number}", 300.0 - length_s, ends, (f"1{number:04}", f"5{number:04}"))
        end(owner, f"c{number}", 300.0 + number / 3000)
    compared = []
    monkeypatch.setattr(partings, "may_be_hops", lambda *pair: compared.append(pair) or may_be_hops(*pair))
    groups = owner.table.take_ended(AT + 310 * S)
    assert sum(map(len, groups)) == 3000
    assert len(compared) < 3000 * 100
