import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.ingest import ogg
from tests.doubles import audio


@pytest.fixture(scope="module")
def content():
    return audio.encoded(audio.speech(3), "libopus", "ogg", 48000)


def layout_of(content):
    return ogg.read_layout(io.BytesIO(content), len(content))


def test_a_whole_file_has_no_flaw(content):
    assert layout_of(content) == ogg.OggLayout("opus")


def test_a_file_that_was_cut_says_so(content):
    assert "cut off" in layout_of(content[:-10]).flaw
    last = content.rfind(b"OggS")
    assert layout_of(content[:last]).flaw
    assert "cut off" in layout_of(content[: last + 20]).flaw


def test_garbage_behind_the_last_page_is_no_flaw(content):
    assert layout_of(content + b"\0" * 100).flaw == ""
    assert layout_of(content + b"OggS\x01nothing").flaw == ""


def test_another_codec_in_ogg_is_named():
    assert layout_of(audio.encoded(audio.speech(1), "flac", "ogg")).codec == "flac"


@given(st.binary(max_size=400))
def test_any_bytes_are_survived(content):
    layout_of(content)
    layout_of(b"OggS" + content)


@given(st.integers(0, 400), st.binary(min_size=1, max_size=30))
def test_a_damaged_file_is_survived(place, wrong):
    damaged = bytearray(_SMALL)
    damaged[place : place + len(wrong)] = wrong
    layout_of(bytes(damaged))


_SMALL = audio.encoded(audio.speech(0.2), "libopus", "ogg", 48000)
