"""The capture journal: a second of 10,000 G.711 streams (5,000 calls), appended again and again.

Beside it, in the same run: copying and writing the same bytes in one piece, which no journal can be faster than.
"""

import argparse
import os
import resource
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from figure import Figure, emit

from plugins.pbx_sip.journal.journal import Journal
from plugins.pbx_sip.journal.reading import read_units
from plugins.pbx_sip.packets.datagrams import Datagrams, Endpoints

BAR_S, BAR_STREAMS = 0.25, 10_000
PACKETS = 50  # a second, of each stream
BLOCKS = 32
HEADERS_BYTES = 42
BEGAN_NS = 1_790_000_000_000_000_000
EVER_NS = 1 << 62
SECOND_NS = 1_000_000_000


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    streams, seconds = (500, 3) if asked.quick else (BAR_STREAMS, 10)
    for name, sizes in (("G.711", (172, 173)), ("mixed sizes", (40, 172))):
        with tempfile.TemporaryDirectory(prefix="bench-journal-") as made:
            measure(Path(made), name, streams, seconds, sizes)
    memory_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    emit(Figure(figure="journal, memory at most", value=memory_mb, unit="MB"))
    return 0


def measure(folder: Path, name: str, streams: int, seconds: int, sizes: tuple[int, int]) -> None:
    """Append, flush, open again, find and read."""
    endpoints = Endpoints()
    journal = Journal(folder / "journal", endpoints, bytes(32))
    appends, syncs = [], []
    for second in range(seconds):
        blocks = make_blocks(streams, second, sizes)
        began_s = time.process_time()
        journal.append(blocks)
        appends.append(time.process_time() - began_s)
        began_s = time.perf_counter()
        journal.sync()
        syncs.append(time.perf_counter() - began_s)
    append_s, copy_s = statistics.median(appends), copy(folder / "copy", journal.used_bytes // seconds)
    emit(
        Figure(
            figure=f"journal append, a second of {streams} streams, {name}",
            value=append_s,
            unit="s of CPU",
            beside=f"copying and writing the same bytes: {copy_s:.3f} s",
            ratio=append_s / copy_s,
            bar=f"<= {BAR_S * streams / BAR_STREAMS:g} s",
            ok=append_s <= BAR_S * streams / BAR_STREAMS,
        )
    )
    emit(Figure(figure=f"journal flush to the disk, {name}", value=statistics.median(syncs), unit="s"))
    journal.close()
    began_s = time.perf_counter()
    journal = Journal(folder / "journal", endpoints, bytes(32))
    recovery = Figure(
        figure=f"journal recovery, {seconds} s of {streams} streams, {name}",
        value=time.perf_counter() - began_s,
        unit="s",
    )
    emit(recovery)
    flow = journal.flows()[0]
    units = [unit.place for unit in journal.find([flow.source], 0, EVER_NS)]
    began_s = time.perf_counter()
    datagrams, lost = read_units(folder / "journal", units, endpoints)
    read_us = (time.perf_counter() - began_s) / len(units) * 1e6
    assert (len(datagrams), lost) == (PACKETS * seconds, 0)
    emit(Figure(figure=f"journal read, {name}", value=read_us, unit="us a unit"))
    journal.close()


def make_blocks(streams: int, second: int, sizes: tuple[int, int]) -> list[Datagrams]:
    """A second of streams, packet by packet in turn, in blocks as a ring hands them on."""
    random = np.random.default_rng(second)
    rows = np.arange(streams * PACKETS)
    stream = (rows % streams).astype(np.uint64)
    source = (np.uint64(0x0A000000) + stream // 100 << np.uint64(16)) | 20000 + 2 * (stream % 100)
    target = (np.uint64(0x0A010000) + stream // 7000 << np.uint64(16)) | 20000 + stream % 7000
    time_ns = BEGAN_NS + second * SECOND_NS + rows * (SECOND_NS // len(rows))
    length = random.integers(*sizes, len(rows)).astype(np.int32)
    blocks = []
    for part in np.array_split(rows, BLOCKS):
        ends = np.cumsum(length[part].astype(np.int64) + HEADERS_BYTES)
        blocks.append(
            Datagrams(
                buffer=random.integers(0, 256, int(ends[-1]), dtype=np.uint8),
                time_ns=time_ns[part],
                source=source[part],
                target=target[part],
                offset=ends - length[part],
                length=length[part],
            )
        )
    return blocks


def copy(path: Path, size_bytes: int) -> float:
    """Seconds of CPU for a copy in memory and a write of it."""
    content = np.ones(size_bytes, np.uint8)
    target = np.empty_like(content)
    file = os.open(path, os.O_WRONLY | os.O_CREAT)
    took_s = []
    for _ in range(5):
        began_s = time.process_time()
        target[:] = content
        os.pwrite(file, target.data, 0)
        took_s.append(time.process_time() - began_s)
    os.close(file)
    return statistics.median(took_s)


if __name__ == "__main__":
    sys.exit(main())
