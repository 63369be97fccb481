"""The loop of a capture worker: packets in, media into the journal, signalling to the control."""

import select
import time
from collections import deque
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from plugins.pbx_sip.engine.brief import Brief
from plugins.pbx_sip.engine.frames import Frame
from plugins.pbx_sip.engine.intake import Intake, make_intake
from plugins.pbx_sip.engine.keeper import Keeper
from plugins.pbx_sip.engine.line import ControlLine
from plugins.pbx_sip.engine.lookups import find_media, forget_flows, release_endpoints, tell_flows
from plugins.pbx_sip.engine.masks import Masks, pick
from plugins.pbx_sip.engine.order import Order
from plugins.pbx_sip.engine.places import read_places, write_places
from plugins.pbx_sip.journal.journal import Journal
from plugins.pbx_sip.packets.datagrams import Datagrams, Endpoints
from plugins.pbx_sip.sip.message import write_message

FLUSH_S = 0.8
TELL_S = 1.0
_OPEN_S, _TRIES = 0.1, 20
_SHUT_S = 0.5  # so long after the end of a call its last packets may be on their way through kernel and ring
_PENDING_BYTES_MAX = 96 << 20  # with headers, that the packing of many calls keeps nobody waiting
_WAITING_BYTES_MAX = 768 << 20  # packed: 45 s of 1,000 calls in G.711, or 7 min of 100
_UNHEARD_MAX = 20_000
_KEY_PRESS_BYTES = 16  # an RTP header and a telephone event: RFC 4733 section 2.3
_NO_NOTES = bytes(32)


