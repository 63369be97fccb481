import hashlib
from datetime import UTC, datetime

import numpy as np
import pytest

from hub.catalog.placements import add_placement
from hub.catalog.prepared import MediaKind
from hub.catalog.search import find
from hub.ingest.frames import Framer
from hub.ingest.peaks import PeakMeter
from hub.sdk import AuthError, RetryLater
from hub.vault.peaks import COARSE, FINE, FIT, find_level
from hub.vault.playback import Playback
from hub.vault.stores import Stores
from hub.vault.stream import FileMissing, StoreAway
from tests.doubles import audio, recordings
from tests.doubles.stores import FakeStore

ORIGINAL, OPUS = b"RIFF" + bytes(500), b"OggS" + bytes(range(200))


@pytest.fixture
def stores():
    return {1: FakeStore("Primary"), 2: FakeStore("Second")}


@pytest.fixture
def playback(stores):
    return Playback(Stores(stores.__getitem__, deadline_s=1), deadline_s=1)


@pytest.fixture
def make(sqlite_db, stores):
    """Commits a recording whose media lies in store 1; `also` adds copies in store 2."""

    def make(*media, also=False, **changes):
        placed = [recordings.media(kind, **{"key": f"{kind}"} | facts) for kind, _, facts in media]
        for item, (kind, content, _) in zip(placed, media, strict=True):
            if item.store_id is not None:
                stores[1].objects[f"{kind}"] = content
        recording_id = recordings.commit_one(sqlite_db, media=tuple(placed), **changes)
        if also:
            with sqlite_db.write() as session:
                for item in find(session, recordings.EVERYTHING, recording_id).media:
                    copy = recordings.media(item.kind, store_id=2, key=f"{item.kind}")
                    add_placement(session, item.id, copy)
            stores[2].objects |= stores[1].objects
        with sqlite_db.read() as session:
            return find(session, recordings.EVERYTHING, recording_id)

    return make


def original(**facts):
    return MediaKind.ORIGINAL, ORIGINAL, {"size_bytes": len(ORIGINAL), "sha256": _seal(ORIGINAL)} | facts


def derived(**facts):
    about = {"size_bytes": len(OPUS), "sha256": _seal(OPUS), "container": "ogg", "codec": "opus"}
    return MediaKind.DERIVED, OPUS, about | facts


def _seal(content):
    return hashlib.sha256(content).hexdigest()


def test_the_stored_form_is_played_and_the_original_taken_away(playback, make):
    recording = make(original(browser_playable=True), derived(), started_at=datetime(2026, 11, 20, 9, 5, tzinfo=UTC))
    played, taken = playback.open(recording), playback.open(recording, "original")
    assert (played.content_type, played.size_bytes, played.etag) == ("audio/ogg", len(OPUS), _seal(OPUS))
    assert played.filename == f"2026-11-20_09-05-00_{recording.text_id}.opus"
    assert (taken.content_type, taken.filename) == ("audio/wav", f"2026-11-20_09-05-00_{recording.text_id}.orig.wav")
    assert playback.open(recording, "opus").etag == played.etag
    with played.open() as reader:
        assert reader.read() == OPUS
    with taken.open() as reader:
        assert reader.read() == ORIGINAL


def test_a_range_is_just_that_range(playback, make):
    stream = playback.open(make(original(), derived()))
    for offset, length in ((0, 10), (100, None), (200, 4), (203, 100)):
        with stream.open(offset, length) as reader:
            assert reader.read() == OPUS[offset:][:length]


def test_an_original_that_a_browser_plays_is_played_where_there_is_no_other_form(playback, make):
    assert playback.open(make(original(browser_playable=True))).content_type == "audio/wav"


def test_what_no_browser_plays_says_why(playback, make):
    unknown = make(original(container="", codec=""), problem=("FILE_PARSE_ERROR", "it is encrypted"))
    with pytest.raises(FileMissing, match="it is encrypted"):
        playback.open(unknown)
    assert playback.open(unknown, "original").filename.endswith(".orig.bin")
    assert playback.problem(unknown).away is False


