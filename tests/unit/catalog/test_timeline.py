"""What happened in the course of a recording, bounded and in order."""

import json
from math import inf, isfinite, nan

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.catalog.timeline import EVENTS_MAX, arrange, events_from, events_json
from hub.sdk import EventKind, TimelineEvent

events = st.builds(
    TimelineEvent,
    at_s=st.floats(),
    kind=st.sampled_from(EventKind),
    until_s=st.none() | st.floats(),
    party=st.text(max_size=400),
    text=st.text(max_size=400),
)


def key(at_s, text=""):
    return TimelineEvent(at_s=at_s, kind=EventKind.KEY, text=text)


def test_events_stand_in_time():
    assert [event.at_s for event in arrange([key(3.0), key(1.0), key(2.0)])] == [1.0, 2.0, 3.0]


@pytest.mark.parametrize(
    ("at_s", "until_s"), [(-1.0, None), (nan, None), (inf, None), (2.0, 1.0), (1.0, nan), (1.0, inf)]
)
def test_an_event_without_a_sensible_time_is_left_out(at_s, until_s):
    assert arrange([TimelineEvent(at_s=at_s, until_s=until_s, kind=EventKind.HOLD)]) == []


def test_of_too_many_events_a_note_says_how_many_more_there_were():
    made = arrange(key(float(number)) for number in range(EVENTS_MAX + 500))
    assert len(made) == EVENTS_MAX
    assert made[-1].kind is EventKind.NOTE
    assert (made[-1].at_s, made[-1].text) == (EVENTS_MAX - 1, "501 more events are left out: 501 key")


def test_a_pause_is_kept_however_many_keys_were_pressed():
    pause = TimelineEvent(at_s=9000.0, until_s=9100.0, kind=EventKind.PAUSE)
    assert pause in arrange([*(key(float(number)) for number in range(3 * EVENTS_MAX)), pause])


@given(st.lists(events, max_size=20))
def test_whatever_a_plugin_says_becomes_json_that_reads_back(found):
    values = json.loads(json.dumps(events_json(found), allow_nan=False))
    read = events_from(values)
    assert events_json(read) == values
    assert all(isfinite(event.at_s) and len(event.text) <= 255 and len(event.party) <= 255 for event in read)
