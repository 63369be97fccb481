"""Text from outside, in a form that every database takes."""

import json

from hypothesis import given
from hypothesis import strategies as st

from hub.db.plain import injective_text, storable_json, storable_text

_ANY_TEXT = st.text(alphabet=st.characters(codec=None, categories=None), max_size=40)
_ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | _ANY_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_ANY_TEXT, inner, max_size=4),
    max_leaves=10,
)


def test_plain_text_stays_as_it_is():
    for text in ("", "Anna Müller", "王伟", "line\nbreak", "tab\there", "a\\b", "😀"):
        assert storable_text(text) == text


def test_what_no_database_takes_becomes_visible():
    assert storable_text("a\0b\udcffc\x1b") == "a\\x00b\\udcffc\\x1b"


def test_long_text_is_cut_where_it_may_be():
    assert storable_text("x" * 300, 10) == "xxxxxxxxx…"
    assert storable_text("\0" * 300, 10) == "\\x00\\x00\\…"


@given(_ANY_TEXT)
def test_every_text_becomes_one_that_can_be_stored(text):
    stored = storable_text(text)
    assert "\0" not in stored
    stored.encode()
    assert storable_text(stored) == stored


@given(_ANY_TEXT, st.integers(min_value=2, max_value=30))
def test_no_text_is_longer_than_its_limit(text, limit):
    assert len(storable_text(text, limit)) <= limit


@given(_ANY_JSON)
def test_every_json_value_becomes_one_that_can_be_stored(value):
    text = json.dumps(storable_json(value), ensure_ascii=False)
    text.encode()
    assert "\\u0000" not in text


@given(_ANY_TEXT, _ANY_TEXT)
def test_two_names_never_become_one_key(one, other):
    assert (injective_text(one, 80) == injective_text(other, 80)) == (one == other)


@given(st.text(min_size=60, max_size=300))
def test_a_key_never_outgrows_its_limit(name):
    assert len(injective_text(name, 80)) <= 80


def test_names_that_look_like_marked_ones_are_told_apart():
    odd = ["bytes:61", "a\0", "bytes:6100", "sha256:" + "0" * 64, "x" * 100, "x" * 101]
    assert len({injective_text(name, 80) for name in odd}) == len(odd)
