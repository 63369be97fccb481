"""Whether two streams are one voice, after whatever was made of it on the way."""

import numpy as np
import pytest

from plugins.pbx_sip.calls.dialog import Side
from plugins.pbx_sip.calls.likeness import Likeness, compare, draw_contour
from plugins.pbx_sip.calls.voices import Voice
from plugins.pbx_sip.media.g711 import LAWS
from tests.doubles import audio
from tests.doubles.rtp_stream import Sender, cut, received

MU, A = LAWS["PCMU"], LAWS["PCMA"]


def contour(samples, *, law=MU, payload_type=0, at_s=0.0, is_lost=lambda number, at_s: False):
    octets = law.compress(np.clip(samples, -32768, 32767).astype(np.int16)).tobytes()
    sent = Sender(payload_type=payload_type, at_s=at_s).send(cut(octets)).sent
    packets = received([each for number, each in enumerate(sent) if not is_lost(number, each[0] / 1e9)])
    drawn = draw_contour(Voice(side=Side.CALLER, section=0, packets=packets, codecs=((0, {}),)), 0)
    assert drawn is not None
    return drawn


def speech(seed, length_s=8.0):
    """One of two who take turns."""
    return audio.speech(length_s, channels=2, seed=seed)[:, 0].astype(float)


def hum(pitch_hz, length_s=8.0):
    return 8000 * np.sin(2 * np.pi * pitch_hz * np.arange(round(length_s * 8000)) / 8000)


@pytest.mark.parametrize("delay_s", [0.0, 0.033, 0.2, 0.45])
@pytest.mark.parametrize("gain", [0.3, 1.0, 2.0])
def test_a_voice_is_known_though_it_comes_late_louder_with_noise_and_in_another_coding(delay_s, gain):
    said = speech(1)
    passed_on = gain * said + np.random.default_rng(1).normal(0, 15, len(said))
    assert compare(contour(said), contour(passed_on, law=A, payload_type=8, at_s=delay_s)) is Likeness.SAME


def is_in_hole(_number, at_s):
    return 3.0 <= at_s < 3.4


def is_often_lost(number, _at_s):
    return number % 10 == 7


@pytest.mark.parametrize("is_lost_again", [is_in_hole, is_often_lost])
@pytest.mark.parametrize("is_lost", [is_in_hole, is_often_lost])
def test_a_voice_is_known_though_some_of_it_was_lost(is_lost, is_lost_again):
    again = contour(0.5 * speech(1), law=A, payload_type=8, at_s=0.033, is_lost=is_lost_again)
    assert compare(contour(speech(1), is_lost=is_lost), again) is Likeness.SAME


def test_what_was_lost_at_the_same_moment_makes_no_two_voices_one():
    def lined(loudness, seed):
        return np.random.default_rng(seed).normal(0, loudness, 64_000)

    for one, other in ((hum(440), hum(453)), (lined(100, 1), lined(150, 2)), (hum(440), hum(600))):
        found = compare(contour(one, is_lost=is_in_hole), contour(other, is_lost=is_in_hole))
        assert found is compare(contour(one), contour(other)) is not Likeness.SAME


def test_falling_silent_together_now_and_then_proves_nothing():
    one, other = hum(440), hum(453)
    for each in (one, other):
        each[24_000:27_200] = each[40_000:44_000] = 0
    assert compare(contour(one), contour(other)) is Likeness.ALIKE


def test_keys_between_words_are_no_loss():
    """A sender that falls silent for a key and says so leaves no number out."""
    octets = cut(MU.compress(speech(1).astype(np.int16)).tobytes())
    sender = Sender().send(octets[:150])
    sender.payload_type = 101
    sender.send([b"\x05\x0a\x00\xa0"] * 10)
    sender.payload_type = 0
    packets = received(sender.send(octets[160:]).sent)
    voice = Voice(side=Side.CALLER, section=0, packets=packets, codecs=((0, {}),))
    drawn = draw_contour(voice, 0)
    assert drawn is not None
    assert drawn.received.all()


def test_no_voice_is_taken_for_another_one():
    voices = [contour(speech(seed)) for seed in range(12)]
    found = {compare(one, other) for place, one in enumerate(voices) for other in voices[:place]}
    assert Likeness.SAME not in found


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (hum(440), hum(600), Likeness.OTHER),
        (hum(440), hum(440), Likeness.UNKNOWN),
        (hum(440), speech(1), Likeness.OTHER),
        (0 * hum(440), speech(1), Likeness.OTHER),
        (0 * hum(440), 0 * hum(440), Likeness.UNKNOWN),
        (speech(1, 1.5), speech(1, 1.5), Likeness.UNKNOWN),
    ],
)
def test_what_is_steady_silent_or_short_may_be_told_apart_and_is_never_taken_for_one(one, other, expected):
    assert compare(contour(one), contour(other)) is expected
