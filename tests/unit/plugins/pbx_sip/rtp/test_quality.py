"""How well a stream came through."""

from itertools import pairwise

import numpy as np
import pytest

from plugins.pbx_sip.rtp.quality import measure
from plugins.pbx_sip.rtp.runs import find_runs
from tests.doubles.rtp_stream import BEGAN_NS, Sender, received

FRAME = bytes(160)


def quality_of(datagrams):
    packets = received(datagrams)
    return measure(packets, [(packets, run) for run in find_runs(packets, 8000, BEGAN_NS)], "PCMU")


def test_a_clean_stream_is_as_good_as_telephony_gets():
    found = quality_of(Sender().send([FRAME] * 500).sent)
    assert (found.received, found.lost, found.late, found.duplicates, found.reordered) == (500, 0, 0, 0, 0)
    assert found.jitter_ms < 0.01
    assert found.mos > 4.3


def test_what_is_lost_is_counted_over_the_end_of_the_numbers():
    sent = Sender().send([FRAME] * 500).sent
    found = quality_of(sent[:30] + sent[31:60] + sent[64:])
    assert (found.lost, found.burst) == (5, 2.5)
    assert found.lost_share == pytest.approx(0.01)
    assert found.mos < 4.36


def test_what_is_missing_in_a_pause_was_not_lost():
    sent = Sender().send([FRAME] * 400).sent
    kept = [each for each in sent[:150] + sent[250:] if each is not sent[20]]
    packets = received(kept)
    sounds = [(packets, run) for run in find_runs(packets, 8000, BEGAN_NS)]
    pause_ns = (BEGAN_NS + 3_000_000_000, BEGAN_NS + 5_000_000_000)
    assert measure(packets, sounds, "PCMU").lost == 101
    assert measure(packets, sounds, "PCMU", pauses_ns=[pause_ns]).lost == 1


def test_what_others_repeat_is_lost_on_the_way_and_missed_by_nobody():
    sent = Sender().send([FRAME] * 100).sent
    packets = received([each for place, each in enumerate(sent) if place % 5 != 3])
    sounds = [(packets, run) for run in find_runs(packets, 8000, BEGAN_NS)]
    missed, repeated = (measure(packets, sounds, "PCMU", recovered=count) for count in (0, 20))
    assert missed.lost == repeated.lost == 20
    assert missed.mos < 3
    assert repeated.mos > 4.3


def test_duplicates_and_reordering_are_no_loss():
    sent = Sender().send([FRAME] * 100).sent
    swapped = [(sent[20][0], sent[21][1]), (sent[21][0], sent[20][1])]
    found = quality_of(sent[:20] + swapped + sent[22:] + sent[50:53])
    assert (found.received, found.lost, found.duplicates) == (100, 0, 3)
    assert found.reordered >= 1


def test_what_comes_too_late_counts_against_it():
    sent = Sender().send([FRAME] * 200).sent
    late = [(at_ns + 300_000_000 * (place == 90), each) for place, (at_ns, each) in enumerate(sent)]
    found = quality_of(late)
    assert (found.lost, found.late) == (0, 1)


def test_jitter_is_smoothed_packet_by_packet_as_rfc_3550_says():
    random = np.random.default_rng(4)
    sent = Sender().send([FRAME] * 700).sent
    delayed = sorted((at_ns + int(random.uniform(0, 1e7)), each) for at_ns, each in sent)
    jitter = worst = 0.0
    total = []
    stamps = [int.from_bytes(each[4:8], "big") for _, each in delayed]
    transits = [
        at_ns / 1e9 - ((stamp - stamps[0]) % (1 << 32)) / 8000
        for (at_ns, _), stamp in zip(delayed, stamps, strict=True)
    ]
    for before, after in pairwise(transits):
        jitter += (abs(after - before) - jitter) / 16
        total.append(jitter)
        worst = max(worst, jitter)
    found = quality_of(delayed)
    assert found.jitter_max_ms == pytest.approx(worst * 1000)
    assert found.jitter_ms == pytest.approx(sum(total) / len(total) * 1000)


def test_jitter_is_that_of_rfc_3550():
    random = np.random.default_rng(2)
    sent = Sender().send([FRAME] * 3000).sent
    found = quality_of([(at_ns + int(random.uniform(0, 1e7)), each) for at_ns, each in sent])
    assert found.jitter_ms == pytest.approx(10 / 3, rel=0.1)  # the mean difference of two uniform delays
    assert found.jitter_max_ms > found.jitter_ms


def test_a_clock_that_is_too_coarse_tells_nothing_of_delays():
    sent = Sender().send([FRAME] * 500).sent
    found = quality_of([(at_ns // 1_000_000_000 * 1_000_000_000, each) for at_ns, each in sent])
    assert (found.late, found.jitter_ms, found.jitter_max_ms) == (0, None, None)
    assert found.mos > 4.3


@pytest.mark.parametrize(("octets", "mos"), [(32, 4.29), (26, 4.26), (20, 4.07), (14, 3.7)])
def test_of_amr_the_bit_rate_tells(octets, mos):
    packets = received(Sender().send([bytes(octets)] * 100).sent)
    found = measure(packets, [(packets, run) for run in find_runs(packets, 8000, BEGAN_NS)], "AMR")
    assert found.mos == pytest.approx(mos, abs=0.05)


def test_of_a_coding_nothing_is_known_of_there_is_no_opinion():
    packets = received(Sender().send([FRAME] * 100).sent)
    assert measure(packets, [(packets, run) for run in find_runs(packets, 8000, BEGAN_NS)], "SPEEX").mos is None
