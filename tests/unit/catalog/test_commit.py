"""One transaction writes a recording and everything that belongs to it, once."""

import hashlib
import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from hub.audit.models import AuditLine
from hub.catalog import search
from hub.catalog.claims import find_known
from hub.catalog.commit import commit_recordings
from hub.catalog.models import Media, Origin, Recording, RollDay, RollMonth
from hub.catalog.prepared import MediaKind, Outcome
from hub.catalog.query import RecordingQuery
from hub.db.types import canonical_json
from hub.sdk import Direction, EventKind, Notice, NoticeKind, Owner, OwnerKind, Party, Role, TimelineEvent
from tests.doubles.outbox import told
from tests.doubles.recordings import EVERYTHING, NOON, commit, commit_one, draft, media, prepared, sha256


def _find(db, recording_id):
    with db.read() as session:
        return search.find(session, EVERYTHING, recording_id)


def _count(db, model):
    with db.read() as session:
        return session.scalar(select(func.count()).select_from(model.table()))


def test_a_recording_is_found_as_it_was_handed_over(db):
    item = prepared(
        raw={"riff:SIGN": b"\x00\x01"},
        notice=Notice(kind=NoticeKind.ANNOUNCED, by="auto attendant", at=NOON),
        mixed=True,
    )
    [done] = commit(db, item)
    assert (done.outcome, done.recording_id, done.receipt_id) == (Outcome.NEW, item.recording_id, item.receipt_id)
    found = _find(db, done.recording_id)
    assert found is not None
    assert found.started_at == NOON
    assert found.duration_s == 60.0
    assert found.direction is Direction.INCOMING
    assert found.parties == item.draft.parties
    assert found.owner == item.draft.owner
    assert (found.agent, found.target, found.skill) == ("Anna Müller", "201", "Billing")
    assert found.notice == item.draft.notice
    assert found.mixed is True
    assert found.fields == item.draft.fields
    assert found.provenance == {"direction": "filename"}
    assert found.raw == {"riff:SIGN": b"\x00\x01"}
    assert found.playable
    assert found.sealed
    assert found.seal.sha256 == (item.media[0].sha256,)
    assert [m.kind for m in found.media] == [MediaKind.ORIGINAL, MediaKind.DERIVED, MediaKind.PEAKS]
    assert [copy.store_id for m in found.media for copy in m.copies] == [1, 1, 1]
    assert [origin.name for origin in found.origins] == [item.draft.origin_name]
    assert [moment.what for moment in found.timeline] == ["started", "ended", "received", "catalogued"]


PAUSE = TimelineEvent(at_s=12.5, until_s=30.0, kind=EventKind.PAUSE)
EVENTS = (
    TimelineEvent(at_s=41.25, kind=EventKind.KEY, party="8001", text="5\x00"),
    PAUSE,
)


def test_what_happened_in_its_course_is_found_in_time(db):
    [done] = commit(db, prepared(events=EVENTS))
    key = TimelineEvent(at_s=41.25, kind=EventKind.KEY, party="8001", text="5\\x00")
    assert _find(db, done.recording_id).events == (PAUSE, key)
    assert _find(db, commit_one(db)).events == ()


def test_pauses_are_sealed_with_the_recording(db):
    [done] = commit(db, prepared(events=(PAUSE,)))
    with db.read() as session:
        facts = session.scalar(select(AuditLine.table().c.facts).order_by(AuditLine.table().c.id.desc()).limit(1))
    stored = [{"at_s": 12.5, "kind": "pause", "until_s": 30.0}]
    assert done.outcome is Outcome.NEW
    assert facts["timeline"] == {
        "events": 1,
        "sha256": hashlib.sha256(canonical_json(stored).encode()).hexdigest(),
    }


def test_committing_twice_changes_nothing(db):
    item = prepared()
    commit(db, item)
    [again] = commit(db, item)
    assert again.outcome is Outcome.DUPLICATE
    assert again.recording_id == item.recording_id
    assert _count(db, Recording) == 1
    assert _count(db, Origin) == 1
    assert _count(db, Media) == 3


def test_a_duplicate_within_one_batch_is_told_apart(db):
    item = prepared()
    outcomes = [done.outcome for done in commit(db, item, item, prepared())]
    assert outcomes == [Outcome.NEW, Outcome.DUPLICATE, Outcome.NEW]


