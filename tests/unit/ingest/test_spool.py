import fcntl
import hashlib
import json
import os
import subprocess
import sys
import threading
from datetime import UTC, datetime, timedelta, timezone

import pytest

from hub.ingest.entry import read_entry
from hub.ingest.spool import Spool, SpoolAway
from hub.sdk import BadRecording, CallDetail, MediaFile, MediaLocation, RecordingDraft, RetryLater

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)
AUDIO = b"RIFF" + bytes(range(256)) * 100


@pytest.fixture
def spool(tmp_path):
    return Spool(tmp_path / "spool")


@pytest.fixture
def source(tmp_path):
    path = tmp_path / "call.wav"
    path.write_bytes(AUDIO)
    return path


def draft(*paths, origin_id="one", **changes):
    media = tuple(MediaFile(path=path) for path in paths)
    return RecordingDraft(**({"origin_id": origin_id, "started_at": NOON, "media": media} | changes))


def test_no_new_spool_comes_in_the_place_of_one_whose_disk_is_away(spool, source):
    aside = spool.folder.with_name("aside")
    spool.submit(7, draft(source))
    spool.folder.rename(aside)
    again = Spool(spool.folder)
    assert not spool.folder.exists()
    with pytest.raises(SpoolAway, match="cannot be read") as caught:
        again.check()
    assert "mounted" in caught.value.hint
    spool.folder.mkdir()  # the empty folder below the disk
    with pytest.raises(RetryLater, match="cannot be written"):
        again.submit(7, draft(source, origin_id="two"))
    spool.folder.rmdir()
    aside.rename(spool.folder)
    again.check()
    assert again.submit(7, draft(source)).duplicate


def test_a_receipt_means_that_the_bytes_are_in_the_spool(spool, source):
    receipt = spool.submit(7, draft(source))
    entry = read_entry(spool.ready / receipt.id)
    assert not receipt.duplicate
    assert receipt.sha256 == (hashlib.sha256(AUDIO).hexdigest(),)
    assert entry.media[0].path.read_bytes() == AUDIO
    assert (entry.instance_id, entry.item.origin_id, entry.media[0].name) == (7, "one", "call.wav")
    assert source.read_bytes() == AUDIO


def test_the_same_origin_again_is_a_duplicate_with_the_same_receipt(spool, source):
    first = spool.submit(7, draft(source))
    again = spool.submit(7, draft(source))
    assert (again.id, again.duplicate, again.sha256) == (first.id, True, first.sha256)
    assert spool.count() == 1


def test_two_devices_may_use_the_same_origin_id(spool, source):
    assert spool.submit(1, draft(source)).id != spool.submit(2, draft(source)).id


def test_a_detail_and_a_recording_of_the_same_name_are_two_things(spool, source):
    detail = CallDetail(detail_id="one", rule="smdr", started_at=NOON, ended_at=NOON + timedelta(minutes=1))
    assert spool.submit(1, draft(source)).id != spool.submit_detail(1, detail).id
    assert {type(read_entry(spool.ready / name).item) for name in spool.entries()} == {RecordingDraft, CallDetail}


def test_a_recording_keeps_its_id_over_restarts(spool, source):
    receipt = spool.submit(1, draft(source))
    ids = {read_entry(Spool(spool.folder).ready / receipt.id).recording_id for _ in range(2)}
    assert len(ids) == 1
    assert 0 not in ids


@pytest.mark.parametrize(
    "name",
    [b"a b'c\"d.wav", b"line\nbreak.wav", b"\xff\xfe latin\xe9.wav", "深圳 ü.wav".encode(), b"x" * 251 + b".wav"],
)
def test_a_name_of_any_bytes_survives(spool, tmp_path, name):
    path = tmp_path / os.fsdecode(name)
    path.write_bytes(AUDIO)
    receipt = spool.submit(1, draft(path, origin_id=str(path), origin_name=path.name))
    entry = read_entry(spool.ready / receipt.id)
    assert os.fsencode(entry.origin_name) == name
    assert os.fsencode(entry.media[0].name) == name
    assert spool.submit(1, draft(path, origin_id=str(path))).duplicate


