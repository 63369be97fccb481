"""The capture worker under load: G.711 calls, received, sorted by stream and journalled, all on one core.

Sender and receiver are in network namespaces of their own; the sender has core 0, the receiver core 1 together with the
kernel's work for it (RPS), so that the load of core 1 is all that capture costs. A process that only runs where nobody
else does keeps that core awake: the kernel accounts for no time in which it takes packets in on a core that sleeps. The
receiver goes before whatever else the machine does. Figures are of the median of three runs by load; sent and journalled packets are compared.
"""

import argparse
import os
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from figure import Figure, emit
from traffic import Traffic, finish

from plugins.pbx_sip.engine.frames import Frame, FrameReader, encode
from plugins.pbx_sip.engine.line import connect_to
from plugins.pbx_sip.engine.order import Order
from tests.doubles.network import LAN, LAN_ADDRESS, LAN_MAC, PBX, PBX_ADDRESS, NetworkPair, network_pair

BAR_CALLS = 5000
BAR_KB_PER_CALL, BAR_FIXED_MB = 130, 300
FIRST_PORT, _PACKETS_PER_S = 20_000, 50
SENDER_CPU, RECEIVER_CPU = 0, 1
AT_ONCE = ("chrt", "--fifo", "1")
_AT_LAST = ("chrt", "--idle", "0", "nice", "-n", "19")
_RUNS, _LENGTH_S = 3, 20
_START_S, _DRAIN_S = 30.0, 3.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One load. lost: sent and not journalled. Shares of the receiver's core: core: busy; own: with the worker;
    kernel: with taking packets in.
    """

    sent: int
    lost: int
    dropped: int
    core: float
    own: float
    kernel: float
    seconds: float
    memory_mb: float


class WorkerLine:
    """The bench's own line to a worker."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        until_s = time.monotonic() + _START_S
        while True:
            try:
                connect_to(self._socket, path)
                break
            except OSError:
                assert time.monotonic() < until_s, "the worker does not start"
                time.sleep(0.05)
        self._reader = FrameReader()

    def say(self, says: str, **facts: object) -> None:
        self._socket.sendall(encode(Frame(says, facts)))

    def counts(self) -> dict[str, int]:
        """The counts that the worker tells once it has done what was said before."""
        self.say("flows", number=1, silent_before_ns=0)
        is_done = False
        while True:
            for frame in self._reader.feed(self._socket.recv(1 << 20)):
                is_done = is_done or frame.says == "flows"
                if is_done and frame.says == "counts":
                    return frame.facts


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--calls", type=int, default=BAR_CALLS)
    asked = parser.parse_args()
    calls, runs, length_s = (200, 1, 3) if asked.quick else (asked.calls, _RUNS, _LENGTH_S)
    with network_pair() as pair, Traffic() as traffic, core_awake():
        steer_to_core(pair)
        measured = [run_load(pair, traffic, calls, length_s) for _ in range(runs)]
        base = run_load(pair, traffic, max(calls // 10, 1), max(length_s // 4, 2))
    middle = sorted(measured, key=lambda run: run.core)[len(measured) // 2]
    lost = statistics.median(run.lost for run in measured)
    beside = f"{middle.sent} packets sent, {middle.dropped} dropped by the kernel"
    emit(
        Figure(
            figure=f"capture of {calls} G.711 calls, packets lost",
            value=float(lost),
            unit="packets",
            beside=beside,
            bar="0",
            ok=lost == 0,
        )
    )
    emit(Figure(figure=f"capture of {calls} calls, load of the core", value=middle.core * 100, unit="%"))
    emit(Figure(figure=f"capture of {calls} calls, of it the worker", value=middle.own * 100, unit="%"))
    taken_in = f"capture of {calls} calls, of both the kernel's taking in of packets (softirq)"
    emit(Figure(figure=taken_in, value=middle.kernel * 100, unit="%"))
    per_call_kb = (middle.memory_mb - base.memory_mb) / (calls - calls // 10) * 1000
    bar_mb = BAR_FIXED_MB + BAR_KB_PER_CALL * calls / 1000
    emit(
        Figure(
            figure=f"capture of {calls} calls, memory",
            value=middle.memory_mb,
            unit="MB",
            beside=f"{per_call_kb:.0f} kB a call more than with a tenth of them",
            bar=f"<= {bar_mb:.0f} MB",
            ok=middle.memory_mb <= bar_mb,
        )
    )
    return 0


def steer_to_core(pair: NetworkPair) -> None:
    """Have the kernel do its work for each interface on the core of who is behind it."""
    for command, interface, core in ((pair.lan_command, LAN, RECEIVER_CPU), (pair.pbx_command, PBX, SENDER_CPU)):
        script = f"mount -t sysfs sysfs /sys && echo {1 << core:x} > /sys/class/net/{interface}/queues/rx-0/rps_cpus"
        subprocess.run(command("unshare", "--mount", "sh", "-c", script), check=True)
    backlog = Path("/proc/sys/net/core/netdev_max_backlog")
    if int(backlog.read_text()) < 20_000:
        backlog.write_text("20000")


def run_load(pair: NetworkPair, traffic: Traffic, calls: int, length_s: float) -> Run:
    """Send calls for a while to a fresh worker."""
    folder = Path(tempfile.mkdtemp(prefix="bench-engine-"))
    path = folder / "worker.json"
    streams = calls * 2
    ports = (FIRST_PORT, FIRST_PORT + 2 * streams)
    Order(
        journal=str(folder / "journal"), instance="bench", interface=LAN, addresses=(LAN_ADDRESS,), ports=ports
    ).write(path)
    command = [sys.executable, "-P", "-m", "plugins.pbx_sip.engine.worker", str(path)]
    worker = subprocess.Popen(pair.lan_command(*AT_ONCE, "taskset", "-c", str(RECEIVER_CPU), *command))
    try:
        line = WorkerLine(path.with_suffix(".sock"))
        line.say("hello")
        for number in range(streams):
            line.say("open", port=FIRST_PORT + 2 * number, address=LAN_ADDRESS, peers=[PBX_ADDRESS])
        line.counts()
        busy, own, kernel, began_s = core_busy_s(), process_s(worker.pid), softirq_s(), time.monotonic()
        sent = finish(start_calls(pair, traffic, calls, length_s))
        took_s = time.monotonic() - began_s
        in_kernel = (softirq_s() - kernel) / took_s
        core, mine = (core_busy_s() - busy) / took_s, (process_s(worker.pid) - own) / took_s
        time.sleep(_DRAIN_S)
        counts = line.counts()
        memory_mb = peak_mb(worker.pid)
        line.say("stop")
        worker.wait(timeout=30)
        return Run(
            sent=sent.sent,
            lost=sent.sent - counts["kept"],
            dropped=counts["lost_in_kernel"],
            core=core,
            own=mine,
            kernel=in_kernel,
            seconds=took_s,
            memory_mb=memory_mb,
        )
    finally:
        worker.kill()
        worker.wait()
        shutil.rmtree(folder)


def start_calls(pair: NetworkPair, traffic: Traffic, calls: int, length_s: float) -> subprocess.Popen[str]:
    """Begin to send the media of calls, each stream to the next even port from FIRST_PORT on."""
    return traffic.start(
        before=pair.pbx_command("taskset", "-c", str(SENDER_CPU)),
        interface=PBX,
        target_mac=LAN_MAC.hex(":"),
        target=LAN_ADDRESS,
        source=PBX_ADDRESS,
        port=FIRST_PORT,
        step=2,
        streams=2 * calls,
        rate=2 * calls * _PACKETS_PER_S,
        seconds=length_s,
    )


@contextmanager
def core_awake() -> Iterator[None]:
    """Let the receiver's core never sleep, at nobody's cost."""
    command = [*_AT_LAST, "taskset", "-c", str(RECEIVER_CPU), sys.executable, "-c", "for _ in range(10**11): pass"]
    with subprocess.Popen(command) as spinning:
        try:
            yield
        finally:
            spinning.kill()


def core_busy_s() -> float:
    """For how long the receiver's core was busy since the machine began, but with what gives way to all else."""
    times = _core_times()
    _, niced, _, idle, waiting, *_ = times
    return sum(times) - niced - idle - waiting


def softirq_s() -> float:
    """For how long the kernel took packets in on the receiver's core since the machine began."""
    return _core_times()[6]


def _core_times() -> list[float]:
    """Seconds by kind. Source: proc(5), /proc/stat."""
    for row in Path("/proc/stat").read_text().splitlines():
        name, *ticks = row.split()
        if name == f"cpu{RECEIVER_CPU}":
            return [int(tick) / os.sysconf("SC_CLK_TCK") for tick in ticks[:8]]
    raise AssertionError("there is no such core")


def process_s(pid: int) -> float:
    """The processor time of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_mb(pid: int) -> float:
    """The most memory that a process had, with the part of its ring that it touched."""
    rows = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(row.split()[1]) / 1000 for row in rows if row.startswith("VmHWM"))


if __name__ == "__main__":
    sys.exit(main())
