"""What other programs need to keep the same calls, measured as the capture worker is: all on one core.

Beside the worker of this project, in the same run: rtpengine, which relays each packet and writes it into a capture file
for each call (Debian package rtpengine-daemon), and a sniffer that does nothing but that writing, the floor for all.
"""

import argparse
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from tempfile import TemporaryDirectory

import bencode
from bench_engine import (
    AT_ONCE,
    FIRST_PORT,
    RECEIVER_CPU,
    core_awake,
    core_busy_s,
    run_load,
    softirq_s,
    start_calls,
    steer_to_core,
)
from figure import Figure, emit
from traffic import Traffic, compile_program, finish

from plugins.pbx_sip.capture.ports import NftTable
from tests.doubles.network import LAN, LAN_ADDRESS, PBX, PBX_ADDRESS, NetworkPair, network_pair

_CALLS, _LENGTH_S = (500, 1000), 15
_FRAME_BYTES, _RECORD_BYTES, _HEADER_BYTES = 214, 16, 24
_PEER_PORT, _CONTROL = 10_000, ("127.0.0.1", 2223)
_START_S, _ANSWER_S, _DRAIN_S, _END_S = 10.0, 5.0, 2.0, 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What became of a load. Shares of the core: busy: all that it took; kernel: taking packets in."""

    sent: int
    stored: int
    busy: float
    kernel: float
    seconds: float


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true")
    asked = parser.parse_args()
    loads, length_s = ((50,), 3) if asked.quick else (_CALLS, _LENGTH_S)
    with network_pair() as pair, Traffic() as traffic, core_awake():
        steer_to_core(pair)
        for calls in loads:
            ours = run_worker(pair, traffic, calls, length_s)
            emit_kept("the capture worker", calls, ours, ours)
            emit_kept(
                "a sniffer, nothing but a file for each call", calls, run_sniffer(pair, traffic, calls, length_s), ours
            )
            if shutil.which("rtpengine"):
                emit_kept(
                    "rtpengine that relays and records", calls, run_rtpengine(pair, traffic, calls, length_s), ours
                )
    return 0


def emit_kept(name: str, calls: int, kept: Kept, ours: Kept) -> None:
    """The cost of a packet that was stored, beside that of the capture worker."""
    packet_us, ours_us = (each.busy * each.seconds / each.stored * 1e6 for each in (kept, ours))
    emit(
        Figure(
            figure=f"{calls} calls, {name}",
            value=packet_us,
            unit="us of the core a packet",
            beside=f"{calls / kept.busy * kept.stored / kept.sent:.0f} calls a core; "
            f"core {kept.busy:.0%}, of it the kernel's taking in of packets {kept.kernel:.0%}; "
            f"{kept.sent} packets sent, {kept.sent - kept.stored} not stored; load average {os.getloadavg()[0]:.1f}",
            ratio=packet_us / ours_us,
        )
    )


def run_worker(pair: NetworkPair, traffic: Traffic, calls: int, length_s: float) -> Kept:
    """The worker of this project, with its journal and what it brings to the disk."""
    run = run_load(pair, traffic, calls, length_s)
    return Kept(sent=run.sent, stored=run.sent - run.lost, busy=run.core, kernel=run.kernel, seconds=run.seconds)


def run_sniffer(pair: NetworkPair, traffic: Traffic, calls: int, length_s: float) -> Kept:
    """The sniffer of `pcap_floor.c`, its ports held as the worker holds them."""
    with TemporaryDirectory(prefix="bench-peers-") as made, pair.at_lan():
        program = compile_program(Path(__file__).with_name("pcap_floor.c"), Path(made) / "sniffer")
        held = NftTable(range(FIRST_PORT, FIRST_PORT + 4 * calls), LAN, [ip_address(LAN_ADDRESS)], "bench")
        command = [str(program), "--interface", LAN, "--folder", made, "--calls", str(calls), "--port", str(FIRST_PORT)]
        with subprocess.Popen(
            [*AT_ONCE, "taskset", "-c", str(RECEIVER_CPU), *command], stdout=subprocess.PIPE, text=True
        ) as sniffer:
            assert sniffer.stdout is not None
            assert sniffer.stdout.readline(), "the sniffer does not start"

            def count() -> int:
                sniffer.terminate()
                return int(json.loads(sniffer.communicate(timeout=_END_S)[0])["stored"])

            kept = load(pair, traffic, calls, length_s, count)
        held.release()
        return kept


def run_rtpengine(pair: NetworkPair, traffic: Traffic, calls: int, length_s: float) -> Kept:
    """rtpengine in user space, with the method of recording that needs no module of the kernel."""
    with TemporaryDirectory(prefix="bench-peers-") as made, rtpengine(pair, Path(made), calls):
        with pair.at_pbx():
            peers = NftTable(range(_PEER_PORT, FIRST_PORT), PBX, [ip_address(PBX_ADDRESS)], "peers")
        with pair.at_lan(), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
            line.settimeout(_ANSWER_S)
            ports = sorted(port for number in range(calls) for port in begin_call(line, number))
            assert ports == list(range(FIRST_PORT, FIRST_PORT + 4 * calls, 2)), "rtpengine chose other ports"

            def count() -> int:
                for number in range(calls):
                    ask(line, {"command": "delete", "call-id": f"c{number}", "from-tag": f"a{number}"})
                time.sleep(_DRAIN_S)
                files = Path(made).rglob("*.pcap")
                return sum((path.stat().st_size - _HEADER_BYTES) // (_RECORD_BYTES + _FRAME_BYTES) for path in files)

            kept = load(pair, traffic, calls, length_s, count)
        with pair.at_pbx():
            peers.release()
        return kept


def load(pair: NetworkPair, traffic: Traffic, calls: int, length_s: float, count: Callable[[], int]) -> Kept:
    """Send the calls to the program on the core. count: how many packets it has stored, once all were sent."""
    busy, kernel, began_s = core_busy_s(), softirq_s(), time.monotonic()
    sent = finish(start_calls(pair, traffic, calls, length_s))
    took_s = time.monotonic() - began_s
    share, in_kernel = (core_busy_s() - busy) / took_s, (softirq_s() - kernel) / took_s
    time.sleep(_DRAIN_S)
    return Kept(sent=sent.sent, stored=count(), busy=share, kernel=in_kernel, seconds=took_s)


@contextmanager
def rtpengine(pair: NetworkPair, folder: Path, calls: int) -> Iterator[None]:
    """The program, as many ports to it as the calls need."""
    options = {
        "table": "-1",
        "interface": LAN_ADDRESS,
        "listen-ng": ":".join(map(str, _CONTROL)),
        "num-threads": "1",
        "port-min": str(FIRST_PORT),
        "port-max": str(FIRST_PORT + 4 * calls - 1),
        "config-file": "none",
        "delete-delay": "0",
        "recording-dir": str(folder),
        "recording-method": "pcap",
        "recording-format": "eth",
        "pidfile": str(folder / "pid"),
        "log-level": "3",
    }
    words = [f"--{name}={value}" for name, value in options.items()]
    command = [*AT_ONCE, "taskset", "-c", str(RECEIVER_CPU), "rtpengine", "--foreground", "--log-stderr", *words]
    nothing = subprocess.DEVNULL
    engine = subprocess.Popen(pair.lan_command(*command), stdout=nothing, stderr=nothing, cwd=folder)
    try:
        with pair.at_lan():
            wait_for_pong()
        yield
    finally:
        engine.terminate()
        engine.wait(timeout=_END_S)


def wait_for_pong() -> None:
    """Return once rtpengine answers."""
    until_s = time.monotonic() + _START_S
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as line:
        line.settimeout(0.2)
        while time.monotonic() < until_s:
            try:
                ask(line, {"command": "ping"})
            except OSError:
                time.sleep(0.05)
            else:
                return
    raise AssertionError("rtpengine does not start")


def begin_call(line: socket.socket, number: int) -> list[int]:
    """Have a call recorded. Returns: where its two streams are to be sent."""
    named = {"call-id": f"c{number}", "from-tag": f"a{number}", "ICE": "remove", "record call": "on"}
    offer = ask(line, {**named, "command": "offer", "sdp": describe(2 * number)})
    answer = ask(line, {**named, "command": "answer", "to-tag": f"b{number}", "sdp": describe(2 * number + 1)})
    return [read_port(offer), read_port(answer)]


def ask(line: socket.socket, facts: dict[str, bencode.Value]) -> dict[str, bencode.Value]:
    """An answer of rtpengine's control protocol "ng"."""
    cookie = f"{time.monotonic_ns()} ".encode()
    line.sendto(cookie + bencode.encode(facts), _CONTROL)
    answer = bencode.decode(line.recv(65536).removeprefix(cookie))
    assert isinstance(answer, dict)
    assert answer["result"] in {b"ok", b"pong"}, answer
    return answer


def describe(stream: int) -> str:
    """What one side of a call says of its media."""
    return (
        f"v=0\r\no=- 1 1 IN IP4 {PBX_ADDRESS}\r\ns=-\r\nc=IN IP4 {PBX_ADDRESS}\r\nt=0 0\r\n"
        f"m=audio {_PEER_PORT + 2 * stream} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\na=sendrecv\r\n"
    )


def read_port(answer: dict[str, bencode.Value]) -> int:
    """The port that a description names."""
    sdp = answer["sdp"]
    assert isinstance(sdp, bytes)
    return int(sdp.partition(b"m=audio ")[2].split()[0])


if __name__ == "__main__":
    sys.exit(main())
