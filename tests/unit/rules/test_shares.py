"""A share is counted, never left to chance."""

from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.rules.shares import STATE_KEY, Shares
from hub.sdk import RetryLater
from hub.testing import FakeState

PERCENT = st.integers(1, 100)


def takes(shares: Shares, percent: int, calls: int) -> list[bool]:
    return [shares.takes(1, percent) for _ in range(calls)]


def longest_drought(taken: list[bool]) -> int:
    return max(len(run) for run in "".join("x" if one else "." for one in taken).split("x"))


@given(PERCENT)
def test_of_any_calls_in_a_row_that_make_up_one_at_least_one_is_recorded(percent):
    window = ceil(100 / percent)
    taken = takes(Shares(), percent, 400)
    assert taken[0]
    assert longest_drought(taken) < window


@given(PERCENT, st.integers(1, 1000))
def test_the_share_in_the_long_run_is_right_to_one_call(percent, calls):
    assert abs(sum(takes(Shares(), percent, calls)) - calls * percent / 100) < 1


def test_a_quarter_is_every_fourth_call():
    assert takes(Shares(), 25, 9) == [True, False, False, False, True, False, False, False, True]


def test_every_rule_counts_for_itself():
    shares = Shares()
    assert [shares.takes(rule, 50) for rule in (1, 2, 1, 2, 1)] == [True, True, False, False, True]


@given(PERCENT, st.integers(0, 30), st.integers(1, 200))
def test_a_stop_in_order_goes_on_where_it_was(percent, before, after):
    state, shares, whole = FakeState(), Shares(), Shares()
    shares.open(state)
    taken = takes(shares, percent, before)
    shares.close()
    again = Shares()
    again.open(state)
    assert taken + takes(again, percent, after) == takes(whole, percent, before + after)


@given(PERCENT, st.lists(st.integers(0, 7), min_size=1, max_size=12))
def test_crashes_repeat_a_recording_and_never_skip_one(percent, lives):
    state, taken = FakeState(), []
    for calls in lives:
        shares = Shares()
        shares.open(state)  # and is never closed
        taken += takes(shares, percent, calls)
    assert longest_drought(taken) < ceil(100 / percent)


def test_nothing_stale_lies_in_the_state_while_calls_are_counted():
    state, shares = FakeState(), Shares()
    state.put(STATE_KEY, {"1": 75})
    shares.open(state)
    assert state.get(STATE_KEY) is None
    assert takes(shares, 25, 2) == [False, True]


class BrokenState(FakeState):
    """The disk is away."""

    def get(self, key):
        raise RetryLater("The plug-in's memory cannot be used.")


def test_a_memory_that_cannot_be_used_costs_no_recording():
    shares = Shares()
    shares.open(BrokenState())
    assert takes(shares, 50, 3) == [True, False, True]
    shares.close()


@pytest.mark.parametrize("percent", [1, 33, 67, 99, 100])
def test_the_first_call_is_recorded(percent):
    assert Shares().takes(1, percent)
