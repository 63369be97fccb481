"""What must not reach the journal does not."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from plugins.pbx_sip.engine.masks import Masks
from plugins.pbx_sip.packets.datagrams import Datagrams

ONE, OTHER, THIRD = 10, 20, 30


def datagrams(rows: list[tuple[int, int, int]]) -> Datagrams:
    """(time, source, target) each."""
    return Datagrams(
        buffer=np.zeros(1, np.uint8),
        time_ns=np.array([row[0] for row in rows], np.int64),
        source=np.array([row[1] for row in rows], np.uint64),
        target=np.array([row[2] for row in rows], np.uint64),
        offset=np.zeros(len(rows), np.int64),
        length=np.ones(len(rows), np.int32),
    )


def test_media_of_a_paused_call_is_left_out_both_ways_and_other_media_kept():
    masks = Masks()
    masks.cover([ONE], 100)
    kept = masks.leave(datagrams([(99, ONE, OTHER), (100, ONE, OTHER), (101, OTHER, ONE), (101, OTHER, THIRD)]))
    assert kept.time_ns.tolist() == [99, 101]


def test_media_after_the_pause_is_kept_again():
    masks = Masks()
    masks.cover([ONE], 100)
    masks.uncover([ONE], 200)
    kept = masks.leave(datagrams([(150, ONE, OTHER), (200, ONE, OTHER), (250, OTHER, ONE)]))
    assert kept.time_ns.tolist() == [200, 250]


def test_a_pause_that_is_told_twice_is_one():
    masks = Masks()
    masks.cover([ONE], 100)
    masks.cover([ONE], 150)
    masks.uncover([ONE], 200)
    assert masks.leave(datagrams([(300, ONE, OTHER)])).time_ns.tolist() == [300]


def test_pauses_that_are_long_over_are_forgotten():
    masks = Masks()
    masks.cover([ONE], 100)
    masks.uncover([ONE], 200)
    masks.forget(200 + 11 * 10**9)
    assert len(masks) == 0


@given(
    st.lists(st.tuples(st.sampled_from([ONE, OTHER, THIRD]), st.booleans(), st.integers(0, 40)), max_size=12),
    st.lists(
        st.tuples(st.integers(0, 50), st.sampled_from([ONE, OTHER, 99]), st.sampled_from([THIRD, 98])), max_size=30
    ),
)
def test_a_datagram_is_kept_exactly_when_neither_end_was_covered_at_its_time(deeds, rows):
    masks, spans, now = Masks(), {}, 0
    for endpoint, covers, step in deeds:
        now += step
        mine = spans.setdefault(endpoint, [])
        if covers:
            masks.cover([endpoint], now)
            if not mine or mine[-1][1] is not None:
                mine.append([now, None])
        else:
            masks.uncover([endpoint], now)
            if mine and mine[-1][1] is None:
                mine[-1][1] = now
    expected = [
        at
        for at, *ends in rows
        if not any(first <= at and (last is None or at < last) for end in ends for first, last in spans.get(end, []))
    ]
    assert masks.leave(datagrams(rows)).time_ns.tolist() == expected
