"""Hand-off to catalog: one-minute G.711 WAV files through spool, desk, vault and catalog, in the hub's own processes.

Beside it, in the same run: `cp` and `sha256sum` as one process each per file, `ffmpeg` as one process per file, and
libopus alone in this process. `--count 2000` is the figure of merit; `--quick` shows that it runs.
"""

import argparse
import ctypes
import gc
import json
import multiprocessing
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from figure import Figure, emit

from hub.alerts.board import Board
from hub.audit import SYSTEM
from hub.catalog import preferences
from hub.config import load_config
from hub.config.policy import HubPreferences, MediaPolicy
from hub.db.database import Database
from hub.ingest.drain import Drain
from hub.ingest.spool import Spool
from hub.ingest.work import DrainSettings
from hub.observe import logging
from hub.observe.metrics import RECORDINGS
from hub.sdk import MediaFile, Party, RecordingDraft, RetryLater
from hub.vault.stores import Stores
from tests.doubles import audio
from tests.doubles.recordings import NOON
from tests.doubles.small_hub import PRIMARY, Devices
from tests.doubles.stores import StoreContext, local_store

BAR_RATE, BAR_CP, BAR_LIBOPUS, BAR_GROWTH_MB = 150, 4.0, 1.3, 20
OPUS = MediaPolicy(stored_form="opus")
KEEP = MediaPolicy(stored_form="keep")
_LOOK_S, _SETTLE_S, _LONGEST_S = 0.05, 2.0, 900.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--role", choices=["source", "worker"], help=argparse.SUPPRESS)
    parser.add_argument("--folder", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    count = 40 if asked.quick else asked.count
    if asked.role == "source":
        hand_over(asked.folder)
    elif asked.role == "worker":
        work(asked.folder, asked.count)
    else:
        measure(count, backlog=400 if asked.quick else 10_000)
    return 0


def measure(count: int, backlog: int) -> None:
    """All figures."""
    with tempfile.TemporaryDirectory(prefix="bench-ingest-") as made:
        files = make_files(Path(made) / "files", count)
        some = files[: min(count, 300)]
        plain = measure_commands(some, Path(made), "cp {0} {1}", "sha256sum {1}")
        keep = measure_hub(Path(made) / "keep", files, KEEP)
        emit(rate("ingest.keep.rate", keep, count, bar=BAR_RATE))
        beside = "cp + sha256sum, one process each per file"
        emit(cpu("ingest.keep.cpu", keep, count, beside, plain.cpu_s / len(some), bar=BAR_CP))
        few = files[: max(min(count, 2000) // 4, 20)]
        alone_s = measure_desks_of_libopus(files[0])
        opus = measure_hub(Path(made) / "opus", few, OPUS)
        alone_s = (alone_s + measure_desks_of_libopus(files[0])) / 2  # before and after: other load comes and goes
        emit(rate("ingest.opus.rate", opus, len(few)))
        emit(cpu("ingest.opus.cpu", opus, len(few), "libopus alone in as many processes", alone_s, bar=BAR_LIBOPUS))
        bare = measure_commands(files[:20], Path(made), ffmpeg_command())
        emit(cpu("ingest.opus.cpu", opus, len(few), "ffmpeg, one process per file", bare.cpu_s / 20))
        measure_backlog(Path(made) / "backlog", backlog)


@dataclass(frozen=True)
class Cost:
    """What some work took."""

    wall_s: float
    cpu_s: float


def rate(name: str, cost: Cost, count: int, bar: int | None = None) -> Figure:
    value = count / cost.wall_s
    return Figure(
        figure=name,
        value=value,
        unit="recordings/s",
        bar=f">= {bar} on two cores" if bar else "",
        ok=value >= bar if bar else None,
    )


def cpu(name: str, cost: Cost, count: int, beside: str, other_s: float, bar: float | None = None) -> Figure:
    value = cost.cpu_s / count
    return Figure(
        figure=name,
        value=value * 1000,
        unit="CPU ms/recording",
        beside=f"{beside}: {other_s * 1000:.3g} ms",
        ratio=value / other_s,
        bar=f"<= {bar} times" if bar else "",
        ok=value / other_s <= bar if bar else None,
    )


def make_files(folder: Path, count: int, length_s: float = 60) -> list[Path]:
    """Files that differ in one small chunk only; a fresh minute of talk each would take longer than the benchmark."""
    folder.mkdir()
    talk = audio.companded(audio.speech(length_s), audio.MU_LAW)
    paths = []
    for number in range(count):
        path = folder / f"{number:05}.wav"
        path.write_bytes(
            audio.wav_of(talk, tag=audio.MU_LAW, chunks=audio.chunk(b"note", number.to_bytes(8, "little")))
        )
        paths.append(path)
    return paths


def measure_commands(files: list[Path], folder: Path, *commands: str) -> Cost:
    """Each command as one process per file; {0} is the file, {1} a target."""
    target = folder / "target"
    before, began_s = _children_cpu_s(), time.monotonic()
    for path in files:
        for command in commands:
            words = [word.format(path, target) for word in command.split()]
            subprocess.run(words, check=True, stdout=subprocess.DEVNULL)
        target.unlink()
    return Cost(time.monotonic() - began_s, _children_cpu_s() - before)


def ffmpeg_command() -> str:
    if shutil.which("ffmpeg") is None:
        raise SystemExit("ffmpeg is missing: install the Debian package ffmpeg")
    how = f"-c:a libopus -b:a {OPUS.opus_bitrate_bps} -application voip -frame_duration 60"
    return f"ffmpeg -nostdin -loglevel error -y -i {{0}} {how} -compression_level {OPUS.opus_complexity} -f ogg {{1}}"


def measure_desks_of_libopus(path: Path) -> float:
    """CPU seconds for one file where libopus runs in as many processes as there are desks: cores share their silicon."""
    desks = DrainSettings().desks
    with multiprocessing.Pool(desks) as pool:
        return statistics.mean(pool.map(measure_libopus, [path] * desks, chunksize=1))


def measure_libopus(path: Path) -> float:
    """CPU seconds that the very library which the desk uses takes for one file, without any container around it."""
    samples, rate_hz = audio.decoded(path.read_bytes())
    folder = Path(av.__file__).parent.with_name("av.libs")
    library = ctypes.CDLL(str(next(folder.glob("libopus*"))))
    library.opus_encoder_create.restype = ctypes.c_void_p
    library.opus_encode.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p, ctypes.c_int]
    library.opus_encoder_ctl.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int]
    frame, out = rate_hz * 60 // 1000, np.zeros(4000, np.uint8)
    runs = 30
    began_s = time.thread_time()
    for _ in range(runs):
        encoder = library.opus_encoder_create(rate_hz, 1, 2048, ctypes.byref(ctypes.c_int()))  # OPUS_APPLICATION_VOIP
        library.opus_encoder_ctl(encoder, 4002, OPUS.opus_bitrate_bps)
        library.opus_encoder_ctl(encoder, 4010, OPUS.opus_complexity)
        for start in range(0, len(samples) - frame + 1, frame):
            library.opus_encode(encoder, samples.ctypes.data + start * 2, frame, out.ctypes.data, len(out))
        library.opus_encoder_destroy(ctypes.c_void_p(encoder))
    return (time.thread_time() - began_s) / runs


def measure_hub(folder: Path, files: list[Path], policy: MediaPolicy) -> Cost:
    """From the first file handed over to the last in the catalog; the CPU of all processes in that time.

    Their starts are no part of it: they run for months.
    """
    _prepare(folder, policy)
    (folder / "files").write_text("\n".join(map(str, files)))
    with _process("worker", folder, len(files)) as worker, _process("source", folder, len(files)) as source:
        for each in (worker, source):
            assert each.stdout is not None
            assert each.stdout.readline() == "ready\n"
        assert worker.stdout is not None
        assert source.stdin is not None
        assert source.stdout is not None
        began_s = time.monotonic()
        source.stdin.close()
        handed = json.loads(source.stdout.readline())
        done = json.loads(worker.stdout.readline())
        wall_s = time.monotonic() - began_s
    assert done["recordings"] == len(files), done
    shutil.rmtree(folder)
    return Cost(wall_s, handed["cpu_s"] + done["cpu_s"])


def measure_backlog(folder: Path, count: int) -> None:
    """Memory of the worker and its desks while it works off what waits already."""
    files = make_files(folder.with_name("short"), count, length_s=0.2)
    _prepare(folder, KEEP)
    (folder / "files").write_text("\n".join(map(str, files)))
    with _process("source", folder, count) as source:
        assert source.stdout is not None
        assert source.stdin is not None
        assert source.stdout.readline() == "ready\n"
        source.stdin.close()
        assert json.loads(source.stdout.readline())
    with _process("worker", folder, count) as worker:
        assert worker.stdout is not None
        worker.stdout.readline()
        done = json.loads(worker.stdout.readline())
    assert done["recordings"] == count, done
    first_mb, last_mb = done["memory_mb"]
    growth_mb = last_mb - first_mb
    emit(
        Figure(
            figure="ingest.memory_growth",
            value=growth_mb,
            unit="MB",
            beside=f"{first_mb:.0f} MB at file {count // 10}",
            bar=f"<= {BAR_GROWTH_MB} MB from file {count // 10} to file {count}",
            ok=growth_mb <= BAR_GROWTH_MB,
        )
    )


def _prepare(folder: Path, policy: MediaPolicy) -> None:
    folder.mkdir()
    db = _database(folder)
    db.upgrade()
    with db.write() as session:
        preferences.save(session, HubPreferences(primary_store=PRIMARY, media=policy), SYSTEM, 0)
    db.close()


def _database(folder: Path) -> Database:
    return Database(f"sqlite:///{folder}/catalog.sqlite3")


def _process(role: str, folder: Path, count: int) -> "subprocess.Popen[str]":
    command = [sys.executable, __file__, "--role", role, "--folder", str(folder), "--count", str(count)]
    environ = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    with (folder / f"{role}.log").open("w") as log:
        pipe = subprocess.PIPE
        return subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=log, text=True, env=environ)


