"""Captures that do not tell when packets came."""

import numpy as np
import pytest

from plugins.pbx_sip.rtp.arrivals import is_timed, make_up_times
from plugins.pbx_sip.rtp.packets import find_senders
from tests.doubles.rtp_stream import BEGAN_NS, Sender, received

FRAME = bytes(160)


def timeless(*senders):
    sent = [each for _, each in sorted((each for sender in senders for each in sender.sent), key=lambda each: each[0])]
    return received([(number * 1000, each) for number, each in enumerate(sent)])


def seconds(packets, ssrc):
    return (packets.time_ns[find_senders(packets)[ssrc]] - BEGAN_NS) / 1e9


def test_packets_that_come_faster_than_anybody_sends_have_no_times():
    assert is_timed(500, 10_000_000_000)
    assert not is_timed(500, 0)
    assert not is_timed(500, 500_000)
    assert is_timed(3, 0)


def test_each_packet_comes_when_its_sound_began_silence_and_all():
    packets = make_up_times(timeless(Sender(ssrc=1).send([FRAME] * 50).pause(3.0).send([FRAME] * 50)), 8000)
    assert seconds(packets, 1).tolist() == pytest.approx([*np.arange(50) * 0.02, *(4.0 + np.arange(50) * 0.02)])


def test_one_sender_goes_on_where_the_other_ends_and_a_clock_that_leaps_is_another_one():
    leaping = Sender(ssrc=9).send([FRAME] * 50)
    leaping.timestamp = (leaping.timestamp + (1 << 31)) & 0xFFFFFFFF
    packets = make_up_times(timeless(leaping.send([FRAME] * 50), Sender(ssrc=1, at_s=2.0).send([FRAME] * 10)), 8000)
    assert seconds(packets, 9)[-1] == pytest.approx(1.96)
    assert seconds(packets, 1)[0] == pytest.approx(1.96)
    assert (np.diff(packets.time_ns) >= 0).all()
