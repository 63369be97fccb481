"""The control's end of one capture worker: takes over one that runs, starts one where none does."""

import asyncio
import itertools
import os
import socket
import time
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

from hub.sdk import Log
from plugins.pbx_sip.engine.frames import BadFrame, Frame, FrameReader, encode
from plugins.pbx_sip.engine.line import connect_to
from plugins.pbx_sip.engine.manning import HINT_MARK, ORDER_NAME, is_manned, start
from plugins.pbx_sip.engine.order import Order

STARTING = "It is starting."
_START_S = 15.0
_AGAIN_S, _AGAIN_S_MAX = 2.0, 20.0
_KNOCK_S = 0.05
_LOOKS = 2
_ASK_S = 30.0
_READ_BYTES = 1 << 18
_WRITE_BYTES_MAX = 64 << 20
_LOG_BYTES = 2000
_ANSWERS = frozenset({"found", "flows", "lasts"})


class WorkerAway(Exception):
    """The worker cannot answer now; it will be back."""


class Foreman:
    """Keeps one worker at work; `hear` gets each frame that is no answer.

    What the worker must know for as long as calls last (open ports, covered endpoints) is told again to every new one.
    trouble, hint: why nothing is captured just now, and what to do about that where the worker knew it; "" if all is
    well.
    """

    def __init__(self, folder: Path, order: Order, hear: Callable[[Frame], None], log: Log) -> None:
        """folder: of the worker's files, its own."""
        self.trouble, self.hint = STARTING, ""
        self.restarts = -1
        self._path = folder / ORDER_NAME
        self._order = order
        self._hear = hear
        self._log = log
        self._numbers = itertools.count(time.time_ns())  # an answer to who asked before is none to us
        self._asked: dict[int, asyncio.Future[Frame]] = {}
        self._open: dict[int, Frame] = {}
        self._covered: dict[str, int] = {}
        self._listening: tuple[str, ...] = ()
        self._writer: asyncio.StreamWriter | None = None
        self._is_dismissed = self._is_replacing = False
        self._rest_s = _AGAIN_S
        self.ready = asyncio.Event()

    @property
    def is_retired(self) -> bool:
        """Whether its worker captures nothing any more, and only gives out what it has."""
        return self._order.is_retired

    @property
    def is_gone(self) -> bool:
        """Whether its worker had nothing left and was sent away."""
        return self._is_dismissed and self.is_retired

    @property
    def journal(self) -> str:
        """The folder in which its worker keeps media."""
        return self._order.journal

    async def run(self) -> None:
        """Keep the worker at work until cancelled, and leave it at work then; return once it was told to end."""
        self._order = self._order.reaching(self._open)
        while not self._is_dismissed:
            was_ready = False
            try:
                await self._work()
            except (OSError, BadFrame, TimeoutError) as error:
                was_ready = self.ready.is_set() or self._is_replacing
                broke = isinstance(error, ConnectionError) and error.errno is not None
                told = "The capture worker ended." if broke else str(error) or "The capture worker does not answer."
                self.trouble, _, self.hint = told.partition(HINT_MARK)
                if self.is_gone:
                    self.trouble = ""
                elif self._is_replacing:
                    self._log.info("worker.replaced")
                else:
                    self._log.warning("worker.lost", reason=self.trouble)
            finally:
                self._let_go()
            if was_ready:
                await asyncio.sleep(_KNOCK_S)
            else:
                await self._rest()

    def open(self, port: int, address: str, peers: Sequence[str]) -> None:
        """Media may come to a port from hosts; address: of ours, as they know it."""
        self._open[port] = Frame("open", {"port": port, "address": address, "peers": list(peers)})
        self._say(self._open[port])

    def shut(self, port: int) -> None:
        """Nothing more is wanted there."""
        if self._open.pop(port, None) is not None:
            self._say(Frame("shut", {"port": port}))

    def cover(self, places: Iterable[str], at_ns: int) -> None:
        """Keep nothing that goes to or comes from endpoints, from a moment on."""
        fresh = [place for place in places if place not in self._covered]
        self._covered |= dict.fromkeys(fresh, at_ns)
        if fresh:
            self._say(Frame("cover", {"places": fresh, "at_ns": at_ns}))

    def uncover(self, places: Iterable[str], at_ns: int) -> None:
        """Keep it again."""
        covered = [place for place in places if self._covered.pop(place, None) is not None]
        if covered:
            self._say(Frame("uncover", {"places": covered, "at_ns": at_ns}))

    def listen(self, places: Iterable[str]) -> None:
        """Pass on what goes to or comes from these endpoints, and no others."""
        self._listening = tuple(places)
        self._say(Frame("listen", {"places": list(self._listening)}))

    def acknowledge(self, number: int) -> None:
        """All messages up to this one are safe here."""
        self._say(Frame("heard", {"number": number}))

    def forget(self, ways: Sequence[str], before_ns: Sequence[int]) -> None:
        """The media of flows before a moment each is not needed any more; ways: source and target in turn."""
        self._say(Frame("forget", {"places": list(ways), "before_ns": list(before_ns)}))

    def release(self, places: Sequence[str], before_ns: Sequence[int]) -> None:
        """The media to and from endpoints before a moment each is not needed any more."""
        self._say(Frame("release", {"places": list(places), "before_ns": list(before_ns)}))

    def deafen(self) -> None:
        """Have the worker take in nothing more; it still tells of what it has, for as long as we are there."""
        self._say(Frame("deafen"))

    def stop(self) -> None:
        """Have the worker end, for good."""
        self._is_dismissed = True
        self._say(Frame("stop"))

    async def ask(self, says: str, **facts: Any) -> Frame:
        """The worker's answer. Raises: WorkerAway."""
        number = next(self._numbers)
        answer: asyncio.Future[Frame] = asyncio.get_running_loop().create_future()
        self._asked[number] = answer
        try:
            self._say(Frame(says, {**facts, "number": number}))
            if self._writer is None:
                raise WorkerAway(self.trouble)
            async with asyncio.timeout(_ASK_S):
                return await answer
        except TimeoutError:
            raise WorkerAway("The capture worker does not answer.") from None
        finally:
            self._asked.pop(number, None)

    async def _work(self) -> None:
        """Speak with the worker until the line breaks."""
        reader, self._writer = await self._find()
        self._is_replacing = False
        self._say(Frame("hello"))
        frames = FrameReader()
        while data := await reader.read(_READ_BYTES):
            for frame in frames.feed(data):
                self._take(frame)
        last_words = "" if self.ready.is_set() else _last_line(self._path.with_suffix(".log"))
        raise ConnectionError(last_words or "The capture worker ended.")

    def _take(self, frame: Frame) -> None:
        if frame.says == "order":
            if frame.facts["text"] != self._order.text:
                self._replace()
                return
            self._brief()
        elif frame.says in _ANSWERS:
            answer = self._asked.pop(frame.facts["number"], None)
            if answer is not None and not answer.done():
                answer.set_result(frame)
        else:
            self._hear(frame)

    def _replace(self) -> None:
        """Have the spare worker follow one that works by settings of before; it finds the new ones in the file."""
        self._order.write(self._path)
        self._is_replacing = True
        self.restarts = max(self.restarts, 0)
        self._say(Frame("stop", {"is_followed": True}))

    def _brief(self) -> None:
        """Tell a worker all that it must know."""
        for opening in self._open.values():
            self._say(opening)
        self._say(Frame("only", {"ports": list(self._open)}))
        for place, at_ns in self._covered.items():
            self._say(Frame("cover", {"places": [place], "at_ns": at_ns}))
        self._say(Frame("listen", {"places": list(self._listening)}))
        self.trouble = self.hint = ""
        self._rest_s = _AGAIN_S
        self.ready.set()

    async def _rest(self) -> None:
        """Wait before the next try, longer each time, but not once the machine has other interfaces."""
        until_s = time.monotonic() + self._rest_s
        self._rest_s = min(2 * self._rest_s, _AGAIN_S_MAX)
        interfaces = socket.if_nameindex()
        while not self._is_dismissed and (left_s := until_s - time.monotonic()) > 0:
            await asyncio.sleep(min(left_s, _AGAIN_S))
            if socket.if_nameindex() != interfaces:
                return

    async def _find(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """The line to a worker that runs, or to one that is started now. Raises: OSError."""
        until_s = time.monotonic() + _START_S
        pid = looks = 0
        while time.monotonic() < until_s:
            with suppress(OSError):
                return await self._connect()
            # Between the death of a worker and the work of its spare one there may be a moment with nobody.
            looks = 0 if is_manned(self._path) else looks + 1
            if pid and _has_ended(pid):
                if looks:
                    raise ConnectionError(
                        _last_line(self._path.with_suffix(".log")) or "The capture worker ended at once."
                    )
                pid = 0  # another one was quicker
            if looks >= _LOOKS and not pid:
                self.restarts += 1
                self._order.write(self._path)
                pid = start(self._path)
            await asyncio.sleep(_KNOCK_S)
        raise ConnectionError("The capture worker does not start.")

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        line = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            connect_to(line, self._path.with_suffix(".sock"))
            line.setblocking(False)
            return await asyncio.open_connection(sock=line)
        except BaseException:
            line.close()
            raise

    def _say(self, frame: Frame) -> None:
        if self._writer is None:
            return
        if self._writer.transport.get_write_buffer_size() > _WRITE_BYTES_MAX:
            self._let_go()  # it hangs; the line that breaks has it told anew
            return
        self._writer.write(encode(frame))

    def _let_go(self) -> None:
        self.ready.clear()
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(WorkerAway("The capture worker was lost."))
        self._asked.clear()


def _has_ended(pid: int) -> bool:
    return bool(os.waitpid(pid, os.WNOHANG)[0])


def _last_line(log: Path) -> str:
    """What a worker that ended said last; "" where it said nothing."""
    if not log.exists():
        return ""
    lines = log.read_bytes()[-_LOG_BYTES:].decode("utf-8", "replace").strip().splitlines()
    return lines[-1] if lines else ""
