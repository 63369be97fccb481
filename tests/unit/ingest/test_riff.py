import io
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.ingest import riff
from tests.doubles import audio


def layout_of(content):
    return riff.read_layout(io.BytesIO(content), len(content))


def test_audio_is_found_behind_other_chunks():
    content = audio.wav(audio.speech(), chunks=audio.chunk(b"LIST", b"INFOabc") + audio.chunk(b"SIGN", b"x" * 501))
    layout = layout_of(content)
    assert (layout.format_tag, layout.channels, layout.sample_rate_hz, layout.flaw) == (riff.MU_LAW, 1, 8000, "")
    assert content[layout.data_offset :] == audio.companded(audio.speech(), audio.MU_LAW)


@pytest.mark.parametrize(("said", "is_flaw"), [(100, False), (200, True), (0, False), (0xFFFFFFFF, False)])
def test_a_header_that_lies_about_the_length_is_not_believed(said, is_flaw):
    layout = layout_of(audio.wav_of(b"\xff" * 100, tag=riff.MU_LAW, said_bytes=said))
    assert layout.data_bytes == 100
    assert bool(layout.flaw) is is_flaw
    assert layout.is_sized is (said == 100)


def test_what_stands_behind_the_audio_is_not_audio():
    layout = layout_of(audio.wav_of(b"\xff" * 100 + audio.chunk(b"LIST", b"tail"), tag=riff.MU_LAW, said_bytes=100))
    assert layout.data_bytes == 100
    assert layout.is_sized


def test_an_extensible_format_tells_its_true_format():
    extra = struct.pack("<HIH14s", 16, 3, riff.PCM, b"\0" * 14)
    layout = layout_of(audio.wav_of(b"\0" * 64, tag=riff.EXTENSIBLE, channels=2, bits=16, extra=extra))
    assert (layout.format_tag, layout.channels, layout.block_bytes) == (riff.PCM, 2, 4)


def test_the_long_length_of_rf64_counts():
    data = b"\xff" * 50
    body = audio.chunk(b"ds64", struct.pack("<QQQ", 0, 30, 0)) + audio.chunk(
        b"fmt ", struct.pack("<HHIIHH", riff.MU_LAW, 1, 8000, 8000, 1, 8)
    )
    content = b"RF64" + b"\xff" * 4 + b"WAVE" + body + b"data" + b"\xff" * 4 + data
    assert layout_of(content).data_bytes == 30


def test_a_file_of_nothing_but_a_header_has_no_audio():
    layout = layout_of(audio.wav_of(b"", tag=riff.MU_LAW))
    assert (layout.data_bytes, layout.flaw, layout.is_sized) == (0, "", True)


def test_a_file_without_fmt_or_data_has_no_layout():
    assert layout_of(b"") is None
    assert layout_of(b"RIFF\x24\0\0\0WAVE") is None
    assert layout_of(b"RIFF\x24\0\0\0WAVE" + audio.chunk(b"data", b"abcd")) is None
    assert layout_of(audio.wav_of(b"", tag=7)[:-8]) is None


@given(st.binary(max_size=300))
def test_any_bytes_give_a_layout_within_the_file_or_none(content):
    layout = layout_of(content)
    if layout is not None:
        assert layout.data_offset >= 0
        assert layout.data_bytes <= max(len(content) - layout.data_offset, 0)


@given(st.binary(max_size=80), st.lists(st.tuples(st.integers(0, 200), st.binary(min_size=1, max_size=4)), max_size=6))
def test_a_damaged_header_is_survived(tail, damages):
    content = bytearray(audio.wav_of(b"\x80" * 60, tag=riff.A_LAW, chunks=audio.chunk(b"LIST", b"INFO")) + tail)
    for place, wrong in damages:
        content[place : place + len(wrong)] = wrong
    layout = layout_of(bytes(content))
    if layout is not None:
        assert layout.data_bytes <= len(content)
