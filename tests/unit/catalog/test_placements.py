"""Further copies, and how far a hand-over has come."""

from dataclasses import replace

import pytest

from hub.catalog import search
from hub.catalog.errors import NoSuchMedia
from hub.catalog.placements import add_placement, receipt_stage
from hub.catalog.prepared import MediaKind, Verified
from hub.sdk import Stage
from tests.doubles.outbox import told
from tests.doubles.recordings import EVERYTHING, commit, media, prepared


def _stage(db, item):
    with db.read() as session:
        return receipt_stage(session, item.receipt_id)


def _media(db, item):
    with db.read() as session:
        return search.find(session, EVERYTHING, item.recording_id).media


def _copy(db, of, store_id=2, verified_by=Verified.READ_BACK):
    with db.write() as session:
        add_placement(session, of.id, media(of.kind, store_id=store_id, verified_by=verified_by, sha256=of.sha256))


def test_an_unknown_receipt_has_no_stage(db):
    assert _stage(db, prepared()) is None


def test_a_committed_recording_is_stored_and_copied_once_its_original_is_elsewhere_too(db):
    item = prepared()
    commit(db, item)
    original, derived, peaks = _media(db, item)
    assert _stage(db, item) is Stage.STORED
    _copy(db, derived)
    _copy(db, peaks)
    assert _stage(db, item) is Stage.STORED
    _copy(db, original)
    assert _stage(db, item) is Stage.COPIED
    assert [copy.store_id for copy in _media(db, item)[0].copies] == [1, 2]


def test_a_copy_that_was_not_verified_does_not_count(db):
    item = prepared()
    commit(db, item)
    _copy(db, _media(db, item)[0], verified_by=None)
    assert _stage(db, item) is Stage.STORED


def test_every_part_must_be_copied(db):
    item = prepared(media=(media(), media(part=1)))
    commit(db, item)
    first, second = _media(db, item)
    _copy(db, first)
    assert _stage(db, item) is Stage.STORED
    _copy(db, second)
    assert _stage(db, item) is Stage.COPIED


def test_where_the_original_was_dropped_its_stored_form_counts(db):
    item = prepared(media=(media(store_id=None, key="", verified_by=None), media(MediaKind.DERIVED)))
    commit(db, item)
    _copy(db, _media(db, item)[1])
    assert _stage(db, item) is Stage.COPIED


def test_a_second_note_about_the_same_store_replaces_the_first(db):
    item = prepared()
    commit(db, item)
    original = _media(db, item)[0]
    _copy(db, original)
    with db.write() as session:
        add_placement(session, original.id, replace(media(store_id=2), key="moved.wav"))
    copies = _media(db, item)[0].copies
    assert [copy.key for copy in copies][1:] == ["moved.wav"]


def test_a_copy_is_told_to_those_who_watch(db):
    item = prepared()
    commit(db, item)
    _copy(db, _media(db, item)[0])
    with db.read() as session:
        assert told(session)[-1].topic == "recording.changed"
        assert search.find(session, EVERYTHING, item.recording_id).revision == 2


def test_a_copy_of_what_is_gone_is_refused(db):
    with pytest.raises(NoSuchMedia), db.write() as session:
        add_placement(session, 999, media())
