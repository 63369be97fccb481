import os
import struct
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hub.ingest.desk import examine
from hub.ingest.finding import FILE_DAMAGED, FILE_EMPTY, FILE_PARSE_ERROR, Finding, Wanted
from hub.vault.peaks import FINE, HEADER_BYTES, find_level
from tests.doubles import audio

OPUS = Wanted(form="opus", opus_bps=13_300, opus_complexity=1)
KEEP = Wanted(form="keep", opus_bps=13_300, opus_complexity=1)
TWO_SECONDS = audio.speech(2)


@pytest.fixture
def look(tmp_path):
    def look(content, wanted=KEEP, name="call.wav"):
        path = tmp_path / name
        path.write_bytes(content)
        return examine(path, tmp_path / "made", wanted, lambda: None)

    return look


@pytest.mark.parametrize("law", [audio.PCM, audio.A_LAW, audio.MU_LAW])
def test_a_wav_in_pcm_or_g711_is_kept_and_played_as_it_is(look, tmp_path, law):
    found = look(audio.wav(TWO_SECONDS, law))
    assert (found.container, found.channels, found.sample_rate_hz, found.duration_s) == ("wav", 1, 8000, 2.0)
    assert (found.browser_playable, found.has_speech, found.problem, found.derived) == (True, True, None, None)
    peaks = (tmp_path / found.peaks.name).read_bytes()
    assert find_level(peaks[:HEADER_BYTES], FINE).points == 50


def test_while_many_wait_the_form_of_what_plays_is_left_for_later_and_nothing_else(look):
    behind = replace(OPUS, form_waits=True)
    found = look(audio.wav(TWO_SECONDS, audio.MU_LAW), behind)
    assert (found.derived, found.is_complete, found.has_speech, found.browser_playable) == (None, False, True, True)
    assert found.peaks is not None
    unplayable = look(audio.encoded(TWO_SECONDS, "g722", "wav", 16000), behind)
    assert (unplayable.derived.codec, unplayable.is_complete) == ("opus", True)
    kept = look(audio.wav(TWO_SECONDS, audio.MU_LAW), replace(KEEP, form_waits=True))
    assert kept.is_complete


@pytest.mark.parametrize(
    ("content", "codec"),
    [
        pytest.param(audio.encoded(TWO_SECONDS, "g722", "wav", 16000), "adpcm_g722", id="G.722"),
        pytest.param(audio.encoded(TWO_SECONDS, "g726", "wav"), "adpcm_g726", id="G.726"),
        pytest.param(audio.encoded(TWO_SECONDS, "adpcm_ima_wav", "wav"), "adpcm_ima_wav", id="IMA ADPCM"),
        pytest.param(audio.encoded(TWO_SECONDS, "pcm_f32le", "wav"), "pcm_f32le", id="float"),
        pytest.param(audio.encoded(TWO_SECONDS, "pcm_s16be", "au"), "pcm_s16be", id="AU"),
        pytest.param(
            audio.wav_of(os.urandom(65 * 50), tag=audio.MS_GSM, bits=0, block_bytes=65, extra=struct.pack("<H", 320)),
            "gsm_ms",
            id="GSM",
        ),
        pytest.param(audio.wav_of(os.urandom(10 * 200), tag=audio.G729, bits=0, block_bytes=10), "g729", id="G.729"),
    ],
)
@pytest.mark.parametrize("wanted", [KEEP, OPUS])
def test_what_no_browser_plays_gets_a_form_that_it_does_whatever_the_policy(look, tmp_path, content, codec, wanted):
    found = look(content, wanted)
    assert (found.codec, found.browser_playable, found.encode_error) == (codec, False, "")
    assert (found.derived.container, found.derived.codec) == ("ogg", "opus")
    made, _ = audio.decoded((tmp_path / found.derived.name).read_bytes())
    assert len(made) / 48000 == pytest.approx(found.duration_s, abs=0.1)


@pytest.mark.parametrize(
    ("codec", "container", "form"),
    [("libopus", "ogg", "opus"), ("libmp3lame", "mp3", "mp3"), ("flac", "flac", "flac"), ("pcm_s16le", "wav", "wav")],
)
def test_what_has_the_wanted_form_is_not_made_again(look, codec, container, form):
    content = audio.encoded(TWO_SECONDS, codec, container, 48000 if codec == "libopus" else 8000)
    found = look(content, Wanted(form=form, opus_bps=13_300, opus_complexity=1))
    assert found.browser_playable
    assert found.derived is None
    assert found.peaks is not None


