"""Several senders on one way: who takes over, who is heard at the same time, and who only crowds it."""

import numpy as np

from plugins.pbx_sip.rtp.senders import leave_out_crowd, tell_voices_apart
from tests.doubles.rtp_stream import Sender, received


def voices_of(*senders: Sender) -> list[list[int]]:
    """The SSRCs of each voice."""
    packets = received([each for sender in senders for each in sender.sent])
    return [np.unique(packets.ssrc[rows]).tolist() for rows in tell_voices_apart(packets)]


def spoken(ssrc: int, at_s: float, packets: int) -> Sender:
    return Sender(ssrc=ssrc, at_s=at_s).send([bytes(160)] * packets)


def test_who_takes_over_from_another_is_the_same_voice_even_if_they_overlap_for_a_moment() -> None:
    assert voices_of(spoken(1, 0, 250), spoken(2, 4.6, 250), spoken(3, 9.4, 100)) == [[1, 2, 3]]


def test_two_that_are_heard_at_the_same_time_are_two_voices() -> None:
    assert voices_of(spoken(1, 0, 300), spoken(2, 2, 150), spoken(3, 6.5, 100)) == [[1, 3], [2]]


def test_one_that_falls_silent_while_another_plays_is_one_voice_with_it() -> None:
    before = spoken(1, 0, 100)
    assert voices_of(before.pause(5).send([bytes(160)] * 100), spoken(2, 2.1, 240)) == [[1, 2]]


def test_a_packet_that_opens_the_way_for_others_is_no_voice() -> None:
    assert voices_of(spoken(1, 0, 300), spoken(2, 2, 3)) == [[1, 2]]


def test_of_a_crowd_those_are_kept_who_sent_the_most() -> None:
    crowd = [(number * 1000, packet) for number in range(5000) for _, packet in spoken(number + 10, 0, 1).sent]
    packets = leave_out_crowd(received([*spoken(1, 0, 300).sent, *crowd]))
    assert np.count_nonzero(packets.ssrc == 1) == 300
    assert len(packets) == 300
    assert len(np.unique(leave_out_crowd(received(crowd)).ssrc)) == 200
