"""Letters that are no UTF-8 are read as they were meant, and nothing is left that cannot be written down."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.pbx_sip.sip.text import make_readable


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (b"J\xf6rg", "Jörg"),
        ("Jörg 李".encode(), "Jörg 李"),
        (b"M\xfcller \xe2\x82\xac \x80", "Müller € €"),
        (b"\x81", "\ufffd"),
    ],
)
def test_names_of_western_systems_are_read(sent: bytes, read: str) -> None:
    assert make_readable(sent.decode("utf-8", "surrogateescape")) == read


@given(st.text(st.characters()), st.binary())
def test_what_is_made_can_always_be_written_down(text: str, sent: bytes) -> None:
    made = make_readable(text + "\ud800" + sent.decode("utf-8", "surrogateescape"))
    assert made.encode().decode() == made
