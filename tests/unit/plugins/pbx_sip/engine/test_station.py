"""A worker's loop, with a control on its line and real sockets."""

import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from plugins.pbx_sip.engine.frames import Frame, FrameReader, encode
from plugins.pbx_sip.engine.line import ControlLine, connect_to
from plugins.pbx_sip.engine.order import Order
from plugins.pbx_sip.engine.station import Station

WITHIN_S = 30
HOST = "127.0.0.1"


class Control:
    """The other end of a station's line."""

    def __init__(self, path: Path) -> None:
        self._line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connect_to(self._line, path)
        self._line.setblocking(False)
        self._reader = FrameReader()
        self.heard: list[Frame] = []

    def say(self, says: str, **facts: Any) -> None:
        self._line.sendall(encode(Frame(says, facts)))

    def hear(self, says: str) -> list[Frame]:
        """All that was heard of a kind."""
        with suppress(BlockingIOError):
            self.heard += self._reader.feed(self._line.recv(1 << 20))
        return [frame for frame in self.heard if frame.says == says]

    def close(self) -> None:
        self._line.close()


@contextmanager
def at_work(folder: Path) -> Iterator[tuple[Station, Control]]:
    line = ControlLine(folder / "worker.sock")
    order = Order(journal=str(folder / "journal"), addresses=(HOST,), ports=(1024, 65535))
    station = Station(order, line, folder / "worker.brief")
    with closing(Control(folder / "worker.sock")) as control:
        yield station, control
        station.close()
        line.close()


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[threading.Event]:
    """A disk that takes nothing until it is let."""
    may_write, write = threading.Event(), os.pwritev

    def wait_and_write(*arguments: Any) -> int:
        assert may_write.wait(WITHIN_S), "the disk was never let"
        return write(*arguments)

    monkeypatch.setattr(os, "pwritev", wait_and_write)
    yield may_write
    may_write.set()


def turning(station: Station, condition: Callable[[], Any]) -> Any:
    """The first true value of a condition while the station turns."""

    def turn() -> Any:
        station.turn(0.01)
        return condition()

    until_s = time.monotonic() + WITHIN_S
    while not (value := turn()):
        assert time.monotonic() < until_s, f"not within {WITHIN_S} s"
    return value


def free_port() -> int:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked:
        asked.bind((HOST, 0))
        return int(asked.getsockname()[1])


def test_packets_are_read_and_questions_answered_while_the_disk_takes_nothing(
    tmp_path: Path, disk: threading.Event
) -> None:
    port = free_port()
    place = socket.inet_aton(HOST).hex() + f"{port:04x}"
    with at_work(tmp_path) as (station, control), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind((HOST, 0))
        control.say("open", port=port, address=HOST, peers=[HOST])
        control.say("hello")
        turning(station, lambda: control.hear("order"))

        def send() -> dict[str, Any]:
            sender.sendto(b"\x80" + bytes(171), (HOST, port))
            counts = control.hear("counts")
            return counts[-1].facts if counts else {}

        facts = turning(station, lambda: facts if (facts := send()).get("disk_trouble") else None)
        assert (facts["kept"], facts["lost_in_kernel"], facts["lost_for_want_of_disk"]) == (0, 0, 0)
        assert facts["received"] > 100
        assert facts["waiting_bytes"] > 100 * 172
        disk.set()
        sent = turning(
            station, lambda: (facts := control.hear("counts")[-1].facts)["kept"] == facts["received"] and facts
        )
        assert (sent["disk_trouble"], sent["waiting_bytes"]) == ("", 0)
        control.say("find", number=7, places=[place], from_ns=0, until_ns=1 << 62)
        [found] = turning(station, lambda: control.hear("found"))
        assert (found.facts["waits"], len(found.body) > 0) == (False, True)