class Station:
    """One worker's work; `turn` it again and again.

    is_done: it is to end. is_followed: at once by another one, which works by new settings.
    """

    def __init__(self, order: Order, line: ControlLine, brief: Path) -> None:
        """brief: a file that tells a successor what this one was told."""
        self.is_done = self.is_followed = False
        self.has_spare = False
        self._is_deaf = False
        self._line = line
        self._order = order
        self._endpoints = Endpoints()
        self._keeper = Keeper(Journal(Path(order.journal), self._endpoints, _NO_NOTES), _WAITING_BYTES_MAX)
        self._found: deque[Frame] = deque()
        self._sought: list[tuple[Frame, list[int]]] = []
        self._intake: Intake = make_intake(order, self._endpoints)
        self._intake.ask_first = self._hear_control
        self._masks = Masks()
        self._heard_live: frozenset[int] = frozenset()
        self._pending: list[Datagrams] = []
        self._unheard: deque[Frame] = deque()
        self._number = time.time_ns()  # those of a worker that follows this one are higher
        self._received = self._lost_in_kernel = 0
        self._open_at = self._flush_at = self._tell_at = 0.0
        self._brief = Brief(brief)
        self._is_writing_brief = False
        self._unopened: dict[int, int] = {}
        self._shutting: dict[int, float] = {}
        for port, (address, peers) in self._brief.openings.items():
            self._open(port, address, peers)
        for place, at_ns in self._brief.covered.items():
            self._masks.cover(read_places(self._endpoints, [place]), at_ns)

    def turn(self, wait_s: float) -> None:
        """Take what came, at most so long; do what the control asks."""
        now_s = time.monotonic()
        self._wait(wait_s)
        for received in () if self._is_deaf else self._intake.read():
            self._received += received.packets
            self._pending += received.media
            for overheard in received.messages:
                self._tell_message(overheard.at_ns, write_message(overheard.message))
            if self._heard_live:
                self._pass_on(received.media)
            self._tell_keys(received.media)
        self._hear_control()
        self._seek()
        while self._found:
            self._line.say(self._found.popleft())
        self._shut_due(now_s)
        self.is_done = self.is_done or (self._is_deaf and self._line.is_alone)
        if self._unopened and now_s >= self._open_at:
            self._open_at = now_s + _OPEN_S
            self._open_again()
        if now_s >= self._flush_at or sum(part.buffer.nbytes for part in self._pending) > _PENDING_BYTES_MAX:
            self._flush_at = now_s + FLUSH_S
            self._hand_over()
        if now_s >= self._tell_at:
            self._tell_at = now_s + TELL_S
            self._tell_counts()
            if self._intake.could_be_better():
                self.is_done = self.is_followed = True
            self._masks.forget(time.time_ns())

    def _wait(self, wait_s: float) -> None:
        """Until packets come or the control says something."""
        waiting = select.poll()
        intake = -1 if self._is_deaf else self._intake.fileno()
        for descriptor in (intake, *self._line.filenos()):
            if descriptor >= 0:
                waiting.register(descriptor, select.POLLIN)
        waiting.poll(wait_s * 1000)

    def _hear_control(self) -> None:
        for frame in self._line.hear():
            self._obey(frame)

    def close(self) -> None:
        """Keep what is pending, and let go of everything."""
        self._hand_over()
        if not self._is_deaf:
            self._intake.close()
        self._keeper.close()

    def _hand_over(self) -> None:
        """Give the keeper what came and may be kept."""
        pending, self._pending = self._pending, []
        kept = [part for part in map(self._masks.leave, pending) if len(part)]
        if kept:
            self._keeper.keep(kept)
        if self._brief.has_changed and not self._is_writing_brief:
            self._is_writing_brief = True
            text = self._brief.take_text()
            self._keeper.run(lambda *_: self._write_brief(text))

    def _write_brief(self, text: str) -> None:
        try:
            self._brief.write(text)
        except OSError:
            self._brief.has_changed = True
        finally:
            self._is_writing_brief = False

    def _tell_message(self, at_ns: int, content: bytes) -> None:
        """Messages are told again to the next control until one has acknowledged them."""
        self._number += 1
        frame = Frame("message", {"number": self._number, "at_ns": at_ns}, content)
        if len(self._unheard) >= _UNHEARD_MAX:
            self._unheard.popleft()
        self._unheard.append(frame)
        self._line.say(frame)

    def _tell_counts(self) -> None:
        self._lost_in_kernel += self._intake.count_lost()
        self._line.say(
            Frame(
                "counts",
                {
                    "received": self._received,
                    "kept": self._keeper.kept,
                    "strange": self._intake.strange,
                    "strangers": self._intake.take_strangers(),
                    "lost_in_kernel": self._lost_in_kernel,
                    "lost_for_want_of_disk": self._keeper.lost,
                    "disk_trouble": self._keeper.trouble,
                    "intake_trouble": self._intake.trouble,
                    "unread": self._intake.unread,
                    "unread_suites": self._intake.take_unread_suites(),
                    "shortcoming": self._intake.shortcoming,
                    "waiting_bytes": self._keeper.waiting_bytes,
                    "waiting_bytes_max": self._keeper.waiting_bytes_max,
                    "journal_bytes": self._keeper.used_bytes,
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
            case "find" | "flows" | "lasts" | "forget" | "release":
                self._sought.append((frame, keys))
            case "deafen":
                self._deafen()
            case "stop":
                self.is_done, self.is_followed = True, bool(facts.get("is_followed"))

    def _deafen(self) -> None:
        """Keep what has come by now, and take in nothing more."""
        if not self._is_deaf:
            for received in self._intake.read():
                self._pending += received.media
            self._hand_over()
            self._is_deaf = True
            self._intake.close()

    def _seek(self) -> None:
        """Do what the control asks of the journal; what was read but a moment ago is found too, if it is old enough."""
        sought, self._sought = self._sought, []
        for frame, keys in sought:
            if any(part.time_ns[0] < frame.facts.get("until_ns", 0) for part in self._pending):
                self._hand_over()
            self._look_up(frame, keys)

    def _look_up(self, frame: Frame, keys: list[int]) -> None:
        """Have something found or forgotten in the journal; what is found is told in a later turn."""
        facts = frame.facts

        def find(journal: Journal, is_written: bool) -> None:
            waits = Frame("found", {"number": facts["number"], "waits": True})
            self._found.append(find_media(journal, self._endpoints, keys, facts) if is_written else waits)

        def tell_lasts(journal: Journal, is_written: bool) -> None:
            lasts = {"number": facts["number"], "waits": not is_written, "last_ns": journal.last_ns(keys)}
            self._found.append(Frame("lasts", lasts))

        match frame.says:
            case "find":
                self._keeper.run(find)
            case "lasts":
                self._keeper.run(tell_lasts)
            case "flows":
                self._keeper.run(lambda journal, _: self._found.append(tell_flows(journal, self._endpoints, facts)))
            case "forget":
                self._keeper.run(lambda journal, _: forget_flows(journal, keys, facts["before_ns"]))
            case "release":
                self._keeper.run(lambda journal, _: release_endpoints(journal, keys, facts["before_ns"]))

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
                self._shutting[facts["port"]] = time.monotonic() + _SHUT_S
            case "only":
                self._brief.keep_only(facts["ports"])
                self._intake.keep_only(facts["ports"])

    def _open(self, port: int, address: str, peers: Sequence[str]) -> None:
        """Open a port; one that somebody still has is tried again, as the worker before may be dying."""
        self._shutting.pop(port, None)
        try:
            self._intake.open(port, address, peers)
        except OSError as error:
            tries = self._unopened.get(port, 0) + 1
            self._unopened[port] = tries
            if tries == _TRIES:
                self._line.say(Frame("taken", {"port": port, "reason": error.strerror or str(error)}))
        else:
            self._unopened.pop(port, None)
            self._line.say(Frame("opened", {"port": port}))

    def _shut_due(self, now_s: float) -> None:
        """Shut ports whose last packets were read."""
        for port in [port for port, at_s in self._shutting.items() if at_s <= now_s]:
            del self._shutting[port]
            self._intake.shut(port)

    def _open_again(self) -> None:
        for port in list(self._unopened):
            opening = self._brief.openings.get(port)
            if opening is None:
                del self._unopened[port]
            else:
                self._open(port, *opening)
