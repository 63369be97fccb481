import hashlib
import time
from dataclasses import replace
from datetime import timedelta

import pytest

from hub.catalog import events
from hub.catalog.prepared import MediaKind
from hub.catalog.recording import RecordingState
from hub.config.policy import MediaPolicy, Verification
from hub.ingest.committer import LATER_FORM
from hub.ingest.finding import FILE_DAMAGED, FILE_EMPTY, FILE_PARSE_ERROR
from hub.jobs.listing import list_jobs
from hub.sdk import CallDetail, Direction, MediaFile, Party
from tests.doubles import audio
from tests.doubles.outbox import newest, told
from tests.doubles.recordings import OWN_KINDS
from tests.unit.ingest.conftest import NOON, OTHER_STORE, call

OPUS = MediaPolicy(stored_form="opus")


def kinds(recording):
    return {media.kind for media in recording.media if media.copies}


def test_a_recording_comes_from_the_spool_into_the_catalog_whole(any_rig):
    rig = any_rig
    content = call(length_s=2)
    receipt = rig.submit(
        content, parties=(Party(number="201"), Party(number="+49301234")), direction=Direction.INCOMING
    )
    rig.empty()
    [recording] = rig.recordings()
    assert rig.original(recording) == content
    assert recording.seal.sha256 == receipt.sha256
    assert (recording.duration_s, recording.device_id, recording.mixed, recording.has_speech) == (2.0, 7, True, True)
    assert (recording.playable, recording.problem, recording.state) == (True, None, RecordingState.CATALOGUED)
    assert kinds(recording) == {MediaKind.ORIGINAL, MediaKind.PEAKS}
    assert list(rig.spool.ready.iterdir()) + list(rig.spool.incoming.iterdir()) == []
    assert rig.alarms() == {}


def test_many_recordings_come_in_once_each(any_rig):
    rig = any_rig
    contents = {f"{number}.wav": call(number) for number in range(30)}
    for name, content in contents.items():
        rig.submit(content, name=name)
    rig.empty()
    found = {recording.origins[0].name: rig.original(recording) for recording in rig.recordings()}
    assert found == contents
    assert len(rig.recordings()) == 30


def test_a_recording_is_in_the_catalog_soon_after_it_was_handed_over(rig):
    rig.start()
    rig.submit(call(1))
    rig.empty()
    began_s = time.monotonic()
    rig.submit(call(2))
    rig.empty()
    assert len(rig.recordings()) == 2
    assert time.monotonic() - began_s < 2


def test_while_many_wait_they_are_stored_at_once_and_converted_later(rig):
    rig.settings = replace(rig.settings, in_flight=2, batch=1)
    rig.prefer(MediaPolicy(stored_form="opus", backlog_items=1))
    for number in range(8):
        rig.submit(call(number, length_s=1))
    rig.empty()
    at_once = [item for item in rig.recordings() if MediaKind.DERIVED not in kinds(item)]
    with rig.db.read() as session:
        later = {job.payload["recording"] for job in list_jobs(session).items if job.kind == LATER_FORM}
    assert 0 < len(at_once) < 8
    assert {item.text_id for item in at_once} == later
    assert all(item.playable and MediaKind.PEAKS in kinds(item) for item in at_once)


@pytest.mark.parametrize(
    ("policy", "expected"),
    [
        (MediaPolicy(stored_form="keep"), {MediaKind.ORIGINAL, MediaKind.PEAKS}),
        (MediaPolicy(stored_form="wav"), {MediaKind.ORIGINAL, MediaKind.PEAKS}),
        (OPUS, {MediaKind.ORIGINAL, MediaKind.DERIVED, MediaKind.PEAKS}),
        (MediaPolicy(stored_form="mp3", keep_original=False), {MediaKind.DERIVED, MediaKind.PEAKS}),
        (MediaPolicy(stored_form="flac", verify=Verification.READ_BACK), OWN_KINDS),
    ],
)
def test_policy_decides_what_is_stored_and_everything_is_sealed(rig, policy, expected):
    rig.prefer(policy)
    content = call()
    rig.submit(content)
    rig.empty()
    [recording] = rig.recordings()
    assert kinds(recording) == expected
    assert recording.seal.sha256 == (hashlib.sha256(content).hexdigest(),)
    assert recording.playable
    for media in recording.media:
        for copy in media.copies:
            with rig.store.open(copy.key) as reader:
                assert hashlib.sha256(reader.read()).hexdigest() == media.sha256
            assert copy.verified_by == ("read_back" if policy.verify is Verification.READ_BACK else "sha256")


def test_an_original_that_no_browser_plays_gets_a_playable_form_also_when_originals_are_kept(rig):
    rig.submit(audio.encoded(audio.speech(1), "g722", "wav", 16000))
    rig.empty()
    [recording] = rig.recordings()
    assert recording.playable
    assert kinds(recording) == OWN_KINDS


