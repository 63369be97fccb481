import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.ingest.sniff import DEMUXERS, sniff
from tests.doubles import audio


@pytest.mark.parametrize(
    ("codec", "container", "expected"),
    [
        ("pcm_s16le", "wav", "wav"),
        ("pcm_s16le", "w64", "w64"),
        ("libopus", "ogg", "ogg"),
        ("flac", "flac", "flac"),
        ("libmp3lame", "mp3", "mp3"),
        ("aac", "adts", "adts"),
        ("aac", "mp4", "mp4"),
        ("pcm_s16be", "au", "au"),
        ("pcm_s16be", "caf", "caf"),
        ("pcm_s16be", "aiff", "aiff"),
        ("pcm_s16le", "matroska", "matroska"),
    ],
)
def test_a_container_is_known_by_its_first_bytes(codec, container, expected):
    rate_hz = 48000 if codec == "libopus" else 8000
    assert sniff(audio.encoded(audio.speech(0.5), codec, container, rate_hz)[:64]) == expected


def test_an_mp3_without_a_tag_is_known_by_its_frame():
    content = audio.encoded(audio.speech(0.5), "libmp3lame", "mp3")
    assert sniff(content[content.index(b"\xff\xe3") :][:64]) == "mp3"


@pytest.mark.parametrize(
    "head", [b"", b"R", b"Salted__" + bytes(56), b"%PDF-1.7", b"#EXTM3U\nfile:///etc/passwd", b"\xff\xff\xff\xff" * 4]
)
def test_what_is_no_recording_is_nothing(head):
    assert sniff(head) == ""


@given(st.binary(max_size=64))
def test_every_answer_has_a_demuxer(head):
    assert sniff(head) in {"", *DEMUXERS}