def test_media_that_changed_since_its_source_looked_is_refused_and_leaves_nothing(spool, source):
    media = (MediaFile(path=source, sha256="0" * 64),)
    with pytest.raises(BadRecording, match="changed"):
        spool.submit(1, draft(media=media))
    assert spool.entries() == []
    assert list(spool.incoming.iterdir()) == []


def test_a_checksum_in_capitals_is_the_same_checksum(spool, source):
    sha256 = hashlib.sha256(AUDIO).hexdigest().upper()
    assert not spool.submit(1, draft(media=(MediaFile(path=source, sha256=sha256),))).duplicate


def test_a_missing_file_a_folder_a_symlink_and_a_pipe_are_refused_with_their_names(spool, tmp_path, source):
    (tmp_path / "link.wav").symlink_to(source)
    (tmp_path / "folder.wav").mkdir()
    os.mkfifo(tmp_path / "pipe.wav")
    for name in ("missing.wav", "link.wav", "folder.wav", "pipe.wav"):
        with pytest.raises(BadRecording, match=name):
            spool.submit(1, draft(tmp_path / name))
    assert list(spool.incoming.iterdir()) == []


def test_a_media_location_is_for_migrators(spool):
    with pytest.raises(BadRecording) as caught:
        spool.submit(1, draft(media=(MediaLocation(connector="nas", key="a/b.tar"),)))
    assert "migrator" in caught.value.hint


def test_a_time_without_zone_or_sense_is_refused(spool, source):
    for moment in (NOON.replace(tzinfo=None), NOON.replace(year=1)):
        with pytest.raises(BadRecording):
            spool.submit(1, draft(source, started_at=moment))
    odd = NOON.astimezone(timezone(timedelta(hours=5, minutes=45)))
    receipt = spool.submit(1, draft(source, started_at=odd))
    assert read_entry(spool.ready / receipt.id).item.started_at == NOON


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"raw": {"note": "text"}}, "raw['note'] is str, not bytes"),
        ({"fields": {"skill": 3}}, "fields['skill'] is int, not str"),
        ({"provenance": {"skill": b"smdr"}}, "provenance['skill'] is bytes, not str"),
        ({"direction": "incoming"}, "value"),
    ],
)
def test_a_value_that_is_not_what_it_should_be_is_refused_with_its_name(spool, source, changes, words):
    with pytest.raises(BadRecording) as caught:
        spool.submit(1, draft(source, origin_name="call 7", **changes))
    assert str(caught.value).startswith("call 7: ")
    assert words in str(caught.value)
    assert list(spool.incoming.iterdir()) == []


def test_several_files_are_one_recording(spool, tmp_path):
    paths = [tmp_path / f"{number}.wav" for number in range(3)]
    for number, path in enumerate(paths):
        path.write_bytes(AUDIO + bytes([number]))
    receipt = spool.submit(1, draft(*paths))
    entry = read_entry(spool.ready / receipt.id)
    assert [media.path.read_bytes()[-1] for media in entry.media] == [0, 1, 2]
    assert receipt.sha256 == entry.sha256
    assert entry.size_bytes == 3 * (len(AUDIO) + 1)


def test_many_processes_that_submit_the_same_make_one_entry(spool, source):
    code = (
        "import sys; from pathlib import Path; from datetime import datetime, UTC;"
        "from hub.ingest.spool import Spool; from hub.sdk import MediaFile, RecordingDraft;"
        "spool = Spool(Path(sys.argv[1])); media = (MediaFile(path=Path(sys.argv[2])),);"
        "[print(spool.submit(1, RecordingDraft(origin_id=str(n), started_at=datetime.now(UTC), media=media)).duplicate)"
        " for n in range(20)]"
    )
    command = [sys.executable, "-c", code, str(spool.folder), str(source)]
    processes = [subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(3)]
    answers = [process.communicate()[0].split() for process in processes]
    assert all(process.returncode == 0 for process in processes)
    assert sum(answer.count("False") for answer in answers) == 20
    assert spool.count() == 20
    assert list(spool.incoming.iterdir()) == []


