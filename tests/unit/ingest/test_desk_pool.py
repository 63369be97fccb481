import fcntl
import os
import signal
import subprocess
import sys
import termios
import threading
import time
from pathlib import Path

import pytest

from hub.ingest.desk_pool import DeskCrashed, DeskFailed, DeskPool
from hub.ingest.finding import FILE_PARSE_ERROR, Wanted
from tests.doubles import audio
from tests.doubles.hub import until

KEEP = Wanted(form="keep", opus_bps=13_300, opus_complexity=1)
SLOW = Wanted(form="opus", opus_bps=13_300, opus_complexity=10)


@pytest.fixture
def pool():
    pool = DeskPool(2, silence_max_s=20)
    yield pool
    pool.kill()
    pool.close()


@pytest.fixture
def call(tmp_path):
    path = tmp_path / "call.wav"
    path.write_bytes(audio.wav(audio.speech(1)))
    return path


def desks() -> list[int]:
    """Processes of the desk that this process started."""
    mine = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes()
                parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
            except (FileNotFoundError, ProcessLookupError):
                continue
            if b"hub.ingest.desk_process" in words and int(parent) == os.getpid():
                mine.append(int(entry.name))
    return mine


def test_a_file_is_looked_at_in_another_process(pool, call, tmp_path):
    found = pool.examine(call, tmp_path / "made", KEEP)
    assert (found.codec, found.duration_s) == ("pcm_mulaw", 1.0)
    assert (tmp_path / found.peaks.name).stat().st_size == found.peaks.size_bytes
    assert len(desks()) == 1


def test_one_process_looks_at_many_files(pool, call, tmp_path):
    first = pool.examine(call, tmp_path / "made", KEEP)
    [process] = desks()
    assert [pool.examine(call, tmp_path / "made", KEEP) for _ in range(5)] == [first] * 5
    assert desks() == [process]


def test_a_name_of_any_bytes_is_passed_on(pool, tmp_path):
    path = tmp_path / os.fsdecode(b"\xff\n'call.wav")
    path.write_bytes(audio.wav(audio.speech(1)))
    assert pool.examine(path, tmp_path / os.fsdecode(b"\xfe made"), KEEP).duration_s == 1.0


def test_a_desk_that_dies_is_told_and_replaced(pool, call, tmp_path):
    pool.warm_up()
    [process] = desks()
    os.kill(process, signal.SIGSTOP)
    caught = []
    thread = threading.Thread(target=lambda: caught.append(_error(pool, call, tmp_path)))
    thread.start()
    until(lambda: pool._busy and _asked_bytes(pool._busy[0]), 5, "the desk is asked")
    os.kill(process, signal.SIGKILL)
    thread.join()
    assert isinstance(caught[0], DeskCrashed)
    assert "signal 9" in str(caught[0])
    assert pool.examine(call, tmp_path / "made", KEEP).duration_s == 1.0


def test_a_desk_that_hangs_is_killed_and_replaced(call, tmp_path):
    pool = DeskPool(1, silence_max_s=1)
    pool.examine(call, tmp_path / "made", KEEP)
    [process] = desks()
    os.kill(process, signal.SIGSTOP)
    with pytest.raises(DeskCrashed, match="without progress"):
        pool.examine(call, tmp_path / "made", KEEP)
    assert desks() == []
    assert pool.examine(call, tmp_path / "made", KEEP).duration_s == 1.0
    pool.close()
    assert desks() == []


def test_long_work_is_no_hang(call, tmp_path):
    pool = DeskPool(1, silence_max_s=2.5)
    pool.warm_up()
    call.write_bytes(audio.wav_of(audio.companded(audio.speech(30), audio.MU_LAW) * 40, tag=audio.MU_LAW))
    began_s = time.monotonic()
    found = pool.examine(call, tmp_path / "made", SLOW)
    assert found.derived is not None
    assert time.monotonic() - began_s > 2.5
    pool.close()


def test_a_desk_that_cannot_work_says_so_and_blames_no_file(pool, call, tmp_path):
    with pytest.raises(DeskFailed, match="No such file"):
        pool.examine(call, tmp_path / "gone" / "made", KEEP)
    with pytest.raises(DeskFailed, match="No such file"):
        pool.examine(tmp_path / "gone.wav", tmp_path / "made", KEEP)
    assert pool.examine(call, tmp_path / "made", KEEP).duration_s == 1.0


def test_a_desk_dies_with_its_worker(tmp_path):
    code = (
        "from hub.ingest.desk_pool import DeskPool; import time;"
        "pool = DeskPool(1); pool.warm_up(); print(pool._idle[0]._process.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) as worker:
        assert worker.stdout is not None
        desk = int(worker.stdout.readline())
        worker.kill()
    until(lambda: not _runs(desk), 10, "the desk has ended")


def test_what_is_not_understood_is_a_finding_and_no_failure(pool, tmp_path):
    (tmp_path / "call.wav").write_bytes(b"Salted__")
    assert pool.examine(tmp_path / "call.wav", tmp_path / "made", KEEP).problem[0] == FILE_PARSE_ERROR


def _runs(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def _asked_bytes(desk):
    """How much lies in the pipe to a desk that does not read."""
    return int.from_bytes(fcntl.ioctl(desk._process.stdin, termios.FIONREAD, bytes(4)), sys.byteorder)


def _error(pool, call, tmp_path):
    try:
        return pool.examine(call, tmp_path / "made", KEEP)
    except DeskCrashed as exc:
        return exc
