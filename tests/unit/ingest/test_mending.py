"""What one recording of a call lacks is filled from another one of the same call, and nothing else is."""

import wave
from pathlib import Path

import numpy as np
import pytest

from hub.catalog.prepared import TakeState
from hub.ingest.mending import MENDED_NAME, Mended, Order, mend
from tests.doubles import audio

RATE_HZ = audio.RATE_HZ


def at(second):
    return round(second * RATE_HZ)


def without(samples, since_s, until_s, channels=(0, 1)):
    """The samples, silent for a while."""
    lacking = samples.copy()
    lacking[at(since_s) : at(until_s), list(channels)] = 0
    return lacking


def as_heard(samples):
    """The samples after G.711, which is how both recordings have them."""
    return audio.MU_LAW_SAMPLES[np.frombuffer(audio.companded(samples, audio.MU_LAW), np.uint8)].reshape(samples.shape)


@pytest.fixture(scope="module")
def call():
    """Two people who take turns, as both recordings have them."""
    return as_heard(audio.speech(20.0, channels=2, seed=5))


@pytest.fixture
def fill(tmp_path):
    """Mend `base` from `take`; what came of it and its samples."""

    def fill(base, take, **changes) -> tuple[Mended, np.ndarray]:
        for name, samples in (("base", base), ("take", take)):
            content = samples if isinstance(samples, bytes) else audio.wav(samples)
            (tmp_path / name).write_bytes(content)
        values = {
            "base": str(tmp_path / "base"),
            "take": str(tmp_path / "take"),
            "folder": str(tmp_path),
            "rate_hz": RATE_HZ,
            "offset_s": 0.0,
            "longest_s": None,
            "gaps": [],
            "base_shut": [],
            "take_gaps": [],
            "take_shut": [],
        }
        mended = mend(Order(**(values | changes)), lambda: None)
        made = tmp_path / MENDED_NAME
        return mended, read(made) if made.exists() else np.zeros((0, 2), np.int16)

    return fill


def read(path: Path) -> np.ndarray:
    with wave.open(str(path)) as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").reshape(-1, file.getnchannels())


def test_a_gap_in_the_middle_is_filled_to_the_sample(call, fill):
    mended, samples = fill(without(call, 8.0, 10.5), call, gaps=[(None, 8.0, 10.5)])
    assert mended.state is TakeState.FILLED
    assert (mended.lead_s, mended.duration_s) == (0.0, 20.0)
    assert {(channel, since_s, until_s) for channel, since_s, until_s in mended.filled} == {
        (0, 8.0, 10.5),
        (1, 8.0, 10.5),
    }
    assert np.array_equal(samples, call)


@pytest.mark.parametrize("skew_s", [-3.2, 0.0371, 4.75, 40.0])
def test_clocks_that_differ_do_not_matter(call, fill, skew_s):
    take = call[at(1.5) :]  # began one and a half seconds later
    mended, samples = fill(without(call, 8.0, 10.5), take, gaps=[(None, 8.0, 10.5)], offset_s=-1.5 + skew_s)
    assert mended.state is TakeState.FILLED
    assert mended.offset_s == -1.5
    assert np.array_equal(samples, call)


def test_channels_are_found_in_whatever_order_the_other_has_them(call, fill):
    mended, samples = fill(without(call, 8.0, 10.5, (1,)), call[:, ::-1], gaps=[(1, 8.0, 10.5)])
    assert mended.filled == ((1, 8.0, 10.5),)
    assert np.array_equal(samples, call)


def test_what_came_before_the_first_sound_and_after_the_last_is_added(call, fill):
    mended, samples = fill(call[at(3.0) : at(16.0)], call, offset_s=3.0)
    sounding = np.flatnonzero(np.abs(call.astype(int)).max(axis=1) > 32)
    assert mended.lead_s == pytest.approx(3.0 - sounding[0] / RATE_HZ, abs=0.001)
    whole = call[sounding[0] : sounding[-1] + 1].astype(int)
    assert np.abs(samples - whole).max() <= 32  # what is as good as silent is not taken
    assert mended.duration_s == pytest.approx(len(samples) / RATE_HZ)


def test_it_never_becomes_longer_than_the_rules_let_it_be(call, fill):
    mended, samples = fill(call[at(3.0) : at(16.0)], call, offset_s=3.0, longest_s=14.0)
    assert mended.duration_s == pytest.approx(14.0)
    assert len(samples) == at(14.0)
    mended, _ = fill(call[at(3.0) : at(16.0)], call, offset_s=3.0, longest_s=13.0)
    assert mended.state is TakeState.NOTHING_NEW


def test_a_channel_without_any_sound_is_taken_whole(call, fill):
    _, samples = fill(without(call, 0.0, 20.0, (1,)), call)
    assert np.array_equal(samples[:, 1], call[: len(samples), 1])


