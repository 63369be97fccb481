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


def test_two_recorders_with_the_same_range_never_hand_out_the_same_port() -> None:
    pools = [PortPool(31000, 31999), PortPool(31000, 31999)]
    taken = [pool.take() for _ in range(150) for pool in pools]
    assert len(set(taken)) == len(taken) == 300
    more = [pools[0].take() for _ in range(len(pools[0]) - 200)]
    assert not set(more) & set(taken)
    with pytest.raises(NoPorts, match="another device"):
        pools[0].take()
    pools[1].close()
    assert pools[0].take() not in {*taken[::2], *more}


def test_a_port_is_not_used_again_soon_while_others_never_were() -> None:
    now_s = 0.0
    pool = PortPool(32000, 32999, lambda: now_s)
    first = pool.take()
    for _ in range(99):
        pool.free(pool.take())
    pool.free(first)
    assert pool.take() // 200 == 32200 // 200
    now_s = 31.0
    assert pool.take() == 32202
    pool.close()


def test_a_block_with_ports_from_before_a_restart_is_ours_again() -> None:
    pool, other = PortPool(33000, 33399), PortPool(33000, 33399)
    pool.claim(33004)
    assert {other.take() for _ in range(100)} == set(range(33200, 33400, 2))
    assert 33004 not in {pool.take() for _ in range(99)}
    pool.close()
    other.close()


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
