"""What was lost for a moment, filled from the sound around it."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.pbx_sip.media.coding import find_coding
from plugins.pbx_sip.media.concealment import Holes, fill, find_holes
from plugins.pbx_sip.media.g711 import LAWS
from plugins.pbx_sip.media.lanes import Stretch, decode, lay, measure_concealed, measure_cut
from plugins.pbx_sip.rtp.runs import find_runs
from tests.doubles import audio
from tests.doubles.rtp_stream import BEGAN_NS, Sender, cut, received
from tests.doubles.talk import tone

CODINGS = {"PCMU": ("PCMU", 8000), "PCMA": ("PCMA", 8000), "L16": ("L16", 16000)}
LAW = LAWS["PCMU"]


def vowel(length_s, rate_hz=8000, pitch_hz=118.0):
    time_s = np.arange(round(length_s * rate_hz)) / rate_hz
    waves = sum(np.sin(2 * np.pi * pitch_hz * each * time_s) / each for each in range(1, 8))
    return (5000 * waves).astype(np.int16)


def stretch_of(sent, coding=None):
    coding = coding or find_coding("PCMU", 8000, {})
    packets = received(sent)
    [run] = find_runs(packets, coding.clock_hz, BEGAN_NS)
    return Stretch(packets=packets, run=run, coding=coding)


def sent_octets(samples):
    return Sender().send(cut(LAW.compress(samples).tobytes())).sent


def without(sent, first, count):
    return sent[:first] + sent[first + count :]


def likeness(one, other):
    return float(np.corrcoef(one.astype(float), other.astype(float))[0, 1])


@pytest.mark.parametrize("lost", [1, 2, 3])
@pytest.mark.parametrize("name", CODINGS)
def test_a_vowel_goes_on_through_a_moment_of_loss(name, lost):
    coding_name, rate_hz = CODINGS[name]
    coding = find_coding(coding_name, rate_hz, {})
    said = vowel(2, rate_hz)
    size = rate_hz // 50
    octets = said.astype(">i2").tobytes() if name == "L16" else LAWS[name].compress(said).tobytes()
    sender = Sender(clock_hz=rate_hz).send(cut(octets, size * (2 if name == "L16" else 1)))
    stretch = stretch_of(without(sender.sent, 50, lost), coding)
    lane = lay([stretch], rate_hz)
    hole = slice(50 * size, (50 + lost) * size)
    assert likeness(lane[hole], said[hole]) > 0.95
    assert np.abs(np.diff(lane.astype(int))).max() <= 2 * np.abs(np.diff(said.astype(int))).max()
    assert measure_concealed(stretch) == pytest.approx(lost * 0.02)


def test_what_came_stays_as_it_came():
    said = LAW.compress(audio.speech(4)[:, 0])
    sent = Sender().send(cut(said.tobytes())).sent
    gone = [20, 21, 60, 61, 62, 100, 150, 152, 154]
    lane = lay([stretch_of([each for place, each in enumerate(sent) if place not in gone])], 8000, law=LAW)
    came = np.repeat([place not in gone for place in range(len(sent))], 160)
    assert (lane[came] == said[: len(lane)][came]).all()
    assert (lane[~came] != LAW.silence).any()


def test_what_was_lost_for_longer_stays_silent():
    stretch = stretch_of(without(sent_octets(vowel(2)), 40, 4))
    assert not lay([stretch], 8000)[6400:7040].any()
    assert measure_concealed(stretch) == 0.0


def test_a_sender_that_was_silent_for_a_moment_stays_silent():
    sender = Sender().send(cut(LAW.compress(vowel(1)).tobytes())).pause(0.04)
    stretch = stretch_of(sender.send(cut(LAW.compress(vowel(1)).tobytes())).sent)
    assert not lay([stretch], 8000)[8000:8320].any()
    assert measure_concealed(stretch) == 0.0


def test_a_key_press_among_the_sound_is_no_loss():
    sender = Sender().send(cut(LAW.compress(vowel(1)).tobytes()))
    sender.sequence += 6  # three packets of the key, three times its end, in the time of two
    stretch = stretch_of(sender.pause(0.04).send(cut(LAW.compress(vowel(1)).tobytes())).sent)
    assert measure_concealed(stretch) == 0.0


@given(
    st.lists(st.tuples(st.integers(0, 999), st.integers(1, 480)), max_size=8),
    st.integers(0, 1000),
    st.sampled_from([8000, 16000]),
)
def test_any_holes_of_any_sound_are_filled_within_it(found, length, rate_hz):
    sound = np.full(length, 30000, np.int16)
    starts, lengths = np.array(found, np.int64).reshape(-1, 2).T
    fill(sound, Holes(starts, lengths), rate_hz)
    assert len(sound) == length


@given(st.lists(st.tuples(st.integers(0, 65535), st.integers(0, (1 << 32) - 1)), min_size=1, max_size=40))
def test_holes_of_any_packets_lie_between_them(numbers):
    sender = Sender()
    for sequence, timestamp in numbers:
        sender.sequence, sender.timestamp = sequence, timestamp
        sender.send([b"\x55" * 160])
    packets = received(sender.sent)
    for run in find_runs(packets, 8000, BEGAN_NS):
        holes = find_holes(packets, run)
        assert (holes.length > 0).all()
        assert ((holes.start >= 0) & (holes.start + holes.length <= run.ticks[-1])).all()


def test_what_was_cut_off_of_every_packet_is_filled_from_the_sound_around_it():
    said = tone(400, 1.0)
    whole = Sender().send(cut(said)).sent
    marred = stretch_of([(at_ns, packet[: 12 + 80]) for at_ns, packet in whole])
    sound = decode(marred)
    assert np.corrcoef(sound, LAW.table[np.frombuffer(said, np.uint8)][: len(sound)])[0, 1] > 0.95
    assert measure_cut(marred) == pytest.approx(0.5, abs=0.02)
    assert measure_cut(stretch_of(whole)) == 0
