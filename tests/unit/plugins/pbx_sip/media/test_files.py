"""The file that the hub is given."""

import numpy as np
import pytest

from plugins.pbx_sip.media import g711
from plugins.pbx_sip.media.files import WavForm, mix, write_wav
from tests.doubles import audio


@pytest.mark.parametrize(("form", "law"), [(WavForm.MU_LAW, g711.MU_LAW), (WavForm.A_LAW, g711.A_LAW)])
def test_what_came_in_a_law_is_written_as_it_came(tmp_path, form, law):
    left, right = law[np.arange(200, dtype=np.uint8)], law[np.arange(255, 100, -1).astype(np.uint8)]
    write_wav(tmp_path / "call.wav", [left, right], 8000, form)
    samples, rate_hz = audio.decoded((tmp_path / "call.wav").read_bytes())
    assert rate_hz == 8000
    assert (samples[:, 0] == left).all()
    assert (samples[:155, 1] == right).all()
    assert not (np.abs(samples[155:, 1]) > 8).any()


def test_wide_sound_is_written_as_it_is(tmp_path):
    said = audio.speech(1)[:, 0]
    write_wav(tmp_path / "call.wav", [said], 16000, WavForm.LINEAR)
    samples, rate_hz = audio.decoded((tmp_path / "call.wav").read_bytes())
    assert (rate_hz, (samples[:, 0] == said).all()) == (16000, True)


def test_a_call_without_sound_is_a_file_all_the_same(tmp_path):
    write_wav(tmp_path / "call.wav", [np.zeros(0, np.int16)], 8000, WavForm.MU_LAW)
    assert (tmp_path / "call.wav").stat().st_size == 46


def test_all_who_are_not_recorded_are_heard_on_the_right():
    loud, short = np.full(4, 30000, np.int16), np.full(2, 10000, np.int16)
    assert mix([loud, short]).tolist() == [32767, 32767, 30000, 30000]
    assert mix([short]) is short
    assert len(mix([])) == 0