def test_what_lies_in_memory_is_not_taken_for_what_lies_in_the_journal(tmp_path: Path, disk: threading.Event) -> None:
    port = free_port()
    place = socket.inet_aton(HOST).hex() + f"{port:04x}"
    with at_work(tmp_path) as (station, control), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        control.say("open", port=port, address=HOST, peers=[HOST])
        control.say("hello")
        turning(station, lambda: control.hear("order"))
        sender.sendto(b"\x80" + bytes(171), (HOST, port))
        turning(station, lambda: (told := control.hear("counts")) and told[-1].facts["waiting_bytes"])
        control.say("find", number=7, places=[place], from_ns=0, until_ns=1 << 62)
        control.say("flows", number=8, silent_before_ns=1 << 62)
        station.turn(0.01)
        assert control.hear("found") == []
        disk.set()
        [found] = turning(station, lambda: control.hear("found"))
        assert (found.facts["waits"], len(found.body) > 0) == (False, True)
        [flows] = turning(station, lambda: control.hear("flows"))
        assert flows.facts["packets"] == [1]


def test_media_that_fills_memory_is_written_before_its_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugins.pbx_sip.engine.station.FLUSH_S", 1e6)
    monkeypatch.setattr("plugins.pbx_sip.engine.station._PENDING_BYTES_MAX", 1000)
    port = free_port()
    with at_work(tmp_path) as (station, control), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        control.say("open", port=port, address=HOST, peers=[HOST])
        control.say("hello")
        turning(station, lambda: control.hear("order"))
        for _ in range(20):
            sender.sendto(b"\x80" + bytes(171), (HOST, port))
        turning(station, lambda: [told for told in control.hear("counts") if told.facts["kept"] > 5])


def test_the_last_packets_of_a_call_are_kept_when_its_end_is_heard_first(tmp_path: Path) -> None:
    port = free_port()
    with at_work(tmp_path) as (station, control), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        control.say("open", port=port, address=HOST, peers=[HOST])
        control.say("hello")
        turning(station, lambda: control.hear("order"))
        for _ in range(3):
            sender.sendto(b"\x80" + bytes(171), (HOST, port))
        control.say("shut", port=port)
        counts = turning(station, lambda: [told for told in control.hear("counts") if told.facts["kept"]])
        assert (counts[-1].facts["kept"], counts[-1].facts["strange"]) == (3, 0)
        turning(station, lambda: is_free(port))


def test_what_is_forgotten_of_one_port_takes_nothing_from_another_that_is_sent_to_from_the_same_place(
    tmp_path: Path,
) -> None:
    one, other = free_port(), free_port()
    places = {port: socket.inet_aton(HOST).hex() + f"{port:04x}" for port in (one, other)}
    with at_work(tmp_path) as (station, control), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for port in (one, other):
            control.say("open", port=port, address=HOST, peers=[HOST])
        control.say("hello")
        turning(station, lambda: control.hear("order"))
        for port in (one, other):
            sender.sendto(b"\x80" + bytes(171), (HOST, port))
        turning(station, lambda: (told := control.hear("counts")) and told[-1].facts["kept"] == 2)
        control.say("find", number=1, places=[places[one]], from_ns=0, until_ns=1 << 62)
        control.say("release", places=[places[one]], before_ns=[1 << 62])
        control.say("flows", number=2, silent_before_ns=1 << 62)
        [flows] = turning(station, lambda: control.hear("flows"))
        [found] = control.hear("found")
        assert (len(found.body), flows.facts["ways"][1::2]) == (3 * 8, [places[other]])


def test_what_was_read_a_moment_ago_is_found_too(tmp_path: Path) -> None:
    port = free_port()
    place = socket.inet_aton(HOST).hex() + f"{port:04x}"
    with at_work(tmp_path) as (station, control), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        control.say("open", port=port, address=HOST, peers=[HOST])
        control.say("hello")
        turning(station, lambda: (told := control.hear("counts")) and told[-1].facts["received"] == 0)
        for number in range(3):
            sender.sendto(b"\x80" + bytes(171), (HOST, port))
            control.say("find", number=number, places=[place], from_ns=0, until_ns=1 << 62)
            found = turning(station, lambda number=number: control.hear("found")[number:])
            assert len(found[0].body) == 3 * 8 * (number + 1)


def is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asked, suppress(OSError):
        asked.bind((HOST, port))
        return True
    return False
