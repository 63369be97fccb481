"""One party's packets as sound in time."""

import numpy as np
import pytest

from plugins.pbx_sip.media import g711
from plugins.pbx_sip.media.coding import find_coding
from plugins.pbx_sip.media.lanes import Stretch, follow_drift, lay, resample
from plugins.pbx_sip.rtp.runs import find_runs
from tests.doubles import audio
from tests.doubles.rtp_stream import BEGAN_NS, Sender, cut, received

PCMU = find_coding("PCMU", 8000, {})


def tone(length_s, pitch_hz=440.0, rate_hz=8000):
    return (np.sin(np.arange(round(length_s * rate_hz)) * 2 * np.pi * pitch_hz / rate_hz) * 12000).astype(np.int16)


def payloads(samples, size=160):
    return cut(g711.compress_mu(samples).tobytes(), size)


def lane_of(datagrams, coding=PCMU, rate_hz=8000):
    packets = received(datagrams)
    runs = find_runs(packets, coding.clock_hz, BEGAN_NS)
    return lay([Stretch(packets=packets, run=run, coding=coding) for run in runs], rate_hz)


def largest_step(samples):
    return int(np.abs(np.diff(samples.astype(int))).max())


def test_a_lane_is_what_was_sent_whatever_the_network_did():
    said = audio.speech(4)[:, 0]
    random = np.random.default_rng(1)
    sent = Sender().send(payloads(said)).sent
    late = [(at_ns + int(random.exponential(2e7)) * (place > 0), each) for place, (at_ns, each) in enumerate(sent)]
    lane = lane_of(late + late[50:70])
    assert (lane == g711.MU_LAW[g711.compress_mu(said)]).all()


@pytest.mark.parametrize("size", [80, 160, 240, 320, 480])
def test_packets_of_any_length_fit_together(size):
    said = tone(1.8)
    lane = lane_of(Sender(ptime_s=size / 8000).send(payloads(said, size)).sent)
    assert (lane == g711.MU_LAW[g711.compress_mu(said)][: len(lane)]).all()
    assert len(lane) == len(said) // size * size


def test_what_is_lost_is_silent_and_moves_nothing():
    said = tone(2)
    sent = Sender().send(payloads(said)).sent
    lane = lane_of(sent[:40] + sent[45:])
    assert not lane[6400:7200].any()
    assert (lane[7200:] == g711.MU_LAW[g711.compress_mu(said)][7200:]).all()


def test_no_click_is_heard_where_a_sender_begins_anew():
    said = tone(4)
    sender = Sender().send(payloads(said[:16000]))
    sender.ssrc, sender.timestamp = 77, 12345
    sender.at_s += 0.03  # the network is not so exact
    lane = lane_of(sender.send(payloads(said[16000:])).sent)
    assert len(lane) == len(said)
    assert largest_step(lane) <= 2 * largest_step(said)


@pytest.mark.parametrize("name", ["PCMU", "PCMA"])
def test_a_lane_that_is_g711_throughout_stays_as_it_came(name):
    law = g711.LAWS[name]
    octets = law.compress(audio.speech(2)[:, 0])
    sender = Sender().send(cut(octets[:8000].tobytes()))
    sender.ssrc, sender.timestamp = 5, 99
    sent = sender.pause(0.5).send(cut(octets[8000:].tobytes())).sent
    packets = received(sent)
    coding = find_coding(name, 8000, {})
    stretches = [Stretch(packets=packets, run=run, coding=coding) for run in find_runs(packets, 8000, BEGAN_NS)]
    lane = lay(stretches, 8000, law=law)
    assert (lane[:8000] == octets[:8000]).all()
    assert (lane[8000:12000] == law.silence).all()
    assert (lane[12000:] == octets[8000:]).all()
    assert (law.table[lane] == lay(stretches, 8000))[lane != law.silence].all()


@pytest.mark.parametrize("clock", [1.0005, 0.9995])
def test_a_lane_keeps_our_time_without_a_click(clock):
    said = tone(120)
    lane = lane_of(Sender(clock=clock).send(payloads(said)).sent)
    assert len(lane) == pytest.approx(120 / clock * 8000, abs=160)
    assert largest_step(lane) <= 2 * largest_step(said) + 64


def test_a_pause_of_a_clock_that_stood_still_is_heard_as_long_as_it_was():
    said = tone(1)
    lane = lane_of(Sender().send(payloads(said)).pause(5, clock_stands=True).send(payloads(said)).sent)
    assert len(lane) == 7 * 8000
    assert not lane[8000:48000].any()
    assert lane[48001:48100].any()


def test_wide_and_narrow_sound_share_one_time_line():
    said = tone(1, 300)
    wide = find_coding("L16", 16000, {})
    sender = Sender().send(payloads(said))
    first = received(sender.sent)
    other = Sender(clock_hz=16000, ssrc=9, at_s=1.0).send(cut(tone(1, 300, 16000).astype(">i2").tobytes(), 640))
    second = received(other.sent)
    stretches = [
        Stretch(packets=packets, run=run, coding=coding)
        for packets, coding in ((first, PCMU), (second, wide))
        for run in find_runs(packets, coding.clock_hz, BEGAN_NS)
    ]
    lane = lay(stretches, 16000)
    assert len(lane) == 32000
    assert largest_step(lane) <= 2 * largest_step(tone(2, 300, 16000)) + 400


def test_resampling_keeps_length_and_pitch():
    made = resample(tone(1), 8000, 16000)
    assert len(made) == 16000
    assert np.abs(np.fft.rfft(made)).argmax() == 440


def test_without_drift_nothing_is_touched():
    said = tone(1)
    assert follow_drift(said, np.zeros((0, 2)), 8000) is said
    assert follow_drift(said, np.array([[0.5, 0.002]]), 8000) is said


@pytest.mark.parametrize(("from_hz", "to_hz"), [(8000, 16_000), (16_000, 8000), (48_000, 8000), (8000, 48_000)])
@pytest.mark.parametrize("length", [0, 1, 7, 21, 66, 160])
def test_sound_of_any_length_keeps_it_at_another_rate(length, from_hz, to_hz):
    sound = np.full(length, 1000, np.int16)
    made = resample(sound, from_hz, to_hz)
    assert (len(made), made.dtype) == (length * to_hz // from_hz, np.int16)
