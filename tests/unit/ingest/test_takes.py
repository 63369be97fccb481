"""Two devices record one call; what the first lacks is filled from the second, and each is kept once."""

import hashlib
from datetime import timedelta

import numpy as np
import pytest

from hub.audit import seal, verify
from hub.catalog.prepared import MediaKind
from hub.clock import utc_now
from hub.config.policy import HubPreferences, MediaPolicy
from hub.ingest.committer import FILL
from hub.ingest.takes import RULES, TakeFills
from hub.jobs.listing import count_open, list_jobs
from hub.jobs.worker import Worker, WorkerSettings
from hub.sdk import EventKind, Party, RetryLater, Role, TimelineEvent
from hub.vault.copies import Copies
from hub.vault.playback import Playback
from tests.doubles import audio
from tests.doubles.hub import until
from tests.doubles.stores import FakeStore
from tests.unit.ingest.conftest import NOON, OTHER_STORE, STORE, Devices
from tests.unit.vault.test_copies import Attempt

FIRST, SECOND, THIRD = 7, 8, 9
OPUS, WAV = MediaPolicy(stored_form="opus"), MediaPolicy(stored_form="keep")
RATE_HZ = audio.RATE_HZ
PARTIES = (
    Party(number="201", role=Role.CALLER, channel=0),
    Party(number="4930123456", role=Role.CALLED, channel=1),
)
GAP = TimelineEvent(at_s=4.0, until_s=6.0, kind=EventKind.GAP)


@pytest.fixture(scope="module")
def whole():
    """The sound of a call of twelve seconds."""
    return audio.speech(12.0, channels=2, seed=9)


def lacking(samples, since_s=4.0, until_s=6.0):
    silent = samples.copy()
    silent[round(since_s * RATE_HZ) : round(until_s * RATE_HZ)] = 0
    return silent


@pytest.fixture
def site(rig):
    """The drain, and the worker's handlers for what comes after it."""
    yield from _site(rig)


@pytest.fixture
def any_site(any_rig):
    """The same on SQLite and on PostgreSQL."""
    yield from _site(any_rig)


def _site(rig):
    made = []

    class Site:
        policy = OPUS

        def __init__(self):
            self.rig = rig

        def begin(self, policy=OPUS, **preferences):
            self.policy = policy
            rig.prefer(policy, **preferences)
            scratch = rig.folder / "scratch"
            scratch.mkdir()
            rig.start()
            preferred = HubPreferences(**{"primary_store": STORE, "media": policy} | preferences)
            self.fills = TakeFills(rig.db, rig.stores, scratch, lambda: preferred, Devices())
            self.copies = Copies(rig.db, rig.stores, rig.board, lambda: False)
            made.append((self.fills, scratch))

        def hand_over(self, samples, device, **changes):
            values = {"parties": PARTIES, "call_keys": ("sip:one@pbx.example",), "started_at": NOON} | changes
            rig.submit(audio.wav(samples), device=device, name=f"take of {device}", **values)
            rig.empty()

        def work(self):
            """Let all jobs run to their end."""
            handlers = {**self.fills.handlers(), **self.copies.handlers()}
            with Worker(rig.db, handlers, settings=WorkerSettings(poll_s=0.05, rules=RULES)):
                until(lambda: not self.open_jobs(), 90, "the jobs")

        def open_jobs(self):
            with rig.db.read() as session:
                return count_open(session)

        def job(self):
            with rig.db.read() as session:
                return next(job for job in list_jobs(session).items if job.kind == FILL)

        def played(self):
            [recording] = rig.recordings()
            with Playback(rig.stores).open(recording).open() as reader:
                samples, rate_hz = audio.decoded(reader.read())
            return recording, samples, rate_hz

        def stored(self):
            return {path.relative_to(rig.folder / "storage").as_posix() for path in find_files(rig.folder / "storage")}

    yield Site()
    for fills, scratch in made:
        fills.close()
        assert list(scratch.iterdir()) == []


