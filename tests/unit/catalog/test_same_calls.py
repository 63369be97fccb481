"""What two devices recorded of one call is one recording; what merely looks alike stays apart."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from hub.audit.models import AuditLine
from hub.catalog.commit import commit_recordings
from hub.catalog.errors import NoSuchMedia
from hub.catalog.mended_timeline import FilledSpan
from hub.catalog.models import Recording, RollDay, RollMonth, SameCall
from hub.catalog.placements import receipt_stage
from hub.catalog.prepared import MediaKind, Outcome, TakeState
from hub.catalog.query import RecordingQuery
from hub.catalog.same_calls import forget_calls
from hub.catalog.search import find, search
from hub.catalog.takes import Taken, complete, find_takes
from hub.clock import utc_now
from hub.sdk import EventKind, Party, Role, Stage, TimelineEvent
from tests.doubles.outbox import told
from tests.doubles.recordings import EVERYTHING, NOON, commit, media, prepared

KEYS = ("sip:a84b4c76e66710@pbx.example",)
FIRST, SECOND, THIRD = 7, 8, 9


def _call(device=FIRST, **changes):
    return prepared(device, **{"call_keys": KEYS} | changes)


def _all(db):
    with db.read() as session:
        ids = session.scalars(select(Recording.id).order_by(Recording.id)).all()
        return [find(session, EVERYTHING, each) for each in ids]


def _outcomes(committed):
    return [each.outcome for each in committed]


def test_the_same_call_of_another_device_joins_the_older_recording(db):
    [first], late = commit(db, _call()), _call(SECOND, started_at=NOON + timedelta(seconds=2))
    [second] = commit(db, late)
    assert (second.outcome, second.recording_id) == (Outcome.JOINED, first.recording_id)
    [recording] = _all(db)
    assert (recording.device_id, recording.origin_count, recording.revision) == (FIRST, 2, 2)
    assert [origin.instance_id for origin in recording.origins] == [FIRST, SECOND]
    [parallel] = [each for each in recording.media if each.kind is MediaKind.PARALLEL]
    original = late.media[0]
    assert (parallel.part, parallel.sha256) == (0, original.sha256)
    assert [copy.key for copy in parallel.copies] == [original.key]
    assert recording.seal.sha256 == tuple(each.sha256 for each in recording.media if each.kind is MediaKind.ORIGINAL)
    assert "joined" in [moment.what for moment in recording.timeline]
    with db.read() as session:
        assert told(session)[-1].topic == "recording.changed"
        line = session.scalars(select(AuditLine).order_by(AuditLine.id.desc())).first()
    assert line.facts["joined"] is True
    assert original.sha256 in {each["sha256"] for each in line.facts["media"]}


def test_the_list_and_the_page_name_every_device_that_recorded_a_call(db):
    commit(db, _call(), _call(SECOND), prepared(THIRD))
    with db.read() as session:
        rows = search(session, EVERYTHING, RecordingQuery()).items
    assert {row.device_id: row.other_devices for row in rows} == {FIRST: (SECOND,), THIRD: ()}
    assert {each.device_id: each.other_devices for each in _all(db)} == {FIRST: (SECOND,), THIRD: ()}


def test_both_in_one_batch_become_one_recording(db):
    committed = commit(db, _call(), _call(SECOND), _call(THIRD))
    assert _outcomes(committed) == [Outcome.NEW, Outcome.JOINED, Outcome.JOINED]
    [recording] = _all(db)
    assert recording.origin_count == 3
    assert [each.part for each in recording.media if each.kind is MediaKind.PARALLEL] == [0, 1]


def test_committing_the_same_again_changes_nothing(db):
    first, second = _call(), _call(SECOND)
    commit(db, first, second)
    before = _all(db)
    assert _outcomes(commit(db, second, first)) == [Outcome.DUPLICATE, Outcome.DUPLICATE]
    assert _all(db) == before


@pytest.mark.parametrize(
    "changes",
    [
        {"call_keys": ("sip:another@pbx.example",)},
        {"call_keys": ()},
        {"started_at": NOON + timedelta(seconds=61)},
        {"started_at": NOON + timedelta(seconds=59.5)},
        {"problem": ("FILE_DAMAGED", "half of it is missing")},
        {"media": (media(), media(part=1))},
    ],
    ids=["another key", "no key", "later", "hardly at the same time", "damaged", "of two parts"],
)
def test_another_call_stays_a_recording_of_its_own(db, changes):
    commit(db, _call())
    assert _outcomes(commit(db, _call(SECOND, **changes))) == [Outcome.NEW]
    assert len(_all(db)) == 2


def test_a_device_never_joins_with_itself(db):
    assert _outcomes(commit(db, _call(), _call())) == [Outcome.NEW, Outcome.NEW]


def test_what_a_device_recorded_after_its_death_joins_by_the_one_that_lived_on(db):
    """Its two halves never meet; the other device's recording is at the same time as both."""
    halves = [_call(duration_s=20.0), _call(duration_s=30.0, started_at=NOON + timedelta(seconds=30))]
    committed = [commit(db, each)[0] for each in (halves[0], _call(SECOND), halves[1])]
    assert _outcomes(committed) == [Outcome.NEW, Outcome.JOINED, Outcome.JOINED]
    assert len(_all(db)) == 1