def _children_cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def hand_over(folder: Path) -> None:
    """What a source process does for each file that has settled."""
    spool = Spool(folder / "spool")
    _begin()
    sys.stdin.read()
    before_s = time.process_time()
    for number, line in enumerate((folder / "files").read_text().split("\n")):
        path = Path(line)
        draft = RecordingDraft(
            origin_id=path.name,
            origin_name=path.name,
            started_at=NOON,
            media=(MediaFile(path=path),),
            parties=(Party(number=str(200 + number % 100)), Party(number=f"+4930{number:07}")),
            merge_same_media=True,
        )
        while True:
            try:
                spool.submit(7, draft)
                break
            except RetryLater:
                time.sleep(0.05)
    print(json.dumps({"cpu_s": time.process_time() - before_s}), flush=True)


def work(folder: Path, count: int) -> None:
    """What a worker process does, until `count` recordings are catalogued."""
    logging.configure(load_config({"RECORDING_HUB_LOG": "json"}, data=folder), sys.stderr)
    db = _database(folder)
    board = Board(db)
    stores = Stores(lambda _: local_store(folder / "storage", StoreContext()))
    drain = Drain(Spool(folder / "spool"), db, stores, board, Devices())
    thread = threading.Thread(target=drain.run)
    thread.start()
    time.sleep(_SETTLE_S)
    before_s = _cpu_s()
    _begin()
    first_mb, found = 0.0, 0
    ends_s = time.monotonic() + _LONGEST_S
    while found < count and time.monotonic() < ends_s:
        time.sleep(_LOOK_S)
        found = int(RECORDINGS.labels("7", "new")._value.get())
        if not first_mb and found >= count // 10:
            first_mb = _memory_mb()
    done = {"recordings": found, "cpu_s": _cpu_s() - before_s, "memory_mb": (first_mb, _memory_mb())}
    print(json.dumps(done), flush=True)
    drain.stop()
    thread.join()
    stores.close()
    board.close()
    db.close()


def _begin() -> None:
    """All is imported, as in a process that runs for months."""
    gc.freeze()
    print("ready", flush=True)


def _memory_mb() -> float:
    """Proportional memory of this process and its desks."""
    total_kib = 0
    for process in _mine():
        rollup = Path(f"/proc/{process}/smaps_rollup").read_text()
        total_kib += next(int(line.split()[1]) for line in rollup.splitlines() if line.startswith("Pss:"))
    return total_kib / 1024


def _cpu_s() -> float:
    """Processor time of this process and its desks."""
    ticks = 0
    for process in _mine():
        fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
        ticks += int(fields[11]) + int(fields[12])  # utime and stime: proc(5)
    return ticks / os.sysconf("SC_CLK_TCK")


def _mine() -> set[int]:
    """This process and those that it started."""
    found = {os.getpid()}
    for task in Path("/proc/self/task").iterdir():
        found |= {int(child) for child in (task / "children").read_text().split()}
    return found


if __name__ == "__main__":
    raise SystemExit(main())
