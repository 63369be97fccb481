import errno
import fcntl
import hashlib
import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from hub.sdk import BadRecording, HealthState, NotFound, RetryLater, SettingsError
from plugins.connectors.local.marker import MARKER_NAME
from plugins.connectors.local.settings import LocalSettings
from plugins.connectors.local.tree import INCOMING_NAME
from tests.doubles.stores import StoreContext, local_store
from tests.privileges import namespace


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "storage"


@pytest.fixture
def context():
    return StoreContext()


def put(store, key="2026/11/21/a.wav", content=b"hello"):
    return store.put(key, io.BytesIO(content), len(content), hashlib.sha256(content).hexdigest())


def files(folder):
    found = {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}
    return {name for name in found if not name.startswith(".recording-hub")}


def test_the_folder_is_made_by_the_first_recording(folder):
    store = local_store(folder)
    assert "does not exist yet" in store.check().warnings[0]
    assert not folder.exists()
    put(store)
    assert (folder / "2026/11/21/a.wav").read_bytes() == b"hello"
    assert store.check().warnings == ()


def test_a_check_says_how_much_room_there_is(folder):
    folder.mkdir()
    health = local_store(folder).check()
    assert health.state is HealthState.OK
    assert "GB free" in health.summary
    assert health.numbers["free_bytes"] > 0
    assert 0 <= health.numbers["used_percent"] <= 100


def test_a_check_of_a_folder_that_others_use_warns_and_changes_nothing(folder):
    folder.mkdir()
    (folder / "somebody's.txt").write_text("mine")
    assert "not empty" in local_store(folder).check().warnings[0]
    assert files(folder) == {"somebody's.txt"}


def test_a_file_in_the_place_of_the_folder_is_a_wrong_setting(folder):
    folder.write_text("a file")
    with pytest.raises(SettingsError) as caught:
        local_store(folder).check()
    assert caught.value.field == "folder"


@pytest.mark.parametrize("path", ["relative/path", "/a/../b"])
def test_a_path_that_may_mean_anything_is_refused(path):
    with pytest.raises(ValueError, match="absolute"):
        LocalSettings(folder=path)


def test_a_disk_that_is_not_mounted_any_more_is_not_written_to(folder, context):
    put(local_store(folder, context))
    folder.rename(folder.with_name("the disk"))
    folder.mkdir()
    store = local_store(folder, context)
    for call in (
        lambda: put(store, "b"),
        lambda: store.stat("2026/11/21/a.wav"),
        store.check,
        lambda: list(store.list()),
    ):
        with pytest.raises(RetryLater, match="marker is missing"):
            call()
    assert list(folder.iterdir()) == []
    folder.rmdir()
    for call in (lambda: put(store, "b"), lambda: store.open("2026/11/21/a.wav"), store.check):
        with pytest.raises(RetryLater):
            call()
    assert not folder.exists()
    folder.with_name("the disk").rename(folder)
    put(store, "b")
    assert files(folder) == {"2026/11/21/a.wav", "b"}


def test_another_disk_in_its_place_is_not_written_to(folder, tmp_path, context):
    put(local_store(folder, context))
    folder.rename(tmp_path / "the disk")
    put(local_store(folder))
    with pytest.raises(RetryLater, match="marker is another"):
        put(local_store(folder, context), "b")


def test_the_way_out_that_the_message_names_works(folder, context):
    put(local_store(folder, context))
    marker = (folder / MARKER_NAME).read_text().strip()
    (folder / MARKER_NAME).unlink()
    with pytest.raises(RetryLater) as caught:
        put(local_store(folder, context), "b")
    assert marker in caught.value.hint
    (folder / MARKER_NAME).write_text(marker)
    put(local_store(folder, context), "b")


def test_two_instances_share_a_folder_that_is_marked_already(folder):
    put(local_store(folder), "a")
    put(local_store(folder), "b")
    assert files(folder) == {"a", "b"}


def test_a_folder_on_the_systems_disk_is_refused_where_its_own_is_asked_for(folder):
    folder.mkdir()
    is_own = folder.stat().st_dev != Path("/").stat().st_dev
    store = local_store(folder, own_disk=True)
    if is_own:  # the folder for temporary files is a disk of its own here
        put(store)
    else:
        for call in (store.check, lambda: put(store)):
            with pytest.raises(RetryLater, match="system's disk"):
                call()
    assert bool(files(folder)) is is_own


