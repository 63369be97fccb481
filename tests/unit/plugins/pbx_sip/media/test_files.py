"""The file that the hub is given."""

import numpy as np
import pytest

from plugins.pbx_sip.media.files import mix, write_wav
from plugins.pbx_sip.media.g711 import LAWS
from tests.doubles import audio


@pytest.mark.parametrize("law", ["PCMU", "PCMA"])
def test_what_came_in_a_law_is_written_as_it_came(tmp_path, law):
    left, right = np.arange(200, dtype=np.uint8), np.arange(255, 100, -1).astype(np.uint8)
    write_wav(tmp_path / "call.wav", [left, right], 8000, law)
    samples, rate_hz = audio.decoded((tmp_path / "call.wav").read_bytes())
    assert rate_hz == 8000
    assert (samples[:, 0] == LAWS[law].table[left]).all()
    assert (samples[:155, 1] == LAWS[law].table[right]).all()
    assert not (np.abs(samples[155:, 1]) > 8).any()


def test_wide_sound_is_written_as_it_is(tmp_path):
    said = audio.speech(1)[:, 0]
    write_wav(tmp_path / "call.wav", [said], 16000, "")
    samples, rate_hz = audio.decoded((tmp_path / "call.wav").read_bytes())
    assert (rate_hz, (samples[:, 0] == said).all()) == (16000, True)


def test_a_call_without_sound_is_a_file_all_the_same(tmp_path):
    write_wav(tmp_path / "call.wav", [np.zeros(0, np.uint8)], 8000, "PCMU")
    assert (tmp_path / "call.wav").stat().st_size == 46


def test_all_who_are_not_recorded_are_heard_on_the_right():
    loud, short = np.full(4, 30000, np.int16), np.full(2, 10000, np.int16)
    assert mix([loud, short], "").tolist() == [32767, 32767, 30000, 30000]
    assert mix([short], "") is short
    assert len(mix([], "")) == 0
    table = LAWS["PCMU"].table
    octets = mix([np.full(3, 0x20, np.uint8), np.full(2, 0xA0, np.uint8)], "PCMU")
    assert table[octets].tolist() == [0, 0, table[0x20]]
