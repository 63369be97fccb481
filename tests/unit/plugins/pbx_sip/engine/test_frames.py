"""Frames between control and worker."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.pbx_sip.engine.frames import BadFrame, Frame, FrameReader, encode


@given(st.lists(st.tuples(st.text(min_size=1), st.binary())), st.integers(1, 50))
def test_frames_arrive_as_they_were_said_however_the_line_cuts_them(said, cut):
    frames = [Frame(says, {"number": number}, body) for number, (says, body) in enumerate(said)]
    data = b"".join(map(encode, frames))
    reader = FrameReader()
    heard = [frame for at in range(0, len(data), cut) for frame in reader.feed(data[at : at + cut])]
    assert heard == frames


@pytest.mark.parametrize("data", [b"{}\n", b"[]\n", b"x\n", b'{"says":"a","body_bytes":-1}\n', b"a" * (2 << 20)])
def test_what_is_no_frame_is_found_out(data):
    with pytest.raises(BadFrame):
        list(FrameReader().feed(data))


@given(st.binary(max_size=400))
def test_nothing_that_comes_makes_the_reader_fail_otherwise(data):
    with suppress(BadFrame):
        list(FrameReader().feed(data))
