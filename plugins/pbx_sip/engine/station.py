"""The loop of a capture worker: packets in, media into the journal, signalling to the control."""

import threading
import time
from collections import deque
from collections.abc import Collection, Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from plugins.pbx_sip.engine.brief import Brief
from plugins.pbx_sip.engine.frames import Frame
from plugins.pbx_sip.engine.intake import Intake, make_intake
from plugins.pbx_sip.engine.line import ControlLine
from plugins.pbx_sip.engine.masks import Masks, pick
from plugins.pbx_sip.engine.order import Order
from plugins.pbx_sip.engine.places import read_places, write_places
from plugins.pbx_sip.journal.journal import Journal
from plugins.pbx_sip.journal.unit import Unit
from plugins.pbx_sip.packets.datagrams import Datagrams, Endpoints
from plugins.pbx_sip.sip.message import write_message

FLUSH_S = 0.8
RECLAIM_S = 2.0
TELL_S = 1.0
_OPEN_S, _TRIES = 0.1, 20
_PENDING_BYTES_MAX = 768 << 20
_UNHEARD_MAX = 20_000
_KEY_PRESS_BYTES = 16  # an RTP header and a telephone event: RFC 4733 section 2.3
_NO_NOTES = bytes(32)


@dataclass(slots=True)
class Counts:
    """What became of packets since the worker began. trouble: why the disk takes none now, "" if it does."""

    received: int = 0
    kept: int = 0
    lost_in_kernel: int = 0
    lost_for_want_of_disk: int = 0
    trouble: str = ""