@pytest.mark.parametrize("name", ["call.txt", "call.opus", "call"])
def test_the_extension_is_not_believed(look, name):
    assert look(audio.wav(TWO_SECONDS), name=name).codec == "pcm_mulaw"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"", id="no bytes"),
        pytest.param(b"Salted__" + bytes(range(256)) * 40, id="encrypted"),
        pytest.param(b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", id="a playlist"),
        pytest.param(b"RIFF\x24\0\0\0WAVEjunk", id="RIFF without audio"),
        pytest.param(b"OggS" + b"\0" * 200, id="Ogg without anything"),
        pytest.param(b"fLaC" + b"\xff" * 100, id="FLAC without anything"),
        pytest.param(b"\0\0\0\x20ftypisom" + b"\0" * 100, id="MP4 without anything"),
        pytest.param(audio.wav_of(b"\0" * 100, tag=0x1234), id="a WAV in an unknown coding"),
    ],
)
def test_what_is_not_understood_says_so_and_has_no_forms(look, content):
    found = look(content, OPUS)
    assert found.problem[0] == FILE_PARSE_ERROR
    assert found.problem[1]
    assert (found.derived, found.peaks, found.duration_s, found.browser_playable) == (None, None, 0.0, False)


def test_an_unknown_file_shows_how_it_begins(look):
    assert "53 61 6c 74" in look(b"Salted__etc").problem[1]


def test_a_wav_without_audio_is_no_audio_and_is_read_well(look):
    found = look(audio.wav_of(b"", tag=audio.MU_LAW), OPUS)
    assert (found.problem[0], found.duration_s, found.codec) == (FILE_EMPTY, 0.0, "pcm_mulaw")
    assert found.derived is None
    assert found.peaks is None