@pytest.mark.parametrize(
    ("content", "code"),
    [(b"", FILE_PARSE_ERROR), (b"Salted__" + bytes(5000), FILE_PARSE_ERROR), (audio.wav_of(b"", tag=7), FILE_EMPTY)],
)
def test_what_is_not_understood_is_catalogued_with_its_problem_and_its_original(rig, content, code):
    rig.prefer(MediaPolicy(stored_form="opus", keep_original=False))
    rig.submit(content, name="odd.wav")
    rig.submit(call(2))
    rig.empty()
    odd = next(recording for recording in rig.recordings() if recording.problem)
    assert (odd.problem[0], odd.playable, odd.state) == (code, False, RecordingState.PROBLEM)
    assert rig.original(odd) == content
    assert len(rig.recordings()) == 2
    assert ("FILE_PARSE_ERROR" in rig.alarms()) is (code == FILE_PARSE_ERROR)
    assert rig.quarantine.count() == 0


def test_a_file_that_was_cut_is_catalogued_and_plays(rig):
    rig.submit(call(length_s=2)[:-8000])
    rig.empty()
    [recording] = rig.recordings()
    assert (recording.problem[0], recording.playable) == (FILE_DAMAGED, True)


def test_the_problem_that_a_source_names_is_kept(rig):
    rig.submit(call(), problem=("ENCRYPTED", "the PBX says so"))
    rig.empty()
    assert rig.recordings()[0].problem == ("ENCRYPTED", "the PBX says so")


def test_several_files_are_parts_of_one_recording(rig):
    paths = []
    for number in range(3):
        paths.append(rig.folder / f"part-{number}.wav")
        paths[-1].write_bytes(call(number, length_s=1))
    rig.submit(b"", name="parts", media=tuple(MediaFile(path=path) for path in paths))
    rig.empty()
    [recording] = rig.recordings()
    assert recording.duration_s == 3.0
    assert len(recording.seal.sha256) == 3
    assert sorted(media.part for media in recording.media if media.kind is MediaKind.PEAKS) == [0, 1, 2]


def test_the_same_speech_from_two_servers_is_one_recording_with_two_origins_and_no_orphans(rig):
    content = call(length_s=3)
    for device in (7, 8):
        rig.submit(content, device=device, merge_same_media=True)
    rig.empty()
    [recording] = rig.recordings()
    assert sorted(origin.instance_id for origin in recording.origins) == [7, 8]
    with rig.db.read() as session:
        jobs = [job for job in list_jobs(session, limit=10).items if job.kind == "vault.remove"]
    assert len(jobs) == 1
    kept = {copy.key for media in recording.media for copy in media.copies}
    removable = {key for _, key in jobs[0].payload["objects"]}
    assert kept.isdisjoint(removable)
    assert {found.key for found in rig.store.list()} == kept | removable


def test_two_silent_calls_are_two_calls(rig):
    content = audio.wav(audio.silence(3))
    for number in range(2):
        rig.submit(content, name=f"{number}", merge_same_media=True)
    rig.empty()
    assert len(rig.recordings()) == 2


def test_what_was_committed_before_is_only_freed(rig):
    rig.submit(call(), name="one")
    rig.empty()
    rig.submit(call(), name="one")
    rig.empty()
    [recording] = rig.recordings()
    assert len(recording.origins) == 1
    assert len(list(rig.store.list())) == 2


def test_call_details_come_in_too_and_fill_what_is_empty(rig):
    rig.submit(call(), call_id="17")
    rig.empty()
    detail = CallDetail(
        detail_id="smdr-1",
        rule="smdr",
        started_at=NOON,
        ended_at=NOON + timedelta(minutes=1),
        call_id="17",
        agent="Anna",
    )
    rig.spool.submit_detail(7, detail)
    rig.empty()
    [recording] = rig.recordings()
    assert recording.agent == "Anna"
    assert recording.provenance["agent"] == "smdr"


def test_copies_are_asked_for_in_the_same_transaction(rig):
    rig.prefer(copy_stores=(OTHER_STORE,))
    rig.submit(call())
    rig.empty()
    with rig.db.read() as session:
        [job] = list_jobs(session, limit=10).items
    assert (job.kind, job.payload["recording"], job.payload["store"]) == (
        "vault.copy",
        rig.recordings()[0].text_id,
        OTHER_STORE,
    )


def test_those_who_watch_are_told(rig):
    with rig.db.read() as session:
        before = newest(session)
    rig.submit(call())
    rig.empty()
    with rig.db.read() as session:
        topics = [event.topic for event in told(session, before)]
    assert events.Topic.RECORDING_CATALOGUED in topics
    assert events.Topic.SPOOL_CHANGED in topics
