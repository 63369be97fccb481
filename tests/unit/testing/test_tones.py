"""Signals in, spectrum out."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.testing.tones import dominant_hz, from_pcm, loudness, mix, read_wav, silence, strength, to_pcm, tone, write_wav


@pytest.mark.parametrize("rate_hz", [8000, 16000, 44100])
@pytest.mark.parametrize("frequency_hz", [300, 440, 1000, 3000])
def test_a_tone_is_found_again(frequency_hz, rate_hz):
    samples = tone(frequency_hz, 0.5, rate_hz=rate_hz)
    assert dominant_hz(samples, rate_hz=rate_hz) == pytest.approx(frequency_hz, abs=rate_hz / 2000)


def test_two_channels_keep_their_tones_through_a_file(tmp_path):
    path = write_wav(tmp_path / "a.wav", [tone(400, 0.3), tone(1200, 0.2)], rate_hz=16000)
    rate_hz, (left, right) = read_wav(path)
    assert rate_hz == 16000
    assert len(left) == len(right)
    assert dominant_hz(left, rate_hz=16000) == pytest.approx(800, abs=10)
    assert dominant_hz(right[: len(right) // 2], rate_hz=16000) == pytest.approx(2400, abs=20)


def test_silence_has_no_tone_and_no_loudness():
    assert dominant_hz(silence(0.5)) == 0
    assert loudness(silence(0.5)) == loudness([]) == 0
    assert dominant_hz([0.5]) == 0


def test_a_mix_holds_each_of_its_tones():
    samples = mix(tone(500, 0.5, level=0.4), tone(1500, 0.5, level=0.1))
    assert strength(samples, 500) == pytest.approx(0.4, abs=0.02)
    assert strength(samples, 1500) == pytest.approx(0.1, abs=0.02)
    assert strength(samples, 900) < 0.02
    assert strength([], 900) == 0


@given(st.lists(st.lists(st.floats(-1, 1), max_size=20), min_size=1, max_size=3))
def test_pcm_round_trips(channels):
    length = max(len(channel) for channel in channels)
    found = from_pcm(to_pcm(channels), len(channels))
    for given_channel, channel in zip(channels, found, strict=True):
        padded = [*given_channel, *[0.0] * (length - len(given_channel))]
        assert channel == pytest.approx(padded, abs=1 / 32767)
