"""A packet that is seen twice on its way is one packet."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.pbx_sip.rtp.quality import measure
from plugins.pbx_sip.rtp.repeats import leave_out_repeats
from plugins.pbx_sip.rtp.runs import find_runs
from tests.doubles.rtp_stream import BEGAN_NS, Sender, received

FRAME = bytes(160)
MS = 1_000_000


def jittered(count=500, seed=3):
    random = np.random.default_rng(seed)
    sent = Sender().send([FRAME] * count).sent
    return [(at_ns + int(random.uniform(0, 8 * MS)), datagram) for at_ns, datagram in sent]


def quality_of(datagrams):
    packets, repeated = leave_out_repeats(received(datagrams))
    return measure(packets, [(packets, run) for run in find_runs(packets, 8000, BEGAN_NS)], "PCMU", repeated=repeated)


def test_packets_mirrored_twice_measure_as_if_they_were_seen_once():
    once = [each for place, each in enumerate(jittered()) if place not in {100, 101, 300}]
    twice = once + [(at_ns + 3 * MS, datagram) for at_ns, datagram in once]
    clean, doubled = quality_of(once), quality_of(twice)
    assert (doubled.received, doubled.lost, doubled.reordered) == (497, 3, clean.reordered)
    assert (doubled.jitter_ms, doubled.jitter_max_ms, doubled.mos) == (clean.jitter_ms, clean.jitter_max_ms, clean.mos)
    assert (clean.duplicates, doubled.duplicates) == (0, 497)


def test_a_second_look_that_is_late_reorders_nothing():
    once = Sender().send([FRAME] * 200).sent
    found = quality_of(once + [(at_ns + 50 * MS, datagram) for at_ns, datagram in once])
    assert (found.received, found.reordered, found.late, found.duplicates) == (200, 0, 0, 200)
    assert found.jitter_ms < 0.01


def test_what_one_look_missed_the_other_one_saw():
    once = jittered()
    half = [each for place, each in enumerate(once) if place % 7]
    again = [(at_ns + MS, datagram) for place, (at_ns, datagram) in enumerate(once) if place % 5]
    assert quality_of(half + again).lost == len([place for place in range(1, 499) if not place % 35])


def test_a_stall_of_doubled_packets_is_still_the_networks():
    sent = Sender().send([FRAME] * 300).sent
    stalled = [(max(at_ns, 2_400 * MS if 2_000 * MS < at_ns < 2_400 * MS else 0), each) for at_ns, each in sent]
    packets, _ = leave_out_repeats(received(stalled + [(at_ns + MS, each) for at_ns, each in stalled]))
    assert len(find_runs(packets, 8000, BEGAN_NS)) == 1


def test_an_announcement_that_is_played_again_is_heard_again():
    sent = Sender().send([FRAME] * 100).sent
    packets, repeated = leave_out_repeats(received(sent + [(at_ns + 5_000 * MS, each) for at_ns, each in sent]))
    assert (len(packets), repeated) == (200, 0)


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 3 * 10**9), st.integers(0, 5), st.integers(0, 2)), max_size=60))
def test_each_packet_stays_once(packets):
    sender = Sender()
    for at_ns, number, ssrc in packets:
        sender.at_s, sender.sequence, sender.timestamp, sender.ssrc = at_ns / 1e9, number, number * 160, ssrc
        sender.send([b"x"], marker=False)
    kept, repeated = leave_out_repeats(received(sender.sent))
    assert len(kept) + repeated == len(packets)
    names = {(number, ssrc) for _, number, ssrc in packets}
    assert set(zip(kept.sequence.tolist(), kept.ssrc.tolist(), strict=True)) == names