def test_an_entry_is_claimed_by_one_worker_at_a_time(spool, source):
    receipt = spool.submit(1, draft(source))
    claim = spool.claim(receipt.id)
    assert claim is not None
    assert Spool(spool.folder).claim(receipt.id) is None
    spool.release(claim)
    again = spool.claim(receipt.id)
    assert again is not None
    spool.free(again)
    assert spool.claim(receipt.id) is None
    assert not spool.contains(receipt.id)
    assert list(spool.incoming.iterdir()) == []


def test_the_claim_of_a_dead_worker_is_gone(spool, source):
    receipt = spool.submit(1, draft(source))
    code = (
        "import sys, os, signal; from pathlib import Path; from hub.ingest.spool import Spool;"
        "assert Spool(Path(sys.argv[1])).claim(sys.argv[2]); os.kill(os.getpid(), signal.SIGKILL)"
    )
    ended = subprocess.run([sys.executable, "-c", code, str(spool.folder), receipt.id], check=False)
    assert ended.returncode == -9
    claim = spool.claim(receipt.id)
    assert claim is not None
    spool.release(claim)


def test_what_a_dead_writer_left_is_removed_and_a_living_one_is_left_alone(spool):
    dead, living = spool.incoming / "dead", spool.incoming / "living"
    for folder in (dead, living):
        folder.mkdir()
        (folder / "media-0").write_bytes(AUDIO)
    lock = os.open(living, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        assert spool.clean() == 1
        assert (dead.exists(), living.exists()) == (False, True)
    finally:
        os.close(lock)


def test_the_oldest_entry_comes_first(spool, source):
    receipts = [spool.submit(1, draft(source, origin_id=str(number))).id for number in range(5)]
    for age, receipt in enumerate(reversed(receipts)):
        os.utime(spool.ready / receipt, (1000 - age, 1000 - age))
    assert spool.entries() == receipts
    assert spool.entries(2) == receipts[:2]


def test_a_damaged_entry_says_so(spool, source):
    receipt = spool.submit(1, draft(source))
    for text in (b"", b"{}", b"[]", b'{"version": 99}', b"\xff"):
        (spool.ready / receipt.id / "entry.json").write_bytes(text)
        with pytest.raises(BadRecording, match="cannot be read"):
            read_entry(spool.ready / receipt.id)
    assert spool.submit(1, draft(source)).duplicate


def test_what_waits_in_quarantine_is_a_duplicate_too(spool, source):
    receipt = spool.submit(1, draft(source))
    (spool.ready / receipt.id).rename(spool.quarantine / receipt.id)
    again = spool.submit(1, draft(source))
    assert (again.id, again.duplicate, again.sha256) == (receipt.id, True, receipt.sha256)
    assert spool.is_quarantined(receipt.id)


def test_entry_json_is_plain_text_that_a_person_can_read(spool, source):
    receipt = spool.submit(1, draft(source, fields={"ucid": "00001"}))
    data = json.loads((spool.ready / receipt.id / "entry.json").read_text("ascii"))
    assert data["item"]["fields"] == {"ucid": "00001"}
    assert data["item"]["media"][0]["path"] == "media-0"


def test_only_the_hubs_user_can_look_into_the_spool(spool, source):
    receipt = spool.submit(1, draft(source))
    modes = {path.stat().st_mode & 0o077 for path in (spool.folder, spool.ready, *(spool.ready / receipt.id).iterdir())}
    assert modes == {0}


def test_a_spool_that_vanished_asks_to_retry_later(spool, source):
    for room in (spool.incoming, spool.ready, spool.quarantine):
        room.rmdir()
    with pytest.raises(RetryLater) as caught:
        spool.submit(1, draft(source))
    assert str(spool.folder) in str(caught.value)
    assert caught.value.hint


def test_threads_submit_side_by_side(spool, source):
    receipts = []
    threads = [
        threading.Thread(
            target=lambda number=number: receipts.append(spool.submit(1, draft(source, origin_id=str(number % 4))))
        )
        for number in range(16)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sum(not receipt.duplicate for receipt in receipts) == 4
    assert spool.count() == 4