def test_a_wav_that_was_cut_keeps_what_is_there_and_plays(look):
    whole = audio.wav(TWO_SECONDS)
    found = look(whole[: len(whole) // 2])
    assert found.problem[0] == FILE_DAMAGED
    assert "promises 16000 bytes" in found.problem[1]
    assert found.duration_s == pytest.approx(1.0, abs=0.01)
    assert not found.browser_playable
    assert found.derived.codec == "opus"


@pytest.mark.parametrize("said", [0, 0xFFFFFFFF])
def test_a_header_that_was_never_finished_is_no_damage_but_gets_a_playable_form(look, said):
    data = audio.companded(TWO_SECONDS, audio.MU_LAW)
    found = look(audio.wav_of(data, tag=audio.MU_LAW, said_bytes=said))
    assert (found.problem, found.duration_s, found.browser_playable) == (None, 2.0, False)
    assert found.derived is not None


def test_an_ogg_that_was_cut_keeps_what_is_there(look):
    whole = audio.encoded(audio.speech(5), "libopus", "ogg", 48000)
    found = look(whole[: len(whole) // 2])
    assert found.problem[0] == FILE_DAMAGED
    assert 1 < found.duration_s < 4


def test_two_channels_stay_two(look, tmp_path):
    found = look(audio.wav(audio.speech(3, channels=2)), OPUS)
    made, _ = audio.decoded((tmp_path / found.derived.name).read_bytes())
    assert (found.channels, found.derived.channels, made.shape[1]) == (2, 2, 2)


@pytest.mark.parametrize("form", ["keep", "opus", "mp3", "wav", "flac"])
def test_of_many_channels_the_first_is_played_left_and_all_others_right(look, tmp_path, form):
    lanes = np.concatenate([audio.tone(2.0, 300.0 + 100 * place) // 8 for place in range(5)], axis=1)
    found = look(audio.wav(lanes, audio.PCM), Wanted(form=form, opus_bps=13_300, opus_complexity=1))
    assert (found.channels, found.browser_playable, found.derived.channels) == (5, False, 2)
    made, rate_hz = audio.decoded((tmp_path / found.derived.name).read_bytes())
    spectra = np.abs(np.fft.rfft(made[rate_hz // 4 : rate_hz * 5 // 4].astype(float), axis=0))
    loud = [{round(at / 100) for at in np.flatnonzero(spectrum > spectrum.max() / 4)} for spectrum in spectra.T]
    assert loud == [{3}, {4, 5, 6, 7}]
    assert (tmp_path / found.peaks.name).read_bytes()[5] == 5


def test_many_channels_stay_apart_where_the_original_is_not_kept(look):
    lanes = np.concatenate([audio.speech(1, seed=seed) for seed in range(5)], axis=1)
    found = look(audio.wav(lanes), Wanted(form="opus", opus_bps=13_300, opus_complexity=1, folds=False))
    assert (found.derived.container, found.derived.channels) == ("flac", 5)


def test_silence_is_told_from_speech(look):
    assert not look(audio.wav(audio.silence(3))).has_speech
    assert look(audio.wav(audio.speech(3))).has_speech


def test_a_disk_that_is_full_is_no_fault_of_the_file(tmp_path):
    path = tmp_path / "call.wav"
    path.write_bytes(audio.wav(TWO_SECONDS))
    with pytest.raises(OSError, match="No such file"):
        examine(path, tmp_path / "gone" / "made", OPUS, lambda: None)


def test_a_long_recording_is_looked_at_within_its_budget_and_its_form_is_left_for_later(tmp_path):
    path = tmp_path / "long.wav"
    minute = audio.companded(audio.speech(60), audio.MU_LAW)
    path.write_bytes(audio.wav_of(minute * 60, tag=audio.MU_LAW))
    found = examine(
        path, tmp_path / "made", Wanted(form="opus", opus_bps=13_300, opus_complexity=1, budget_cpu_s=0.5), lambda: None
    )
    assert (found.is_complete, found.derived, found.duration_s) == (False, None, 3600.0)
    assert found.browser_playable
    assert found.has_speech


def test_a_long_opus_gives_its_length_at_once_and_its_peaks_later(tmp_path):
    path = tmp_path / "long.opus"
    path.write_bytes(audio.encoded(audio.speech(120), "libopus", "ogg", 48000))
    found = examine(
        path,
        tmp_path / "made",
        Wanted(form="opus", opus_bps=13_300, opus_complexity=1, budget_cpu_s=0.01),
        lambda: None,
    )
    assert (found.is_complete, found.peaks, found.derived) == (False, None, None)
    assert found.duration_s == pytest.approx(120, abs=0.1)


@pytest.mark.parametrize("form", ["keep", "opus"])
def test_five_hours_take_little_memory(tmp_path, form):
    path = tmp_path / "long.wav"
    with path.open("wb") as file:
        file.write(audio.wav_of(b"", tag=audio.MU_LAW, said_bytes=5 * 3600 * 8000))
        file.truncate(44 + 5 * 3600 * 8000)
    code = (
        "import sys; from pathlib import Path; from hub.ingest.desk import examine;"
        "from hub.ingest.finding import Wanted;"
        "wanted = Wanted(form=sys.argv[2], opus_bps=13300, opus_complexity=1, budget_cpu_s=1.0);"
        "found = examine(Path(sys.argv[1]), Path(sys.argv[1] + '.made'), wanted, lambda: None);"
        "most = next(line for line in open('/proc/self/status') if line.startswith('VmHWM'));"
        "print(found.duration_s, most.split()[1])"
    )
    command = [sys.executable, "-W", "ignore", "-c", code, str(path), form]
    out = subprocess.run(command, capture_output=True, check=True, text=True)
    duration_s, most_kib = map(float, out.stdout.split())
    assert duration_s == 5 * 3600
    assert most_kib < 100_000


@settings(deadline=None, max_examples=60)
@given(
    st.sampled_from(["wav", "opus", "g722", "mp3", "flac"]),
    st.integers(0, 3000),
    st.binary(min_size=1, max_size=40),
    st.integers(0, 2000),
)
def test_a_damaged_file_ends_as_a_finding(tmp_path_factory, kind, place, wrong, cut):
    content = bytearray(_SMALL[kind])
    content[place : place + len(wrong)] = wrong
    path = _folder(tmp_path_factory) / "call"
    path.write_bytes(bytes(content[: len(content) - cut % len(content)]))
    found = examine(path, path.with_name("made"), OPUS, lambda: None)
    assert Finding.from_json(found.to_json()) == found
    assert found.duration_s >= 0


_SMALL = {
    "wav": audio.wav(audio.speech(0.4)),
    "opus": audio.encoded(audio.speech(0.4), "libopus", "ogg", 48000),
    "g722": audio.encoded(audio.speech(0.4), "g722", "wav", 16000),
    "mp3": audio.encoded(audio.speech(0.4), "libmp3lame", "mp3"),
    "flac": audio.encoded(audio.speech(0.4), "flac", "flac"),
}


def _folder(factory: pytest.TempPathFactory) -> Path:
    return factory.getbasetemp()