def test_no_symlink_is_followed_in_or_out(folder, tmp_path):
    store = local_store(folder)
    put(store)
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret").write_text("secret")
    (folder / "link").symlink_to(outside)
    (folder / "2026" / "link.wav").symlink_to(outside / "secret")
    with pytest.raises(RetryLater):
        put(store, "link/new.wav")
    for key in ("link/secret", "2026/link.wav", "2026"):
        with pytest.raises(NotFound):
            store.open(key)
    with pytest.raises(BadRecording, match="taken"):
        put(store, "2026/link.wav")
    store.delete("link/secret")
    assert {found.key for found in store.list()} == {"2026/11/21/a.wav"}
    assert files(outside) == {"secret"}


def test_a_pipe_in_the_place_of_a_file_does_not_hang(folder):
    store = local_store(folder)
    put(store, "a")
    os.mkfifo(folder / "pipe")
    with pytest.raises(NotFound):
        store.open("pipe")
    with pytest.raises(BadRecording):
        put(store, "pipe")


@pytest.mark.parametrize("key", [MARKER_NAME, f"{INCOMING_NAME}/a", "a/.recording-hub-x", "x" * 256, "\ud800"])
def test_the_stores_own_names_and_impossible_ones_are_no_keys(folder, key):
    store = local_store(folder)
    with pytest.raises(BadRecording):
        put(store, key)
    with pytest.raises(NotFound):
        store.stat(key)
    store.delete(key)


def test_a_key_of_any_bytes_is_a_key(folder):
    store, key = local_store(folder), os.fsdecode(b"\xff\n 'x'.wav")
    put(store, key)
    assert store.open(key).read() == b"hello"
    assert [found.key for found in store.list()] == [key]


def test_what_a_dead_writer_left_is_removed_and_a_living_one_is_left_alone(folder, context):
    put(local_store(folder, context))
    incoming = folder / INCOMING_NAME
    for name in ("dead", "living"):
        (incoming / name).write_bytes(b"half")
    with (incoming / "living").open("rb") as living:
        fcntl.flock(living, fcntl.LOCK_EX)
        put(local_store(folder, context), "b")
        assert {path.name for path in incoming.iterdir()} == {"living"}


def test_a_file_system_without_hard_links_is_served_by_renaming(folder, monkeypatch):
    def refuse(*_args, **_names):
        raise OSError(errno.EPERM, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    store = local_store(folder)
    put(store)
    put(store)
    with pytest.raises(BadRecording):
        put(store, content=b"other")
    assert files(folder) == {"2026/11/21/a.wav"}
    assert list((folder / INCOMING_NAME).iterdir()) == []


SCRIPT = """
import sys
from pathlib import Path
from hub.sdk import RetryLater
from tests.unit.plugins.connectors.local.test_local import put
from tests.doubles.stores import StoreContext, local_store
store = local_store(Path(sys.argv[1]) / "storage")
try:
    put(store, "big", b"x" * 5_000_000)
except RetryLater as exc:
    print(type(exc.__cause__).__name__, exc.__cause__.errno, exc)
print(sorted(found.key for found in store.list()))
print(sum(1 for path in Path(sys.argv[1]).rglob("*") if path.is_file() and path.stat().st_size > 100))
put(store, "small", b"x" * 1000)
"""


@pytest.mark.privileged
def test_a_full_disk_is_told_as_such_and_nothing_half_written_stays(tmp_path):
    mount = ["sh", "-c", f'mount -t tmpfs -o size=1m tmpfs "{tmp_path}" && exec "$@"', "sh"]
    command = [*namespace(), *mount, sys.executable, "-W", "ignore", "-c", SCRIPT, str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    told, listed, left = ended.stdout.splitlines()
    assert f"OSError {errno.ENOSPC}" in told
    assert "is full" in told
    assert (listed, left) == ("[]", "0")


READ_ONLY = """
import subprocess, sys
from pathlib import Path
from hub.sdk import RetryLater
from tests.unit.plugins.connectors.local.test_local import put
from tests.doubles.stores import StoreContext, local_store
store = local_store(Path(sys.argv[1]) / "storage")
put(store, "a")
subprocess.run(["mount", "-o", "remount,ro", sys.argv[1]], check=True)
for call in (lambda: put(store, "b"), store.check):
    try:
        call()
    except RetryLater as exc:
        print(exc, "|", exc.hint)
print(store.open("a").read())
"""


@pytest.mark.privileged
def test_a_disk_that_turned_read_only_is_told_and_still_read(tmp_path):
    mount = ["sh", "-c", f'mount -t tmpfs -o size=1m tmpfs "{tmp_path}" && exec "$@"', "sh"]
    command = [*namespace(), *mount, sys.executable, "-W", "ignore", "-c", READ_ONLY, str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    refused, checked, content = ended.stdout.splitlines()
    assert "Read-only" in refused
    assert "mounted read-only" in checked
    assert content == "b'hello'"