def test_the_same_origin_id_of_another_instance_is_another_recording(db):
    same = draft()
    done = commit(db, prepared(1, draft=same), prepared(2, draft=same))
    assert [each.outcome for each in done] == [Outcome.NEW, Outcome.NEW]


def test_the_same_bytes_from_another_origin_become_a_second_name(db):
    original = media(sha256=sha256("one call"))
    first = commit_one(db, media=(original,), merge_same_media=True)
    [second] = commit(db, prepared(8, media=(original,), merge_same_media=True, origin_name="copy.wav"))
    assert second.outcome is Outcome.MERGED
    assert second.recording_id == first
    found = _find(db, first)
    assert found.origin_count == 2
    assert found.revision == 2
    assert [(origin.instance_id, origin.name) for origin in found.origins][1] == (8, "copy.wav")
    assert _count(db, Recording) == 1


def test_the_same_bytes_twice_in_one_batch_become_one_recording(db):
    original = media(sha256=sha256("one call"))
    done = commit(
        db,
        prepared(media=(original,), merge_same_media=True),
        prepared(8, media=(original,), merge_same_media=True),
        prepared(9, media=(original,), merge_same_media=True),
    )
    assert sorted(each.outcome for each in done) == [Outcome.MERGED, Outcome.MERGED, Outcome.NEW]
    assert len({each.recording_id for each in done}) == 1
    assert _find(db, done[0].recording_id).origin_count == 3


@pytest.mark.parametrize("changes", [{"has_speech": False}, {"merge_same_media": False}])
def test_silent_calls_and_sources_that_do_not_ask_are_never_merged(db, changes):
    original = media(sha256=sha256("silence"))
    settings = {"merge_same_media": True, "media": (original,)} | changes
    commit(db, prepared(**settings))
    [second] = commit(db, prepared(8, **settings))
    assert second.outcome is Outcome.NEW


def test_a_recording_of_two_parts_merges_only_with_both(db):
    one, two = media(sha256=sha256("1")), media(sha256=sha256("2"), part=1)
    first = commit_one(db, media=(one, two), merge_same_media=True)
    [half] = commit(db, prepared(media=(one,), merge_same_media=True))
    [both] = commit(db, prepared(media=(one, two), merge_same_media=True))
    assert half.outcome is Outcome.NEW
    assert (both.outcome, both.recording_id) == (Outcome.MERGED, first)


def test_a_known_recording_is_found_before_its_media_is_stored_again(db):
    original = media(sha256=sha256("one call"))
    item = prepared(media=(original,), merge_same_media=True)
    commit(db, item)
    with db.read() as session:
        assert find_known(session, 7, item.draft.origin_id, [], merge=False) == item.recording_id
        assert find_known(session, 8, "another", [original.sha256], merge=True) == item.recording_id
        assert find_known(session, 8, "another", [original.sha256], merge=False) is None
        assert find_known(session, 8, "another", [sha256("other")], merge=True) is None


def test_two_recordings_that_drew_the_same_id_are_both_kept(db):
    first = commit_one(db, recording_id=42)
    done = commit(db, prepared(recording_id=42), prepared(recording_id=42))
    recordings = {first, *(each.recording_id for each in done)}
    assert len(recordings) == 3
    assert all(_find(db, each) for each in recordings)


def test_an_original_that_policy_dropped_keeps_its_hash(db):
    dropped = media(store_id=None, key="", verified_by=None)
    recording = _find(db, commit_one(db, media=(dropped, media(MediaKind.DERIVED))))
    assert recording.seal.sha256 == (dropped.sha256,)
    assert recording.media[0].copies == ()
    assert recording.playable


def test_content_that_nobody_understands_is_catalogued_with_its_problem(db):
    problem = ("FILE_PARSE_ERROR", "unsupported file format")
    recording = _find(db, commit_one(db, problem=problem, media=(media(container="", codec=""),)))
    assert recording.problem == problem
    assert recording.state == "problem"
    assert not recording.playable


def test_names_with_any_bytes_are_kept_apart(db):
    names = ["a\udcff.wav", "a\\udcff.wav", "a\0.wav", "bytes:61", "x" * 5000, "x" * 5001, "line\nbreak"]
    done = commit(db, *(prepared(origin_id=name, origin_name=name) for name in names))
    assert {each.outcome for each in done} == {Outcome.NEW}
    again = commit(db, *(prepared(origin_id=name, origin_name=name) for name in names))
    assert {each.outcome for each in again} == {Outcome.DUPLICATE}
    assert _find(db, done[0].recording_id).origins[0].name == "a\\udcff.wav"


