"""Keys that INFO tells of, over all hops of a call."""

from hypothesis import given
from hypothesis import strategies as st

from plugins.pbx_sip.calls.dialog import Side, ToldKey
from plugins.pbx_sip.calls.keys import join_keys, read_key
from tests.doubles.sip_text import request

S = 1_000_000_000


def told(*keys, side=Side.CALLER):
    return [ToldKey(at_ns=round(at_s * S), side=side, key=key) for at_s, key in keys]


def test_a_key_that_a_hop_passes_on_was_pressed_once():
    joined = join_keys([told((1.0, "5"), (2.0, "5"), (2.2, "5")), told((1.1, "5"), (2.1, "5"), (2.3, "5"))])
    assert [key.at_ns / S for key in joined] == [1.0, 2.0, 2.2]


def test_a_key_of_which_only_one_hop_tells_is_kept():
    joined = join_keys([told((1.0, "5")), told((1.1, "5"), (4.0, "#"))])
    assert [(key.at_ns / S, key.key) for key in joined] == [(1.0, "5"), (4.0, "#")]


def test_both_sides_may_press_the_same_key_at_once():
    joined = join_keys([told((1.0, "5")), told((1.0, "5"), side=Side.CALLED)])
    assert [key.side for key in joined] == [Side.CALLER, Side.CALLED]


@given(st.text(), st.sampled_from(["application/dtmf-relay", "application/dtmf", "text/plain"]))
def test_whatever_info_says_is_a_key_or_none(body, content_type):
    assert read_key(request("INFO", body="".join(filter(str.isascii, body)), content_type=content_type)) in {
        "",
        *"0123456789*#ABCD",
    }
