"""Recording sessions set up by the hundred a second, while thousands stand and a thousand of them are captured.

The recorder is the real device, in a process and a network namespace of its own; callers and the media of their calls
come from another one, on core 0. Measured is the time from an INVITE to its 200 while calls begin and end at the rate
of the bar, on top of those that stand.
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

from bench_engine import FIRST_PORT, SENDER_CPU, process_s, start_calls, steer_to_core
from figure import Figure, emit
from partner import Partner
from traffic import Traffic, finish

from tests.doubles.network import LAN, LAN_ADDRESS, PBX_ADDRESS, NetworkPair, network_pair

BAR_MS = 50
_SIP, _LAST_PORT = 5060, 59_999
_HOLD_S = 5.0
_SETTLE_S = 3.0
_HERE = Path(__file__).resolve().parent


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """standing: calls that go on all the time, captured: those of them that have media. per_s, length_s: of the rest."""

    standing: int
    captured: int
    per_s: int
    length_s: int


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    load = Load(standing=5000, captured=1000, per_s=200, length_s=20)
    if asked.quick:
        load = Load(standing=200, captured=50, per_s=100, length_s=2)
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
    command = [sys.executable, str(_HERE / "recorder.py"), str(folder), json.dumps(settings)]
    with Partner(pair.lan_command(*command)) as device:
        device.hear()
        yield device


def callers(pair: NetworkPair) -> Partner:
    """The telephone system."""
    command = [sys.executable, str(_HERE / "callers.py"), PBX_ADDRESS, LAN_ADDRESS, str(_SIP)]
    return Partner(pair.pbx_command("taskset", "-c", str(SENDER_CPU), *command))


def measure(load: Load, pair: NetworkPair, traffic: Traffic, device: Partner, phones: Partner) -> None:
    """Let calls stand, then begin and end others."""
    empty_kb = memory_kb(device.pid)
    worker = find_worker(device.pid)
    rest = load.standing - load.captured
    ways = [phones.ask(calls=load.captured, per_s=load.per_s, hold_s=0)]
    length_s = rest / load.per_s + load.length_s + _HOLD_S + 2 * _SETTLE_S
    media = start_calls(pair, traffic, load.captured, length_s)
    ways.append(phones.ask(calls=rest, per_s=load.per_s, hold_s=0))
    time.sleep(_SETTLE_S)
    full_kb = memory_kb(device.pid)
    busy, began_s = [process_s(device.pid), process_s(worker)], time.monotonic()
    measured = phones.ask(calls=load.per_s * load.length_s, per_s=load.per_s, hold_s=_HOLD_S)
    took_s = time.monotonic() - began_s
    control, capture = (
        (process_s(pid) - before) / took_s for pid, before in zip([device.pid, worker], busy, strict=True)
    )
    sent = finish(media)
    time.sleep(_SETTLE_S)
    counts = device.ask()
    ways.append(measured)
    emit_answers(load, measured["answers_ms"])
    emit(
        Figure(
            figure="recording sessions that were not taken",
            value=float(sum(way["refused"] + way["unanswered"] for way in ways)),
            unit="sessions",
            beside=f"{sum(len(way['answers_ms']) for way in ways)} taken",
            bar="0",
            ok=not any(way["refused"] + way["unanswered"] for way in ways),
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
    emit(Figure(figure="recording sessions, load of the control", value=control * 100, unit="% of a core"))
    emit(Figure(figure="recording sessions, load of the capture worker", value=capture * 100, unit="% of a core"))
    emit(Figure(figure="memory of a standing call", value=(full_kb - empty_kb) / load.standing, unit="kB"))


def emit_answers(load: Load, answers_ms: list[float]) -> None:
    """How soon callers were answered."""
    p99 = statistics.quantiles(answers_ms, n=100)[98]
    emit(
        Figure(
            figure=f"INVITE to 200 at {load.per_s} calls/s, 99 % within",
            value=p99,
            unit="ms",
            beside=f"half within {statistics.median(answers_ms):.1f} ms, all within {max(answers_ms):.1f} ms; "
            f"{load.standing} calls stand, {load.captured} are captured; load average {os.getloadavg()[0]:.1f}",
            bar=f"< {BAR_MS} ms",
            ok=p99 < BAR_MS,
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
