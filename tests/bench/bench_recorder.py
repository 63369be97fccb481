"""Recording sessions set up by the hundred a second, while thousands stand and a thousand of them are captured.

The recorder is the real device, in a process and a network namespace of its own; callers and the media of their calls
come from another one, on core 0. Measured is the time from an INVITE to its 200, as the kernel of the callers saw it.
Both go before whatever else the machine does, as if it were their own; the processes that the device starts do not.
"""

import argparse
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bench_engine import FIRST_PORT, SENDER_CPU, process_s, start_calls, steer_to_core
from figure import Figure, emit
from partner import Partner
from traffic import Sent, Traffic, finish

from tests.doubles.network import LAN, LAN_ADDRESS, PBX_ADDRESS, NetworkPair, network_pair

BAR_MS = 50
_SIP, _LAST_PORT = 5060, 59_999
_HOLD_S = 5.0
_SETTLE_S = 3.0
_FIRST = ("chrt", "--reset-on-fork", "--fifo", "1")
_HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """standing: calls that go on all the time, captured: those of them that have media, per_s: how fast they begin.

    passing: calls that begin and end beside them, passing_per_s: how fast.
    """

    standing: int
    captured: int
    per_s: int
    passing: int
    passing_per_s: int


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    load = Load(standing=5000, captured=1000, per_s=200, passing=1200, passing_per_s=60)
    if asked.quick:
        load = Load(standing=200, captured=50, per_s=100, passing=60, passing_per_s=30)
    with network_pair() as pair, Traffic() as traffic, TemporaryDirectory(prefix="bench-recorder-") as made:
        steer_to_core(pair)
        with recorder(pair, Path(made)) as device, callers(pair) as phones:
            measure(load, pair, traffic, device, phones)
    return 0


@contextmanager
def recorder(pair: NetworkPair, folder: Path) -> Iterator[Partner]:
    """A device that is ready."""
    settings = {
        "address": LAN_ADDRESS,
        "ports": [str(_SIP)],
        "allowed_peers": [PBX_ADDRESS],
        "rtp_first": FIRST_PORT,
        "rtp_last": _LAST_PORT,
        "media_interface": LAN,
        "calls_max": 10_000,
    }
    command = [*_FIRST, sys.executable, str(_HERE / "recorder.py"), str(folder), json.dumps(settings)]
    with Partner(pair.lan_command(*command)) as device:
        device.hear()
        yield device


def callers(pair: NetworkPair) -> Partner:
    """The telephone system."""
    command = [sys.executable, str(_HERE / "callers.py"), PBX_ADDRESS, LAN_ADDRESS, str(_SIP)]
    return Partner(pair.pbx_command(*_FIRST, "taskset", "-c", str(SENDER_CPU), *command))


def measure(load: Load, pair: NetworkPair, traffic: Traffic, device: Partner, phones: Partner) -> None:
    """Let calls begin until all of them stand, the first of them with media; then begin and end others beside them."""
    empty_kb, worker = memory_kb(device.pid), find_worker(device.pid)
    rest = load.standing - load.captured
    first = phones.ask(calls=load.captured, per_s=load.per_s, hold_s=0)
    length_s = rest / load.per_s + load.passing / load.passing_per_s + _HOLD_S + 2 * _SETTLE_S
    media = start_calls(pair, traffic, load.captured, length_s)
    busy, began_s = [process_s(device.pid), process_s(worker)], time.monotonic()
    others = phones.ask(calls=rest, per_s=load.per_s, hold_s=0)
    took_s = time.monotonic() - began_s
    control, capture = (
        (process_s(pid) - before) / took_s for pid, before in zip([device.pid, worker], busy, strict=True)
    )
    average = os.getloadavg()[0]
    time.sleep(_SETTLE_S)
    per_call_kb = (memory_kb(device.pid) - empty_kb) / load.standing
    passing = phones.ask(calls=load.passing, per_s=load.passing_per_s, hold_s=_HOLD_S)
    sent = finish(media)
    time.sleep(_SETTLE_S)
    emit_answers(
        f"INVITE to 200, {load.per_s} calls/s begin until {load.standing} stand",
        others["answers_ms"],
        f"{load.captured} are captured; control {control * 100:.0f} % of a core, capture worker {capture * 100:.0f} %; "
        f"load average {average:.1f}",
    )
    emit_answers(
        f"INVITE to 200, {load.passing_per_s} calls/s begin and end beside {load.standing}",
        passing["answers_ms"],
        f"{load.captured} are captured; load average {os.getloadavg()[0]:.1f}",
    )
    emit_losses(load, [first, others, passing], sent, device.ask())
    emit(Figure(figure="memory of a standing call in the control", value=per_call_kb, unit="kB"))


def emit_answers(figure: str, answers_ms: list[float], beside: str) -> None:
    """How soon callers were answered."""
    p99 = statistics.quantiles(answers_ms, n=100)[98]
    spread = f"half within {statistics.median(answers_ms):.1f} ms, all within {max(answers_ms):.1f} ms"
    emit(
        Figure(
            figure=f"{figure}, 99 % within",
            value=p99,
            unit="ms",
            beside=f"{spread}; {beside}",
            bar=f"< {BAR_MS} ms",
            ok=p99 < BAR_MS,
        )
    )


def emit_losses(load: Load, told: list[dict[str, Any]], sent: Sent, counts: dict[str, Any]) -> None:
    """What was not taken: calls, and media of those that were."""
    missed = sum(way["refused"] + way["unanswered"] for way in told)
    emit(
        Figure(
            figure="recording sessions that were refused or not answered",
            value=float(missed),
            unit="sessions",
            beside=f"{sum(len(way['answers_ms']) for way in told)} taken",
            bar="0",
            ok=not missed,
        )
    )
    lost = sent.sent - counts["kept"]
    emit(
        Figure(
            figure=f"media of {load.captured} calls meanwhile, packets lost",
            value=float(lost),
            unit="packets",
            beside=f"{sent.sent} sent, {counts['lost_in_kernel']} dropped by the kernel, {counts['strange']} "
            "came before their port was open",
            bar="0",
            ok=lost == 0,
        )
    )


def find_worker(control: int) -> int:
    """The capture worker of a device."""
    children = Path(f"/proc/{control}/task/{control}/children").read_text().split()
    return next(int(pid) for pid in children if b"engine.worker" in Path(f"/proc/{pid}/cmdline").read_bytes())


def memory_kb(pid: int) -> int:
    """What a process has in memory now."""
    rows = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(row.split()[1]) for row in rows if row.startswith("VmRSS"))


if __name__ == "__main__":
    sys.exit(main())