class Station:
    """One worker's work; `turn` it again and again."""

    def __init__(self, order: Order, line: ControlLine, brief: Path) -> None:
        """brief: a file that tells a successor what this one was told."""
        self.is_done = False
        self.has_spare = False
        self._line = line
        self._order = order
        self._endpoints = Endpoints()
        self._journal = Journal(Path(order.journal), self._endpoints, _NO_NOTES)
        self._intake: Intake = make_intake(order, self._endpoints)
        self._intake.ask_first = self._hear_control
        self._masks = Masks()
        self._heard_live: frozenset[int] = frozenset()
        self._pending: list[Datagrams] = []
        self._unheard: deque[Frame] = deque()
        self._number = time.time_ns()  # those of a worker that follows this one are higher
        self._counts = Counts()
        self._open_at = self._flush_at = self._tell_at = self._reclaim_at = 0.0
        self._syncing: threading.Thread | None = None
        self._brief = Brief(brief)
        self._unopened: dict[int, int] = {}
        for port, (address, peers) in self._brief.openings.items():
            self._open(port, address, peers)
        for place, at_ns in self._brief.covered.items():
            self._masks.cover(read_places(self._endpoints, [place]), at_ns)

    def turn(self, wait_s: float) -> None:
        """Take what came, at most so long; do what the control asks."""
        now_s = time.monotonic()
        for received in self._intake.read(wait_s):
            self._counts.received += received.packets
            self._pending += received.media
            for overheard in received.messages:
                self._tell_message(overheard.at_ns, write_message(overheard.message))
            if self._heard_live:
                self._pass_on(received.media)
            self._tell_keys(received.media)
        self._hear_control()
        if self._unopened and now_s >= self._open_at:
            self._open_at = now_s + _OPEN_S
            self._open_again()
        if now_s >= self._flush_at:
            self._flush_at = now_s + FLUSH_S
            self._flush()
        if now_s >= self._tell_at:
            self._tell_at = now_s + TELL_S
            self._tell_counts()
        if now_s >= self._reclaim_at:
            self._reclaim_at = now_s + RECLAIM_S
            self._masks.forget(time.time_ns())
            with suppress(OSError):  # no room to carry anything on: it is tried again
                self._journal.reclaim()

    def _hear_control(self) -> None:
        for frame in self._line.hear():
            self._obey(frame)

    def close(self) -> None:
        """Keep what is pending, and let go of everything."""
        self._flush()
        self._intake.close()
        if self._syncing is not None:
            self._syncing.join()
        self._journal.close()

    def _flush(self) -> None:
        pending, self._pending = self._pending, []
        kept = [part for part in map(self._masks.leave, pending) if len(part)]
        if not kept:
            with suppress(OSError):
                self._brief.write()
            return
        try:
            self._journal.append(kept)
        except OSError as error:
            self._counts.trouble = error.strerror or str(error)
            self._pending = self._bound(kept + self._pending)
            return
        self._counts.trouble = ""
        with suppress(OSError):
            self._brief.write()
        self._counts.kept += sum(map(len, kept))
        if self._syncing is None or not self._syncing.is_alive():
            self._syncing = threading.Thread(target=self._sync, name="sync", daemon=True)
            self._syncing.start()

    def _sync(self) -> None:
        try:
            self._journal.sync()
        except OSError as error:
            self._counts.trouble = error.strerror or str(error)

    def _bound(self, parts: list[Datagrams]) -> list[Datagrams]:
        """What may wait for a disk; the oldest goes first."""
        size = sum(part.buffer.nbytes for part in parts)
        while parts and size > _PENDING_BYTES_MAX:
            gone = parts.pop(0)
            size -= gone.buffer.nbytes
            self._counts.lost_for_want_of_disk += len(gone)
        return parts

    def _tell_message(self, at_ns: int, content: bytes) -> None:
        """Messages are told again to the next control until one has acknowledged them."""
        self._number += 1
        frame = Frame("message", {"number": self._number, "at_ns": at_ns}, content)
        if len(self._unheard) >= _UNHEARD_MAX:
            self._unheard.popleft()
        self._unheard.append(frame)
        self._line.say(frame)

    def _tell_counts(self) -> None:
        self._counts.lost_in_kernel += self._intake.count_lost()
        counts = self._counts
        self._line.say(
            Frame(
                "counts",
                {
                    "received": counts.received,
                    "kept": counts.kept,
                    "strange": self._intake.strange,
                    "strangers": self._intake.take_strangers(),
                    "lost_in_kernel": counts.lost_in_kernel,
                    "lost_for_want_of_disk": counts.lost_for_want_of_disk,
                    "trouble": counts.trouble or self._intake.trouble,
                    "journal_bytes": self._journal.used_bytes,
                    "spares": int(self.has_spare),
                    "way": self._intake.way,
                },
            )
        )

    def _pass_on(self, media: Iterable[Datagrams]) -> None:
        wanted = np.array(sorted(self._heard_live), np.uint64)
        for part in map(self._masks.leave, media):
            rows = np.isin(part.source, wanted) | np.isin(part.target, wanted)
            if rows.any():
                self._say_datagrams("sound", pick(part, rows))

    def _tell_keys(self, media: Iterable[Datagrams]) -> None:
        """Pressed keys may steer a recording; they are told from speech by their size."""
        for part in media:
            rows = part.length == _KEY_PRESS_BYTES
            if rows.any():
                self._say_datagrams("keys", pick(part, rows))

    def _say_datagrams(self, says: str, part: Datagrams) -> None:
        facts: dict[str, Any] = {
            "time_ns": part.time_ns.tolist(),
            "length": part.length.tolist(),
            "source": write_places(self._endpoints, part.source.tolist()),
            "target": write_places(self._endpoints, part.target.tolist()),
        }
        body = b"".join(part.payload(row) for row in range(len(part)))
        self._line.say(Frame(says, facts, body))

    def _obey(self, frame: Frame) -> None:
        facts = frame.facts
        keys = read_places(self._endpoints, facts.get("places", ()))
        match frame.says:
            case "hello" | "heard":
                self._greet(frame)
            case "open" | "shut" | "only":
                self._let_in(frame)
            case "cover" | "uncover":
                self._cover(frame, keys)
            case "listen":
                self._heard_live = frozenset(keys)
            case "find":
                self._find(facts["number"], keys, facts["from_ns"], facts["until_ns"])
            case "flows":
                self._tell_flows(facts["number"], facts["silent_before_ns"])
            case "forget" | "release":
                self._forget(frame, keys)
            case "stop":
                self.is_done = True

    def _forget(self, frame: Frame, keys: Sequence[int]) -> None:
        """Of "forget" the keys are flows, source and target in turn; of "release" endpoints."""
        before_ns = frame.facts["before_ns"]
        if frame.says == "forget":
            for source, target, each_ns in zip(keys[0::2], keys[1::2], before_ns, strict=True):
                self._journal.forget_flow(source, target, each_ns)
            return
        for key, each_ns in zip(keys, before_ns, strict=True):
            for source, target in {(unit.source, unit.target) for unit in self._find_around([key], 0, each_ns)}:
                self._journal.forget_flow(source, target, each_ns)

    def _cover(self, frame: Frame, keys: Sequence[int]) -> None:
        places, at_ns = frame.facts["places"], frame.facts["at_ns"]
        if frame.says == "cover":
            self._masks.cover(keys, at_ns)
            self._brief.cover(places, at_ns)
        else:
            self._masks.uncover(keys, at_ns)
            self._brief.uncover(places)

    def _greet(self, frame: Frame) -> None:
        """Tell a new control what it has not heard, and forget what it has."""
        if frame.says == "hello":
            self._line.say(Frame("order", {"text": self._order.text}))
            for waiting in self._unheard:
                self._line.say(waiting)
        while self._unheard and self._unheard[0].facts["number"] <= frame.facts.get("number", 0):
            self._unheard.popleft()

    def _let_in(self, frame: Frame) -> None:
        facts = frame.facts
        match frame.says:
            case "open":
                self._brief.open(facts["port"], facts["address"], facts["peers"])
                self._open(facts["port"], facts["address"], facts["peers"])
            case "shut":
                self._brief.shut(facts["port"])
                self._intake.shut(facts["port"])
            case "only":
                self._brief.keep_only(facts["ports"])
                self._intake.keep_only(facts["ports"])

    def _open(self, port: int, address: str, peers: Sequence[str]) -> None:
        """Open a port; one that somebody still has is tried again, as the worker before may be dying."""
        try:
            self._intake.open(port, address, peers)
        except OSError as error:
            tries = self._unopened.get(port, 0) + 1
            self._unopened[port] = tries
            if tries == _TRIES:
                self._line.say(Frame("taken", {"port": port, "reason": error.strerror or str(error)}))
        else:
            self._unopened.pop(port, None)

    def _open_again(self) -> None:
        for port in list(self._unopened):
            opening = self._brief.openings.get(port)
            if opening is None:
                del self._unopened[port]
            else:
                self._open(port, *opening)

    def _find(self, number: int, keys: list[int], from_ns: int, until_ns: int) -> None:
        """Where the media lies that went to or from endpoints, and what went to those who sent there."""
        if self._counts.trouble:
            self._line.say(Frame("found", {"number": number, "waits": True}))
            return
        units = self._find_around(keys, from_ns, until_ns)
        table = np.array([unit.place for unit in units], np.int64).reshape(-1, 3)
        self._line.say(Frame("found", {"number": number, "waits": False}, table.tobytes()))

    def _find_around(self, keys: Collection[int], from_ns: int, until_ns: int) -> list[Unit]:
        """Units to and from endpoints, and to those who sent there: who says one port may listen at another."""
        wanted = set(keys)
        units = self._journal.find(wanted, from_ns, until_ns)
        others = {unit.source for unit in units if unit.target in wanted} - wanted
        known = {unit.place for unit in units}
        return units + [unit for unit in self._journal.find(others, from_ns, until_ns) if unit.place not in known]

    def _tell_flows(self, number: int, silent_before_ns: int) -> None:
        flows = [flow for flow in self._journal.flows() if flow.last_ns < silent_before_ns]
        facts = {
            "number": number,
            "ways": write_places(self._endpoints, [end for flow in flows for end in (flow.source, flow.target)]),
            "first_ns": [flow.first_ns for flow in flows],
            "last_ns": [flow.last_ns for flow in flows],
            "packets": [flow.packets for flow in flows],
        }
        self._line.say(Frame("flows", facts))
