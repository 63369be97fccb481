"""Senders whose clock does not count as their coding has it: their sound keeps its length and its pitch."""

import numpy as np
import pytest

from plugins.pbx_sip.media.clocks import set_clocks_right
from plugins.pbx_sip.media.coding import Coding, find_coding
from plugins.pbx_sip.media.lanes import Stretch, decode
from plugins.pbx_sip.rtp.runs import find_runs
from tests.doubles.rtp_stream import BEGAN_NS, Sender, cut, received
from tests.doubles.talk import tone


def coding_of(name: str, clock_hz: int = 8000) -> Coding:
    found = find_coding(name, clock_hz, {})
    assert found is not None
    return found


def pieces_of(sender: Sender, coding: Coding) -> list[np.ndarray]:
    """The sound of each run of what a sender sent."""
    packets = set_clocks_right(received(sender.sent), coding)
    runs = find_runs(packets, coding.clock_hz, BEGAN_NS)
    return [decode(Stretch(packets=packets, run=run, coding=coding)) for run in runs]


@pytest.mark.parametrize("clock_hz", [16_000, 4000, 48_000])
def test_a_clock_of_another_rate_is_measured_and_the_sound_is_as_it_was_said(clock_hz: int) -> None:
    said = tone(440, 10)
    [sound] = pieces_of(Sender(clock_hz=clock_hz).send(cut(said)), coding_of("PCMU"))
    [right] = pieces_of(Sender().send(cut(said)), coding_of("PCMU"))
    assert np.array_equal(sound, right)


def test_a_clock_that_stands_still_is_replaced_by_the_count_of_packets() -> None:
    said = tone(440, 5)
    sender = Sender(clock_hz=0).send(cut(said))
    del sender.sent[100]  # lost on the way
    [sound] = pieces_of(sender, coding_of("PCMU"))
    assert len(sound) == 5 * 8000


def test_a_standing_clock_is_followed_through_a_pause_in_true_time() -> None:
    sender = Sender(clock_hz=0).send(cut(tone(440, 3))).pause(4.0).send(cut(tone(440, 3)))
    packets = set_clocks_right(received(sender.sent), coding_of("PCMU"))
    assert [run.began_s for run in find_runs(packets, 8000, BEGAN_NS)] == pytest.approx([0.0, 7.0], abs=0.01)


def test_g722_that_counts_all_its_samples_lasts_as_long_as_it_did() -> None:
    [sound] = pieces_of(Sender(payload_type=9, clock_hz=16_000).send([bytes(160)] * 250), coding_of("G722"))
    assert len(sound) == 5 * 16_000


@pytest.mark.parametrize("ptime_s", [0.01, 0.02, 0.06])
def test_right_clocks_are_left_alone_whatever_the_packets_hold(ptime_s: float) -> None:
    packets = received(Sender(ptime_s=ptime_s).send([bytes(round(ptime_s * 8000))] * 200).sent)
    assert set_clocks_right(packets, coding_of("PCMU")) is packets


def test_a_right_clock_is_left_alone_whose_packets_come_in_bursts() -> None:
    sent = Sender().send([bytes(160)] * 200).sent
    packets = received([(at_ns // 200_000_000 * 200_000_000, packet) for at_ns, packet in sent])
    assert set_clocks_right(packets, coding_of("PCMU")) is packets


def test_whoever_is_mostly_silent_sends_little_and_counts_right() -> None:
    sender = Sender(payload_type=18)
    for _ in range(200):
        sender.send([bytes(10)]).pause(0.3)  # ten milliseconds of G.729 in packets called twenty
    packets = received(sender.sent)
    assert set_clocks_right(packets, coding_of("G729")) is packets


def test_a_clock_that_stands_still_while_a_call_is_held_is_right_before_and_after() -> None:
    packets = received(Sender().send([bytes(160)] * 100).pause(5, clock_stands=True).send([bytes(160)] * 100).sent)
    assert set_clocks_right(packets, coding_of("PCMU")) is packets
