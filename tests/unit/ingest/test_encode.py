import numpy as np
import pytest

from hub.ingest.encode import EncodeFailed, Encoder, choose_target
from tests.doubles import audio


def encode(path, samples, form, rate_hz=8000, bps=13_300):
    target = choose_target(form, rate_hz, samples.shape[1], bps, 1)
    encoder = Encoder(path, target, rate_hz)
    for start in range(0, len(samples), 7001):
        encoder.add(samples[start : start + 7001])
    encoder.finish()
    return target, path.read_bytes()


def likeness(one, other):
    """Highest correlation of two signals over small shifts: codecs delay."""
    length = min(len(one), len(other)) - 1000
    shifts = [
        np.corrcoef(one[500 : 500 + length], other[500 + shift :][:length])[0, 1] for shift in range(-400, 401, 20)
    ]
    return max(shifts)


def closeness(said, heard, rate_hz):
    """Correlation of 8000 Hz speech with what a codec made of it at its own rate, whose delay is finer than a sample."""
    step = rate_hz // 8000
    shifts = [
        np.corrcoef(said[800:-800], heard[800 * step + shift :: step][: len(said) - 1600])[0, 1]
        for shift in range(-12, 13)
    ]
    return max(shifts, key=abs)


def test_opus_of_one_channel_takes_about_100_kb_a_minute(tmp_path):
    _, content = encode(tmp_path / "a.opus", audio.speech(60), "opus")
    assert 50_000 < len(content) < 105_000


@pytest.mark.parametrize("form", ["opus", "mp3", "wav", "flac"])
@pytest.mark.parametrize("bps", [6_000, 13_300])
def test_two_parties_stay_on_their_own_channels(tmp_path, form, bps):
    samples = audio.speech(20, channels=2)
    _, content = encode(tmp_path / f"a.{form}", samples, form, bps=bps)
    made, rate_hz = audio.decoded(content)
    made = made[:: rate_hz // 8000]
    assert made.shape[1] == 2
    for channel in (0, 1):
        assert likeness(samples[:, channel], made[:, channel]) > 0.6
        assert abs(likeness(samples[:, channel], made[:, 1 - channel])) < 0.3


@pytest.mark.parametrize("talkers", ["in turn", "at once"])
def test_opus_keeps_what_each_of_two_parties_said(tmp_path, talkers):
    samples = audio.speech(20, channels=2)
    if talkers == "at once":
        samples = np.concatenate([audio.speech(20, seed=1), audio.speech(20, seed=2)], axis=1)
    _, content = encode(tmp_path / "a.opus", samples, "opus")
    made, rate_hz = audio.decoded(content)
    kept = [[closeness(said, heard, rate_hz) for heard in made.T] for said in samples.T]
    assert min(kept[0][0], kept[1][1]) > 0.9
    assert max(abs(kept[0][1]), abs(kept[1][0])) < 0.05


def test_each_of_two_channels_is_a_stream_of_its_own_left_and_right(tmp_path):
    _, content = encode(tmp_path / "a.opus", audio.speech(2, channels=2), "opus", bps=6_000)
    header = content[content.index(b"OpusHead") :][:23]
    # RFC 7845 section 5.1: channels; then family 1, two streams, none coupled, the first left, the second right.
    assert header[9] == 2
    assert header[18:] == bytes([1, 2, 0, 0, 1])


def test_opus_of_two_parties_who_take_turns_takes_about_100_kb_a_minute(tmp_path):
    _, content = encode(tmp_path / "a.opus", audio.speech(60, channels=2), "opus")
    assert 80_000 < len(content) < 120_000


@pytest.mark.parametrize("form", ["wav", "flac"])
def test_wav_and_flac_keep_every_sample(tmp_path, form):
    samples = audio.speech(2, channels=2)
    _, content = encode(tmp_path / f"a.{form}", samples, form)
    assert np.array_equal(audio.decoded(content)[0], samples)


@pytest.mark.parametrize("channels", [3, 4, 5, 6, 7, 8])
def test_more_than_two_channels_become_flac_and_keep_every_sample(tmp_path, channels):
    samples = np.concatenate([audio.speech(1, seed=seed) for seed in range(channels)], axis=1)
    target, content = encode(tmp_path / "a", samples, "opus")
    assert (target.container, target.extension) == ("flac", "flac")
    assert np.array_equal(audio.decoded(content)[0], samples)


@pytest.mark.parametrize("rate_hz", [8000, 11025, 16000, 22050, 32000, 44100, 48000])
@pytest.mark.parametrize("form", ["opus", "mp3", "wav", "flac"])
def test_any_rate_keeps_its_length(tmp_path, form, rate_hz):
    samples = np.repeat(audio.speech(1), rate_hz // 8000 + 1, axis=0)[:rate_hz]
    _, content = encode(tmp_path / f"a.{form}", samples, form, rate_hz)
    made, made_rate_hz = audio.decoded(content)
    assert len(made) / made_rate_hz == pytest.approx(1.0, abs=0.1)


@pytest.mark.parametrize("form", ["opus", "mp3", "flac"])
def test_the_same_audio_gives_the_same_bytes(tmp_path, form):
    samples = audio.speech(2)
    assert encode(tmp_path / "a", samples, form) == encode(tmp_path / "b", samples, form)


def test_a_folder_that_is_gone_is_no_fault_of_the_audio(tmp_path):
    with pytest.raises(OSError, match="No such file"):
        encode(tmp_path / "gone" / "a.opus", audio.speech(1), "opus")


def test_what_an_encoder_refuses_is_told(tmp_path):
    target = choose_target("opus", 8000, 1, 13_300, 1)
    encoder = Encoder(tmp_path / "a.opus", target, 8000)
    encoder.finish()
    with pytest.raises(EncodeFailed):
        encoder.add(audio.speech(1))
    encoder.close()
