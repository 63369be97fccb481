"""A sender's clock, tied to ours."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.pbx_sip.rtp.runs import find_runs
from tests.doubles.rtp_stream import BEGAN_NS, Sender, received

FRAME = bytes(160)


def runs_of(datagrams, clock_hz=8000):
    return find_runs(received(datagrams), clock_hz, BEGAN_NS)


def places_s(run):
    return run.began_s + run.ticks / run.clock_hz


def test_a_steady_stream_is_one_run():
    [run] = runs_of(Sender().send([FRAME] * 200).sent)
    assert run.began_s == pytest.approx(0)
    assert run.ticks.tolist() == [number * 160 for number in range(200)]


def test_jitter_reordering_and_duplicates_change_nothing():
    random = np.random.default_rng(3)
    sent = Sender().send([FRAME] * 500).sent
    late = [(at_ns + int(random.exponential(2e7)), datagram) for at_ns, datagram in sent]
    [run] = runs_of(late + late[100:140])
    assert run.ticks.tolist() == [number * 160 for number in range(500)]
    assert run.began_s == pytest.approx(0, abs=0.001)


def test_what_is_not_sent_in_pauses_leaves_time():
    [run] = runs_of(Sender().send([FRAME] * 50).pause(3).send([FRAME] * 50).sent)
    assert places_s(run)[50] == pytest.approx(4.0)


def test_a_clock_that_stands_still_on_hold_begins_a_new_run():
    first, second = runs_of(Sender().send([FRAME] * 100).pause(15, clock_stands=True).send([FRAME] * 100).sent)
    assert (len(first.rows), len(second.rows)) == (100, 100)
    assert second.began_s == pytest.approx(17)


@pytest.mark.parametrize("ticks", [1_000_000, -1_000_000, 1 << 31])
def test_timestamps_that_jump_begin_a_new_run(ticks):
    sender = Sender().send([FRAME] * 100)
    sender.timestamp = (sender.timestamp + ticks) % (1 << 32)
    first, second = runs_of(sender.send([FRAME] * 100).sent)
    assert (len(first.rows), len(second.rows)) == (100, 100)
    assert second.began_s == pytest.approx(2)


@pytest.mark.parametrize("ticks", [1_000_000, -1_000_000, (1 << 31) - 1, -(1 << 31)])
def test_one_packet_with_a_damaged_timestamp_moves_no_other(ticks):
    sender = Sender().send([FRAME] * 50)
    right = sender.timestamp
    sender.timestamp = (right + ticks) % (1 << 32)
    sender.send([FRAME])
    sender.timestamp = (right + 160) % (1 << 32)
    found = runs_of(sender.send([FRAME] * 49).sent)
    assert sum(len(run.rows) for run in found) in {99, 100}
    places = np.sort(np.concatenate([places_s(run) for run in found]))
    assert places.min() >= -0.001
    assert places.max() < 2.01


def test_another_source_is_a_new_run():
    sender = Sender().send([FRAME] * 100)
    sender.ssrc, sender.timestamp, sender.sequence = 99, 5, 6
    first, second = runs_of(sender.send([FRAME] * 100).sent)
    assert (first.ssrc, second.ssrc) == (0x1234, 99)
    assert second.began_s == pytest.approx(2)


def test_a_network_that_stalls_and_catches_up_moves_nothing():
    sent = Sender().send([FRAME] * 300).sent
    stalled = [(max(at_ns, 3_000_000_000 if 2e9 < at_ns < 3e9 else 0), datagram) for at_ns, datagram in sent]
    found = runs_of(stalled)
    places = np.sort(np.concatenate([places_s(run) for run in found]))
    assert places == pytest.approx(np.arange(300) * 0.02, abs=0.001)


@pytest.mark.parametrize("clock", [1.0001, 0.9999, 1.0005])
def test_a_clock_that_drifts_is_measured_over_hours(clock):
    random = np.random.default_rng(5)
    sender = Sender(ptime_s=0.2, clock=clock).send([FRAME[:8]] * 90_000)  # five hours
    late = [(at_ns + int(random.exponential(5e6)), datagram) for at_ns, datagram in sender.sent]
    [run] = runs_of(late)
    end_s = run.ticks[-1] / 8000
    here_s = run.began_s + end_s + np.interp(end_s, *run.drift.T)
    assert here_s == pytest.approx(17_999.8 / clock, abs=0.02)


def test_a_short_stream_shows_no_drift():
    [run] = runs_of(Sender(clock=1.01).send([FRAME] * 500).sent)
    assert len(run.drift) == 0


@settings(max_examples=60)
@given(st.lists(st.tuples(st.integers(0, 10**10), st.integers(0, 2**32 - 1), st.integers(0, 3)), max_size=60))
def test_no_stream_is_too_odd(packets):
    sender = Sender()
    for at_ns, timestamp, ssrc in packets:
        sender.at_s, sender.timestamp, sender.ssrc = at_ns / 1e9, timestamp, ssrc
        sender.send([b"x"])
    found = runs_of(sender.sent) if packets else []
    rows = [row for run in found for row in run.rows.tolist()]
    assert len(rows) == len(set(rows))
    assert all((np.diff(run.ticks) > 0).all() for run in found)