def test_the_longest_of_those_that_come_together_is_the_recording(db):
    halves = [_call(duration_s=20.0), _call(duration_s=30.0, started_at=NOON + timedelta(seconds=30))]
    assert _outcomes(commit(db, *halves, _call(SECOND))) == [Outcome.JOINED, Outcome.JOINED, Outcome.NEW]
    assert [recording.device_id for recording in _all(db)] == [SECOND]


def test_a_third_device_that_shares_a_key_with_the_second_alone_joins_as_well(db):
    commit(db, _call(), _call(SECOND, call_keys=(*KEYS, "siprec:c2Vzc2lvbi1pZC0x")))
    [third] = commit(db, _call(THIRD, call_keys=("siprec:c2Vzc2lvbi1pZC0x",)))
    assert third.outcome is Outcome.JOINED
    assert len(_all(db)) == 1


def test_what_the_first_device_did_not_know_is_filled_from_the_second(db):
    nameless = (Party(number="201", role=Role.CALLED), Party(number="+49 30 1234567", role=Role.CALLER))
    commit(db, _call(agent="", skill="", parties=nameless), _call(SECOND, agent="Anna Müller"))
    [recording] = _all(db)
    assert recording.agent == "Anna Müller"
    assert recording.parties[0].name == "Anna Müller"
    assert recording.provenance["agent"].startswith("device:")
    with db.read() as session:
        assert search(session, EVERYTHING, RecordingQuery(agent="Anna")).items


def test_a_call_without_speech_is_joined_as_well(db):
    assert _outcomes(commit(db, _call(has_speech=False), _call(SECOND))) == [Outcome.NEW, Outcome.JOINED]


def test_two_workers_that_bring_the_same_call_make_one_recording(db):
    """Each commits while the other one's transaction is open, as far as the database lets it."""
    calls = [[_call(device, call_keys=(f"sip:{number}@pbx",)) for number in range(10)] for device in (FIRST, SECOND)]
    ready = threading.Barrier(2)

    def bring(mine):
        for each in mine:
            ready.wait(30)
            with db.write() as session:
                commit_recordings(session, [each], timezone_of=lambda _: "UTC")

    threads = [threading.Thread(target=bring, args=(mine,)) for mine in (calls[0], calls[1])]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [recording.origin_count for recording in _all(db)] == [2] * 10


def test_keys_are_forgotten_when_no_other_device_will_bring_the_call_any_more(db):
    commit(db, _call())
    with db.write() as session:
        assert forget_calls(session, utc_now() - timedelta(days=1)) == 0
        assert forget_calls(session, utc_now() + timedelta(days=1)) == 1
        assert session.scalar(select(func.count()).select_from(SameCall)) == 0


GAP = TimelineEvent(at_s=10.0, until_s=14.0, kind=EventKind.GAP, party="201")


def _filled(**changes):
    values = {
        "state": TakeState.FILLED,
        "device": "Branch",
        "spans": (FilledSpan(channel=0, at_s=0.0, until_s=5.0), FilledSpan(channel=1, at_s=15.0, until_s=19.0)),
        "lead_ms": 5000,
        "duration_ms": 65_000,
        "media": (media(MediaKind.DERIVED), media(MediaKind.PEAKS)),
        "events": (TimelineEvent(at_s=2.0, kind=EventKind.KEY), TimelineEvent(at_s=30.0, kind=EventKind.KEY)),
    }
    return Taken(**values | changes)


def _joined(db):
    parties = (
        Party(number="+49 30 1234567", role=Role.CALLER, channel=0),
        Party(number="201", role=Role.CALLED, channel=1, joined_s=1.5),
    )
    first = _call(parties=parties, events=(GAP,), longest_s=90.0, started_at=NOON)
    second = _call(SECOND, longest_s=100.0)
    [one, _] = commit(db, first, second)
    return one.recording_id, second


def _complete(db, recording_id, taken):
    with db.write() as session:
        return complete(session, recording_id, 0, taken, "UTC")


def _sums(db):
    with db.read() as session:
        return [
            session.execute(select(func.sum(model.n), func.sum(model.duration_ms))).one()
            for model in (RollDay, RollMonth)
        ]


