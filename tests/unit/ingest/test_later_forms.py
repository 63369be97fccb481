import pytest

from hub.audit import Action, AuditFilter, list_entries, seal, verify
from hub.catalog.prepared import MediaKind
from hub.clock import utc_now
from hub.config.policy import MediaPolicy
from hub.ingest import preparation
from hub.ingest.committer import LATER_FORM
from hub.ingest.later_forms import RULES, LaterForms
from hub.jobs.errors import JobHopeless
from hub.jobs.listing import count_open, list_jobs
from hub.jobs.worker import Worker, WorkerSettings
from hub.sdk import RetryLater
from hub.vault.playback import Playback
from tests.doubles import audio
from tests.doubles.hub import until
from tests.doubles.recordings import OWN_KINDS
from tests.doubles.stores import FakeStore
from tests.unit.ingest.conftest import STORE, call
from tests.unit.vault.test_copies import Attempt

OPUS = MediaPolicy(stored_form="opus")


@pytest.fixture
def later(rig, monkeypatch):
    """What makes the forms; the desk is left no time, so that every form is made later."""
    monkeypatch.setattr(preparation, "_BUDGET_CPU_S", 1e-6)
    rig.prefer(OPUS)
    scratch = rig.folder / "scratch"
    scratch.mkdir()
    rig.start()
    later = LaterForms(rig.db, rig.stores, scratch, lambda: OPUS)
    yield later
    later.close()
    assert list(scratch.iterdir()) == []


def kinds(rig):
    [recording] = rig.recordings()
    return {media.kind for media in recording.media}


def job_of(rig):
    with rig.db.read() as session:
        return next(job for job in list_jobs(session).items if job.kind == LATER_FORM)


def test_a_long_recording_is_catalogued_at_once_and_gets_its_form_and_peaks_later(rig, later):
    content = call(length_s=3)
    rig.submit(content)
    rig.empty()
    assert kinds(rig) == {MediaKind.ORIGINAL}
    [recording] = rig.recordings()
    assert (recording.duration_s, recording.playable, recording.revision) == (3.0, True, 1)
    with Worker(rig.db, later.handlers(), settings=WorkerSettings(poll_s=0.05, rules=RULES)):
        until(lambda: kinds(rig) == OWN_KINDS, 60, "the form")
    [recording] = rig.recordings()
    assert recording.revision == 2
    assert rig.original(recording) == content
    played = Playback(rig.stores).open(recording)
    with played.open() as reader:
        made, _ = audio.decoded(reader.read())
    assert played.content_type == "audio/ogg"
    assert len(made) / 48000 == pytest.approx(3, abs=0.1)
    assert Playback(rig.stores).peaks(recording, 0)
    with rig.db.read() as session:
        assert count_open(session) == {}


def test_doing_it_twice_changes_nothing(rig, later):
    rig.submit(call())
    rig.empty()
    later.make(Attempt(job_of(rig)))
    before = rig.recordings()
    later.make(Attempt(job_of(rig)))
    assert rig.recordings() == before


def test_the_later_form_is_sealed_in_the_audit_trail(rig, later):
    rig.submit(call())
    rig.empty()
    later.make(Attempt(job_of(rig)))
    [recording] = rig.recordings()
    seal(rig.db, utc_now())
    assert verify(rig.db).intact
    with rig.db.read() as session:
        lines = list_entries(session, AuditFilter()).items
    added = [line for line in lines if line.action == Action.INGEST and "added" in line.facts]
    sealed = {each["sha256"] for line in added for each in line.facts["added"]}
    assert sealed == {media.sha256 for media in recording.media if media.kind is not MediaKind.ORIGINAL}


def test_an_original_that_plays_nowhere_plays_afterwards(rig, later):
    rig.submit(audio.encoded(audio.speech(1), "g722", "wav", 16000))
    rig.empty()
    assert not rig.recordings()[0].playable
    later.make(Attempt(job_of(rig)))
    assert rig.recordings()[0].playable


def test_a_store_that_is_away_puts_the_job_off(rig, later):
    rig.connectors[STORE] = rig.store = store = FakeStore()
    rig.submit(call())
    rig.empty()
    store.fail = RetryLater("away")
    with pytest.raises(RetryLater):
        later.make(Attempt(job_of(rig)))
    store.fail = None
    later.make(Attempt(job_of(rig)))
    assert kinds(rig) == OWN_KINDS


def test_an_original_that_changed_in_the_store_gets_no_form(rig, later):
    rig.connectors[STORE] = rig.store = store = FakeStore()
    rig.submit(call())
    rig.empty()
    [key] = store.objects
    store.objects[key] = b"tampered with"
    with pytest.raises(JobHopeless, match="no intact copy"):
        later.make(Attempt(job_of(rig)))
    assert kinds(rig) == {MediaKind.ORIGINAL}


def test_an_original_that_policy_does_not_keep_gets_its_form_at_once(rig, later):
    rig.prefer(MediaPolicy(stored_form="opus", keep_original=False))
    rig.submit(call(length_s=3))
    rig.empty()
    [recording] = rig.recordings()
    assert {media.kind for media in recording.media if media.copies} == {MediaKind.DERIVED, MediaKind.PEAKS}
