import json
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from hub.ingest.drafts import decode_detail, decode_draft, encode_detail, encode_draft
from hub.ingest.entry import name_receipt
from hub.sdk import (
    CallDetail,
    Direction,
    EventKind,
    MediaFile,
    MediaLocation,
    Notice,
    NoticeKind,
    Owner,
    OwnerKind,
    Party,
    RecordingDraft,
    Role,
    TimelineEvent,
)

# Whatever a file name can be in Python: any character, and stray bytes as lone surrogates.
texts = st.text(st.characters(exclude_categories=()), max_size=30).filter(
    lambda text: not any("\ud800" <= letter <= "\udbff" for letter in text)
)
zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
moments = st.datetimes(timezones=zones)
seconds = st.none() | st.floats(0, 1e6)
parties = st.builds(
    Party,
    number=texts,
    name=texts,
    role=st.sampled_from(Role),
    channel=st.none() | st.integers(0, 7),
    joined_s=seconds,
    left_s=seconds,
)
owners = st.none() | st.builds(Owner, kind=st.sampled_from(OwnerKind), id=texts, name=texts)
notices = st.builds(Notice, kind=st.sampled_from(NoticeKind), by=texts, at=st.none() | moments)
files = st.builds(
    MediaFile,
    path=st.integers(0, 99).map(lambda number: Path(f"media-{number}")),
    sha256=texts,
    channel_parties=st.lists(texts, max_size=3).map(tuple),
)
locations = st.builds(
    MediaLocation, connector=texts, key=texts, member=texts, size_bytes=st.none() | st.integers(0), sha256=texts
)
facts = st.dictionaries(texts, texts, max_size=4)
events = st.builds(
    TimelineEvent,
    at_s=st.floats(0, 1e6),
    kind=st.sampled_from(EventKind),
    until_s=st.none() | st.floats(1e6, 2e6),
    party=texts,
    text=texts,
)
drafts = st.builds(
    RecordingDraft,
    origin_id=texts,
    started_at=moments,
    media=st.lists(files | locations, max_size=3).map(tuple),
    duration_s=seconds,
    origin_server=texts,
    origin_name=texts,
    call_id=texts,
    direction=st.sampled_from(Direction),
    parties=st.lists(parties, max_size=3).map(tuple),
    owner=owners,
    agent=texts,
    target=texts,
    skill=texts,
    notice=notices,
    mixed=st.none() | st.booleans(),
    merge_same_media=st.booleans(),
    call_keys=st.lists(texts, max_size=3).map(tuple),
    longest_s=seconds,
    fields=facts,
    provenance=facts,
    raw=st.dictionaries(texts, st.binary(max_size=60), max_size=3),
    events=st.lists(events, max_size=3).map(lambda found: tuple(sorted(found, key=lambda event: event.at_s))),
    problem=st.none() | st.tuples(texts, texts),
)
details = st.builds(
    CallDetail,
    detail_id=texts,
    rule=texts,
    started_at=moments,
    ended_at=moments,
    call_id=texts,
    direction=st.sampled_from(Direction),
    parties=st.lists(parties, max_size=3).map(tuple),
    owner=owners,
    agent=texts,
    target=texts,
    skill=texts,
    numbers=st.lists(texts, max_size=3).map(tuple),
    fields=facts,
)


@given(drafts)
def test_a_draft_survives_json(draft):
    text = json.dumps(encode_draft(draft)).encode("ascii")
    assert decode_draft(json.loads(text), Path()) == draft


@given(drafts)
def test_a_draft_that_the_version_before_wrote_has_no_events(draft):
    data = encode_draft(draft)
    del data["events"]
    assert decode_draft(data, Path()) == replace(draft, events=())


@given(details)
def test_a_call_detail_survives_json(detail):
    text = json.dumps(encode_detail(detail)).encode("ascii")
    assert decode_detail(json.loads(text)) == detail


@given(texts, texts)
def test_receipts_differ_where_origins_differ(one, other):
    assert (name_receipt(1, one) == name_receipt(1, other)) == (one == other)
    assert name_receipt(1, one) != name_receipt(2, one)
    assert name_receipt(1, one) != name_receipt(1, one, "detail")