def find_files(folder):
    return [path for path in folder.rglob("*/*.*") if path.is_file()]


def is_like(samples, rate_hz, wanted):
    """Whether the sound is the wanted one, each channel for itself; coding may delay it by a sample."""
    heard = samples[:: rate_hz // RATE_HZ].astype(float)
    length = min(len(heard), len(wanted)) - 2
    return all(
        max(np.corrcoef(heard[late : length + late, channel], wanted[:length, channel])[0, 1] for late in (0, 1, 2))
        > 0.9
        for channel in (0, 1)
    )


def test_a_gap_of_one_device_is_filled_from_the_other_in_what_is_played(any_site, whole):
    site = any_site
    site.begin()
    site.hand_over(lacking(whole), FIRST, events=(GAP,))
    site.hand_over(whole, SECOND, started_at=NOON + timedelta(seconds=0.8))
    site.work()
    recording, samples, rate_hz = site.played()
    assert is_like(samples, rate_hz, whole)
    assert np.abs(samples[5 * rate_hz : round(5.9 * rate_hz)]).max() > 1000
    assert [(event.kind, event.at_s, event.until_s, event.text) for event in recording.events] == [
        (EventKind.NOTE, 4.0, 6.0, "Filled from Branch")
    ]
    assert recording.duration_s == pytest.approx(12.0, abs=0.01)
    assert Playback(site.rig.stores).peaks(recording, 0)


def test_both_originals_stay_as_they_came_and_all_is_sealed(site, whole):
    site.begin()
    site.hand_over(lacking(whole), FIRST, events=(GAP,))
    site.hand_over(whole, SECOND)
    site.work()
    [recording] = site.rig.recordings()
    assert site.rig.original(recording) == audio.wav(lacking(whole))
    [parallel] = [each for each in recording.media if each.kind is MediaKind.PARALLEL]
    with Playback(site.rig.stores).open(recording, "parallel").open() as reader:
        assert reader.read() == audio.wav(whole)
    assert parallel.sha256 == hashlib.sha256(audio.wav(whole)).hexdigest()
    seal(site.rig.db, utc_now())
    assert verify(site.rig.db).intact
    assert site.stored() == {copy.key for each in recording.media for copy in each.copies}


def test_a_second_recording_that_adds_nothing_is_kept_nowhere(site, whole):
    site.begin()
    site.hand_over(whole, FIRST)
    before = site.stored()
    site.hand_over(lacking(whole), SECOND, events=(GAP,))
    site.work()
    [recording] = site.rig.recordings()
    assert site.stored() == before
    [parallel] = [each for each in recording.media if each.kind is MediaKind.PARALLEL]
    assert parallel.sha256 == hashlib.sha256(audio.wav(lacking(whole))).hexdigest()


def test_what_the_first_missed_before_and_after_is_added_in_true_time(site, whole):
    site.begin(WAV)
    part = whole[3 * RATE_HZ : 9 * RATE_HZ]
    site.hand_over(part, FIRST, started_at=NOON + timedelta(seconds=3))
    site.hand_over(whole, SECOND, started_at=NOON)
    site.work()
    recording, samples, _ = site.played()
    began_s = (recording.started_at - NOON).total_seconds()
    sounding = np.flatnonzero(np.abs(audio.decoded(audio.wav(whole))[0].astype(int)).max(axis=1) > 32)
    assert began_s == pytest.approx(sounding[0] / RATE_HZ, abs=0.002)
    assert recording.duration_s == pytest.approx((sounding[-1] + 1 - sounding[0]) / RATE_HZ, abs=0.002)
    assert len(samples) == sounding[-1] + 1 - sounding[0]


def test_a_third_device_fills_what_the_second_lacked_as_well(site, whole):
    site.begin(WAV)
    later = TimelineEvent(at_s=8.0, until_s=9.5, kind=EventKind.GAP)
    site.hand_over(lacking(lacking(whole), 8.0, 9.5), FIRST, events=(GAP, later))
    site.hand_over(lacking(whole, 8.0, 9.5), SECOND, events=(later,))
    site.work()
    site.hand_over(whole, THIRD)
    site.work()
    recording, samples, _ = site.played()
    assert np.array_equal(samples, audio.decoded(audio.wav(whole))[0])
    assert [event.text for event in recording.events] == ["Filled from Branch", "Filled from another device"]
    assert recording.origin_count == 3


def test_another_call_under_the_same_key_is_kept_and_nothing_is_filled(site, whole):
    site.begin()
    site.hand_over(lacking(whole), FIRST, events=(GAP,))
    form = [each.sha256 for each in site.rig.recordings()[0].media]
    site.hand_over(audio.speech(12.0, channels=2, seed=70), SECOND)
    site.work()
    [recording] = site.rig.recordings()
    assert [each.sha256 for each in recording.media if each.kind is not MediaKind.PARALLEL] == form
    assert [event.kind for event in recording.events] == [EventKind.NOTE, EventKind.GAP]
    assert "sounds different" in recording.events[0].text
    with Playback(site.rig.stores).open(recording, "parallel").open() as reader:
        assert reader.read()


def test_originals_that_policy_does_not_keep_are_filled_from_each_others_forms(site, whole):
    site.begin(MediaPolicy(stored_form="opus", keep_original=False))
    site.hand_over(lacking(whole), FIRST, events=(GAP,))
    site.hand_over(whole, SECOND)
    site.work()
    recording, samples, rate_hz = site.played()
    assert is_like(samples, rate_hz, whole)
    kept = {each.kind for each in recording.media if each.copies}
    assert kept == {MediaKind.DERIVED, MediaKind.PEAKS, MediaKind.PARALLEL}
    assert site.stored() == {copy.key for each in recording.media for copy in each.copies}


def test_a_store_that_is_away_puts_it_off_and_the_earlier_form_plays_on(site, whole):
    site.rig.connectors[STORE] = site.rig.store = store = FakeStore()
    site.begin()
    site.hand_over(lacking(whole), FIRST, events=(GAP,))
    site.hand_over(whole, SECOND)
    before = site.rig.recordings()
    store.fail = RetryLater("away")
    with pytest.raises(RetryLater):
        site.fills.fill(Attempt(site.job()))
    store.fail = None
    assert site.rig.recordings() == before
    site.fills.fill(Attempt(site.job()))
    after = site.rig.recordings()
    assert after != before
    site.fills.fill(Attempt(site.job()))
    assert site.rig.recordings() == after


def test_what_is_left_of_an_attempt_that_died_is_used_by_the_next(site, whole, monkeypatch):
    """The new form is in the store, and the catalog was not told of it."""
    site.begin()
    site.hand_over(lacking(whole), FIRST, events=(GAP,))
    site.hand_over(whole, SECOND)
    with monkeypatch.context() as patched:
        patched.setattr(TakeFills, "_complete", lambda *_: (_ for _ in ()).throw(RetryLater("killed here")))
        with pytest.raises(RetryLater):
            site.fills.fill(Attempt(site.job()))
    site.played()
    site.work()
    recording, samples, rate_hz = site.played()
    assert is_like(samples, rate_hz, whole)
    assert site.stored() == {copy.key for each in recording.media for copy in each.copies}


def test_all_that_is_kept_is_copied_to_the_second_store(site, whole):
    site.rig.connectors[OTHER_STORE] = other = FakeStore()
    site.begin(copy_stores=(OTHER_STORE,))
    site.hand_over(lacking(whole), FIRST, events=(GAP,))
    site.work()
    site.hand_over(whole, SECOND)
    site.work()
    [recording] = site.rig.recordings()
    kept = {copy.key for each in recording.media for copy in each.copies if copy.store_id == OTHER_STORE}
    assert set(other.objects) == kept
    assert {copy.key for each in recording.media for copy in each.copies if copy.store_id == STORE} == kept