def test_hostile_metadata_is_kept_in_a_form_the_database_takes(db):
    recording_id = commit_one(
        db,
        agent="Anna\0\ud800",
        call_id="9" * 10_000,
        parties=(Party(number="\0" * 3, name="x" * 100_000),),
        fields={"\0": "\udcff"},
        provenance={"a": "\0"},
        raw={"r" * 1000: b"\0\xff", "r" * 1001: b""},
    )
    recording = _find(db, recording_id)
    assert recording.agent == "Anna\\x00\\ud800"
    assert len(recording.raw) == 2
    assert len(recording.call_id) == 255


def test_a_batch_is_written_whole_or_not_at_all(db):
    def write_and_crash(session):
        commit_recordings(session, [prepared(), prepared()], timezone_of=lambda _: "UTC")
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError), db.write() as session:
        write_and_crash(session)
    for model in (Recording, Origin, Media, RollDay, RollMonth, AuditLine):
        assert _count(db, model) == 0


def test_the_same_hand_over_from_two_workers_is_committed_once(db):
    item = prepared()
    outcomes = []
    barrier = threading.Barrier(2)

    def work():
        barrier.wait()
        outcomes.append(commit(db, item)[0].outcome)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(outcomes) == [Outcome.DUPLICATE, Outcome.NEW]
    assert _count(db, Recording) == 1


def test_two_workers_with_overlapping_batches_lose_and_double_nothing(db):
    shared = media(sha256=sha256("the same bytes"))
    items = [prepared(agent=f"agent {n % 5}") for n in range(20)]
    items += [prepared(n, media=(shared,), merge_same_media=True) for n in (11, 12, 13)]
    failures = []
    barrier = threading.Barrier(3)

    def work(order):
        barrier.wait()
        try:
            for start in range(0, len(order), 4):
                commit(db, *order[start : start + 4])
        except Exception as exc:  # noqa: BLE001
            failures.append(exc)

    threads = [threading.Thread(target=work, args=(order,)) for order in (items, items[::-1], items[10:] + items[:10])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
    assert _count(db, Recording) == 21
    assert _count(db, Origin) == 23


def test_sums_by_day_count_where_the_device_stands(db):
    late = NOON.replace(hour=23, minute=30)
    commit(db, prepared(started_at=late), timezone="Europe/Berlin")
    commit(db, prepared(started_at=late), timezone="UTC")
    commit(db, prepared(started_at=late), timezone="no/such zone")
    with db.read() as session:
        days = session.execute(select(RollDay.day, RollDay.n, RollDay.duration_ms).order_by(RollDay.day)).all()
        months = session.execute(select(RollMonth.month, RollMonth.n)).all()
    assert [tuple(row) for row in days] == [(20261120, 2, 120_000), (20261121, 1, 60_000)]
    assert [tuple(row) for row in months] == [(202611, 3)]


def test_each_recording_brings_its_seal_into_the_trail_and_an_event(db):
    item = prepared()
    commit(db, item)
    with db.read() as session:
        [line] = session.execute(select(AuditLine.table())).all()
        [event] = told(session)
    assert line.action == "recording.ingest"
    assert line.facts["media"][0]["sha256"] == item.media[0].sha256
    assert event.topic == "recording.catalogued"
    assert event.payload["instance"] == 7


def test_parties_without_number_or_name_do_no_harm(db):
    recording_id = commit_one(
        db,
        parties=(Party(number="", role=Role.CALLER), Party(number="()", name=" ")),
        owner=Owner(kind=OwnerKind.LINE, id=""),
        agent="",
        target="",
        skill="",
        call_id="",
    )
    with db.read() as session:
        page = search.search(session, EVERYTHING, RecordingQuery())
    assert [row.id for row in page.items] == [recording_id]


def test_an_empty_batch_is_no_work(db):
    assert commit(db) == []


def test_times_before_1970_and_far_ahead_are_taken(db):
    early = commit_one(db, started_at=NOON - timedelta(days=365 * 80))
    late = commit_one(db, started_at=NOON + timedelta(days=365 * 500))
    assert _find(db, early).started_at.year == 1946
    assert _find(db, late).started_at.year == 2526
