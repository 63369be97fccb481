"""Capture and encoding on one core: calls are received and journalled there while others are made into Opus.

As `bench_engine`, with a process of low priority beside the worker that makes recordings of calls of a minute all the
time. As many calls must be made in a minute as are captured, so that no backlog grows, and no packet may be lost.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Self

from bench_capture import write_calls
from bench_engine import RECEIVER_CPU, run_load, steer_to_core
from figure import Figure, emit
from traffic import Traffic

from tests.doubles import audio
from tests.doubles.network import network_pair

BAR_CALLS = 600
_RUNS, _LENGTH_S, _CALLS_AT_ONCE = 3, 30, 20
_START_S = 120.0
_NICE = "10"


class Conversion:
    """The process that encodes, on the receiver's core."""

    def __init__(self, capture: Path) -> None:
        command = [sys.executable, str(Path(__file__).with_name("conversion.py")), str(capture)]
        pinned = ["taskset", "-c", str(RECEIVER_CPU), "nice", "-n", _NICE, *command]
        self._process = subprocess.Popen(pinned, stdout=subprocess.PIPE)
        self.made = 0
        self._thread = threading.Thread(target=self._count, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        until_s = time.monotonic() + _START_S
        while not self.made:
            assert self._process.poll() is None, "it ended by itself"
            assert time.monotonic() < until_s, "it does not encode"
            time.sleep(0.05)
        return self

    def __exit__(self, *exc: object) -> None:
        self._process.kill()
        self._process.wait()
        self._thread.join()

    def _count(self) -> None:
        assert self._process.stdout is not None
        while dots := os.read(self._process.stdout.fileno(), 1 << 10):
            self.made += len(dots)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--calls", type=int, default=BAR_CALLS)
    asked = parser.parse_args()
    calls, runs, length_s = (50, 1, 3) if asked.quick else (asked.calls, _RUNS, _LENGTH_S)
    lost, made_per_min, shares = [], [], []
    with tempfile.TemporaryDirectory(prefix="bench-encoding-") as folder, network_pair() as pair, Traffic() as traffic:
        capture = Path(folder) / "calls.pcap"
        write_calls(capture, _CALLS_AT_ONCE, audio.speech(60, channels=2))
        steer_to_core(pair)
        for _ in range(runs):
            with Conversion(capture) as conversion:
                made, began_s = conversion.made, time.monotonic()
                run = run_load(pair, traffic, calls, length_s)
                made_per_min.append((conversion.made - made) / (time.monotonic() - began_s) * 60)
            lost.append(run.lost)
            shares.append(run.core)
    emit(
        Figure(
            figure=f"capture of {calls} calls while others are encoded on the core, packets lost",
            value=float(statistics.median(lost)),
            unit="packets",
            beside=f"capture took {statistics.median(shares):.0%} of the core",
            bar="0",
            ok=statistics.median(lost) == 0,
        )
    )
    rate = statistics.median(made_per_min)
    emit(
        Figure(
            figure=f"minutes of calls made into Opus meanwhile on the core that captures {calls}",
            value=rate,
            unit="a minute",
            ratio=rate / calls,
            bar=f">= {calls}",
            ok=rate >= calls,
        )
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
