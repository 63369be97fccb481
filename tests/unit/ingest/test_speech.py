import numpy as np
import pytest

from hub.ingest.frames import Framer
from hub.ingest.speech import SpeechMeter
from tests.doubles import audio


def has_speech(samples, rate_hz=8000):
    framer, meter = Framer(rate_hz, samples.shape[1]), SpeechMeter()
    for start in range(0, len(samples), 65536):
        meter.add(framer.cut(samples[start : start + 65536]))
    meter.add(framer.finish())
    return meter.decide()


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("gain", [1.0, 0.1, 0.03])
def test_talk_is_speech_also_when_it_is_quiet(channels, gain):
    assert has_speech((audio.speech(20, channels) * gain).astype(np.int16))


def test_talk_in_line_noise_is_speech():
    assert has_speech(audio.speech(20) // 2 + audio.noise(20, rms=150))


def test_one_talker_on_the_second_channel_is_enough():
    samples = audio.speech(10, 2)
    samples[:, 0] = 0
    assert has_speech(samples)


@pytest.mark.parametrize(
    "samples",
    [
        pytest.param(audio.silence(10), id="digital silence"),
        pytest.param(np.full((80000, 1), -8, np.int16), id="an offset"),
        pytest.param(audio.noise(10, rms=20), id="comfort noise"),
        pytest.param(audio.noise(10, rms=1000), id="loud noise of a line"),
        pytest.param(np.concatenate([audio.noise(5, rms=30), audio.noise(5, rms=70)]), id="comfort noise in steps"),
        pytest.param(audio.tone(10), id="a steady tone"),
        pytest.param(audio.tone(20, on_s=1, every_s=5), id="ringing"),
        pytest.param(audio.noise(10, rms=2000) * (np.arange(80000)[:, None] % 40000 < 8000), id="bursts of noise"),
        pytest.param(np.zeros((0, 1), np.int16), id="nothing"),
        pytest.param(audio.speech(20)[4000:5000], id="an eighth of a second of talk"),
    ],
)
def test_what_is_no_talk_is_no_speech(samples):
    assert not has_speech(samples.astype(np.int16))


@pytest.mark.parametrize("law", [audio.MU_LAW, audio.A_LAW])
def test_comfort_noise_that_went_through_g711_is_no_speech(law):
    samples, _ = audio.decoded(audio.wav(audio.noise(10, rms=25), law))
    assert not has_speech(samples)