def test_a_recording_that_lacks_nothing_stays_as_it_is(call, fill):
    mended, samples = fill(call, without(call, 4.0, 6.0))
    assert mended.state is TakeState.NOTHING_NEW
    assert not len(samples)


def test_silence_that_no_gap_explains_is_no_gap(call, fill):
    mended, _ = fill(without(call, 8.0, 10.5), call)
    assert mended.state is TakeState.NOTHING_NEW


@pytest.mark.parametrize("whose", ["base_shut", "take_shut"])
def test_a_pause_or_a_key_of_either_is_never_filled(call, fill, whose):
    lacking = without(call, 8.0, 12.0)
    mended, samples = fill(lacking, call, gaps=[(None, 8.0, 12.0)], **{whose: [(9.0, 10.0)]})
    assert mended.state is TakeState.FILLED
    assert not samples[at(9.0) : at(10.0)].any()
    assert np.array_equal(samples[at(8.0) : at(8.99)], call[at(8.0) : at(8.99)])
    assert np.array_equal(samples[at(10.01) :], call[at(10.01) :])


def test_a_join_never_reaches_into_a_pause_beside_it(call, fill):
    lacking = without(call, 7.8, 10.0)
    _, samples = fill(lacking, call, gaps=[(None, 8.0, 10.0)], base_shut=[(7.8, 8.0)])
    assert not samples[at(7.8) : at(8.0)].any()


def test_a_pause_at_the_end_is_not_filled_from_one_who_recorded_on(call, fill):
    paused = without(call, 15.0, 18.0)[: at(18.0)]
    mended, _ = fill(paused, call, base_shut=[(15.0, 1e6)])
    assert mended.state is TakeState.NOTHING_NEW


def test_what_both_lack_stays_missing(call, fill):
    take = without(call, 9.0, 12.0)
    mended, samples = fill(without(call, 8.0, 10.5), take, gaps=[(None, 8.0, 10.5)], take_gaps=[(None, 9.0, 12.0)])
    assert {span[1:] for span in mended.filled} == {(8.0, 9.0)}
    assert not samples[at(9.01) : at(10.5)].any()


def test_another_call_is_refused(call, fill):
    stranger = as_heard(audio.speech(20.0, channels=2, seed=77))
    mended, _ = fill(without(call, 8.0, 10.5), stranger, gaps=[(None, 8.0, 10.5)])
    assert mended.state is TakeState.UNLIKE


def test_silence_and_what_is_no_sound_are_refused(call, fill):
    assert fill(call, audio.silence(20.0, 2))[0].state is TakeState.UNLIKE
    assert fill(call, b"no sound at all")[0].state is TakeState.UNLIKE


def test_a_clock_that_slipped_within_the_gap_is_followed(call, fill):
    slipped = np.concatenate([call[: at(9.0)], call[at(9.0) + 60 :]])  # the take lost 60 samples there
    mended, samples = fill(without(call, 8.0, 10.5), slipped, gaps=[(None, 8.0, 10.5)])
    assert mended.state is TakeState.FILLED
    assert np.array_equal(samples[: at(8.99)], call[: at(8.99)])
    assert np.array_equal(samples[at(10.0) :], call[at(10.0) :])


def test_a_tone_goes_on_over_the_joins(fill):
    tone = as_heard(np.repeat(audio.tone(12.0, 440.0), 2, axis=1))
    lacking = without(tone, 5.0031, 7.0017)
    lacking[at(5.0031) : at(5.03)] = (tone[at(5.0031) : at(5.03)] * 0.5).astype(np.int16)  # concealed for a moment
    _, samples = fill(lacking, tone[:, ::-1], gaps=[(None, 5.0, 7.02)], offset_s=0.004)
    steepest = 8000 * 2 * np.pi * 440 / RATE_HZ
    assert np.abs(np.diff(samples.astype(int), axis=0)).max() <= 2 * steepest
    assert np.abs(samples[at(5.0) : at(7.0)]).max() > 7000


def test_a_lossy_form_is_filled_without_a_click(call, fill):
    base = audio.encoded(without(call, 8.0, 10.5), "libopus", "ogg", 48000)
    _, samples = fill(base, call, gaps=[(None, 8.0, 10.5)])
    filled, wanted = samples[at(8.1) : at(10.4)].astype(float), call[at(8.1) : at(10.4)].astype(float)
    assert np.corrcoef(filled.reshape(-1), wanted.reshape(-1))[0, 1] > 0.9


def test_a_mixed_recording_is_filled_from_separate_channels(call, fill):
    mono = np.clip(call.astype(int).sum(axis=1, keepdims=True), -32768, 32767).astype(np.int16)
    mended, samples = fill(without(mono, 8.0, 10.5, (0,)), call, gaps=[(None, 8.0, 10.5)])
    assert mended.state is TakeState.FILLED
    assert np.corrcoef(samples[at(8.0) : at(10.5), 0], mono[at(8.0) : at(10.5), 0])[0, 1] > 0.95