def test_a_filled_recording_begins_earlier_and_says_what_came_from_where(db):
    recording_id, _ = _joined(db)
    before = _all(db)[0]
    taken = _filled()
    freed = _complete(db, recording_id, taken)
    after = _all(db)[0]
    gone = {
        copy.key for each in before.media if each.kind in {MediaKind.DERIVED, MediaKind.PEAKS} for copy in each.copies
    }
    assert {key for _, key in freed} == gone
    assert after.started_at == NOON - timedelta(seconds=5)
    assert (after.duration_s, after.parties[1].joined_s) == (65.0, 6.5)
    assert [(event.kind, event.at_s, event.until_s, event.party, event.text) for event in after.events] == [
        (EventKind.NOTE, 0.0, 5.0, "+49 30 1234567", "Filled from Branch"),
        (EventKind.KEY, 2.0, None, "", ""),
        (EventKind.NOTE, 15.0, 19.0, "201", "Filled from Branch"),
    ]
    assert {each.sha256 for each in taken.media} < {each.sha256 for each in after.media}
    assert [each for each in after.media if each.kind is MediaKind.ORIGINAL] == [
        each for each in before.media if each.kind is MediaKind.ORIGINAL
    ]
    assert [tuple(row) for row in _sums(db)] == [(1, 65_000)] * 2
    with db.read() as session:
        earlier = RecordingQuery(parties="1234567", started_before=NOON)
        assert [row.id for row in search(session, EVERYTHING, earlier).items] == [recording_id]
        line = session.scalars(select(AuditLine).order_by(AuditLine.id.desc())).first()
    assert {each["sha256"] for each in line.facts["added"]} == {each.sha256 for each in taken.media}


def test_a_recording_that_was_joined_and_filled_was_copied_nowhere(db):
    recording_id, _ = _joined(db)
    _complete(db, recording_id, _filled())
    [recording] = _all(db)
    assert "joined" in [moment.what for moment in recording.timeline]
    assert "copied" not in [moment.what for moment in recording.timeline]


@pytest.mark.parametrize(
    ("spans", "kept"),
    [
        ((FilledSpan(channel=1, at_s=15.0, until_s=19.0),), {"caller_jitter_ms", "caller_far_end_mos"}),
        (
            (FilledSpan(channel=0, at_s=0.0, until_s=5.0), FilledSpan(channel=0, at_s=65.0, until_s=70.0)),
            {"caller_jitter_ms", "caller_far_end_mos", "caller_mos", "caller_loss_percent"},
        ),
    ],
    ids=["a gap", "its ends"],
)
def test_what_was_lost_of_a_gap_is_told_no_more_once_it_is_filled(db, spans, kept):
    fields = dict.fromkeys(("caller_mos", "caller_loss_percent", "caller_jitter_ms", "caller_far_end_mos"), "20")
    [one, _] = commit(db, _call(fields=fields, started_at=NOON), _call(SECOND))
    _complete(db, one.recording_id, _filled(spans=spans))
    assert {name for name in _all(db)[0].fields if name in fields} == kept


def test_the_strictest_rule_says_how_long_it_may_become(db):
    recording_id, _ = _joined(db)
    with db.read() as session:
        _, [take] = find_takes(session, recording_id)
    assert (take.longest_ms, take.state, take.instance_id) == (90_000, TakeState.WAITING, SECOND)


def test_a_take_that_adds_nothing_leaves_its_seal_alone(db):
    recording_id, second = _joined(db)
    before = _all(db)[0]
    freed = _complete(db, recording_id, Taken(state=TakeState.NOTHING_NEW, device="Branch"))
    after = _all(db)[0]
    assert freed == [(second.media[0].store_id, second.media[0].key)]
    [parallel] = [each for each in after.media if each.kind is MediaKind.PARALLEL]
    assert (parallel.sha256, parallel.copies) == (second.media[0].sha256, ())
    assert after.events == before.events


def test_a_take_that_sounds_different_is_kept_and_noted(db):
    recording_id, _ = _joined(db)
    assert _complete(db, recording_id, Taken(state=TakeState.UNLIKE, device="Branch")) == []
    after = _all(db)[0]
    assert [event.kind for event in after.events] == [EventKind.NOTE, EventKind.GAP]
    assert "Branch" in after.events[0].text
    assert any(each.kind is MediaKind.PARALLEL and each.copies for each in after.media)


def test_a_take_is_completed_once(db):
    recording_id, _ = _joined(db)
    _complete(db, recording_id, _filled())
    before = _all(db)
    with pytest.raises(NoSuchMedia):
        _complete(db, recording_id, _filled())
    assert _all(db) == before


def test_a_source_is_told_that_its_take_is_copied_only_when_the_take_is(db):
    _, second = _joined(db)
    with db.read() as session:
        assert receipt_stage(session, second.receipt_id) is Stage.STORED


def test_what_policy_did_not_keep_of_the_second_is_its_stored_form(db):
    dropped = media(store_id=None, key="", verified_by=None)
    form = media(MediaKind.DERIVED)
    commit(db, _call(), _call(SECOND, media=(dropped, form, media(MediaKind.PEAKS))))
    [recording] = _all(db)
    [parallel] = [each for each in recording.media if each.kind is MediaKind.PARALLEL]
    assert parallel.sha256 == form.sha256