def test_an_original_that_policy_dropped_says_so(playback, make):
    recording = make(original(store_id=None, key=""), derived())
    with pytest.raises(FileMissing, match="not kept"):
        playback.open(recording, "original")
    assert playback.open(recording).content_type == "audio/ogg"


@pytest.mark.parametrize("trouble", [RetryLater("away"), AuthError("refused"), KeyError("a fault of its code")])
def test_the_next_copy_is_read_while_the_first_store_is_away(playback, make, stores, trouble):
    recording = make(original(), derived(), also=True)
    stores[1].fail = trouble
    with playback.open(recording).open(3, 5) as reader:
        assert reader.read() == OPUS[3:8]
    assert playback.problem(recording) is None


def test_a_copy_that_was_lost_is_read_from_the_other_store(playback, make, stores):
    recording = make(original(), derived(), also=True)
    stores[1].objects.clear()
    with playback.open(recording).open() as reader:
        assert reader.read() == OPUS


def test_missing_and_away_are_two_things(playback, make, stores):
    recording = make(original(), derived())
    stream = playback.open(recording)
    stores[1].fail = RetryLater("the share is not mounted", hint="Mount it.")
    with pytest.raises(StoreAway, match="Primary does not answer: the share is not mounted") as caught:
        stream.open()
    assert caught.value.hint == "Mount it."
    assert playback.problem(recording).away is True
    stores[1].fail = None
    stores[1].objects.clear()
    with pytest.raises(FileMissing):
        stream.open()
    assert playback.problem(recording).away is False


def test_one_store_missing_and_one_away_is_away(playback, make, stores):
    recording = make(original(), derived(), also=True)
    stores[1].objects.clear()
    stores[2].fail = RetryLater("away")
    with pytest.raises(StoreAway):
        playback.open(recording).open()


def test_a_store_that_was_away_is_asked_last_for_a_while(playback, make, stores):
    recording = make(original(), derived(), also=True)
    stores[1].fail = RetryLater("away")
    playback.open(recording).open().close()
    stores[1].calls.clear()
    playback.open(recording).open().close()
    assert stores[1].calls == []


def test_a_store_that_finds_out_only_when_read_is_passed_over_too(playback, make, stores):
    class Lazy:
        def read(self, size=-1):
            raise RetryLater("the connection broke")

        def close(self):
            """Nothing to close."""

    recording = make(original(), derived(), also=True)
    stores[1].open = lambda *_: Lazy()
    with playback.open(recording).open() as reader:
        assert reader.read() == OPUS


@pytest.mark.parametrize("length_s", [5, 900])
@pytest.mark.parametrize("level", [FIT, COARSE, FINE])
def test_peaks_are_served_level_by_level(playback, make, stores, length_s, level):
    samples = np.tile(audio.speech(5, channels=2), (length_s // 5, 1))
    framer, meter = Framer(8000, 2), PeakMeter(8000, 2)
    meter.add(framer.cut(samples))
    content = meter.encode(len(samples))
    recording = make(original(), (MediaKind.PEAKS, content, {"size_bytes": len(content), "sha256": _seal(content)}))
    served = playback.peaks(recording, level)
    whole, alone = find_level(content, level), find_level(served, 0)
    assert served[alone.offset :] == content[whole.offset : whole.offset + whole.size_bytes]
    assert alone.samples_per_point == whole.samples_per_point


def test_a_recording_without_peaks_or_with_damaged_ones_says_so(playback, make, stores):
    with pytest.raises(FileMissing, match="no waveform"):
        playback.peaks(make(original()), FIT)
    damaged = make(original(), (MediaKind.PEAKS, b"nonsense", {}))
    with pytest.raises(FileMissing, match="damaged"):
        playback.peaks(damaged, FIT)
