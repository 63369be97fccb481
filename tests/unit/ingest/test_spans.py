from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from hub.ingest.spans import clip, subtract, unite

spans = st.lists(st.tuples(st.integers(-20, 60), st.integers(-20, 60)), max_size=8)


def moments(of):
    return {moment for start, stop in of for moment in range(start, stop)}


@given(spans)
def test_united_spans_hold_the_same_moments_in_order_and_apart(some):
    united = unite(some)
    assert moments(united) == moments(some)
    assert all(start < stop for start, stop in united)
    assert all(one[1] < other[0] for one, other in pairwise(united))


@given(spans, spans)
def test_what_is_subtracted_is_gone_and_nothing_else(some, others):
    assert moments(subtract(some, others)) == moments(some) - moments(others)


@given(spans, st.integers(-20, 60), st.integers(-20, 60))
def test_nothing_is_left_outside_of_where_it_is_clipped(some, start, stop):
    assert moments(clip(some, start, stop)) == moments(some) & set(range(start, stop))
