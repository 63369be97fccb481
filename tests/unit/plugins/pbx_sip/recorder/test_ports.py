"""Ports for media."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.pbx_sip.recorder.ports import NoPorts, PortPool


def test_the_port_that_rested_longest_is_taken_first() -> None:
    pool = PortPool(30001, 30006)
    assert [pool.take(), pool.take()] == [30002, 30004]
    with pytest.raises(NoPorts, match="all 2 pairs"):
        pool.take()
    pool.free(30004)
    pool.free(30002)
    pool.free(40000)
    assert [pool.take(), pool.take(), len(pool)] == [30004, 30002, 0]


def test_a_port_in_use_before_a_restart_is_not_handed_out() -> None:
    pool = PortPool(30000, 30003)
    for port in (30000, 30000, 50000):
        pool.claim(port)
    assert pool.take() == 30002


@pytest.mark.parametrize(("first", "last"), [(30001, 30002), (30000, 30000), (0, 10), (65535, 65536), (30010, 30000)])
def test_a_range_without_a_pair_is_refused(first: int, last: int) -> None:
    with pytest.raises(ValueError, match="no pair"):
        PortPool(first, last)


@given(st.lists(st.integers(0, 5)))
def test_no_port_is_ever_in_use_twice(steps: list[int]) -> None:
    pool, used = PortPool(30000, 30009), []
    for step in steps:
        if step < 4 and len(pool):
            used.append(pool.take())
        elif used:
            pool.free(used.pop(step % len(used)))
        assert len(set(used)) == len(used) == 5 - len(pool)
