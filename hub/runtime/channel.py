"""A plug-in process's line to the supervisor: JSON lines over the socket it was started with."""

import os
import queue
import socket
import sys
import threading
import traceback
from collections.abc import Callable
from concurrent.futures import Future
from itertools import count
from typing import Any

from hub.runtime import lifeline
from hub.runtime.wire import WireError, decode, encode

_LOGS_WAITING = 1000
_HERE = ("asyncio", "concurrent", "threading.py", "selectors.py", "runners.py")
Handler = Callable[[dict[str, Any]], None]


class Channel:
    """Says and hears; `say` works from any thread and never waits for the supervisor.

    When the supervisor's end closes, this process ends at once: it must not outlive the one that watches it.
    """

    def __init__(self, line: socket.socket) -> None:
        self._line = line
        self._reader = line.makefile("rb")
        self._outbox: queue.SimpleQueue[bytes | threading.Event] = queue.SimpleQueue()
        self._asked: dict[int, Future[dict[str, Any]]] = {}
        self._numbers = count(1)
        threading.Thread(target=self._write, name="channel-out", daemon=True).start()

    def hear_one(self) -> dict[str, Any]:
        """Wait for the next message; only before `listen`.

        Raises: WireError.
        """
        return decode(self._reader.readline())

    def listen(self, handle: Handler) -> None:
        """From now on, give each message that is no answer to `handle`, in a thread of its own."""
        threading.Thread(target=self._read, args=(handle,), name="channel-in", daemon=True).start()

    def say(self, says: str, **values: Any) -> None:
        """Send a message. Log lines are dropped while too many wait; all else is kept."""
        if says == "log" and self._outbox.qsize() > _LOGS_WAITING:
            return
        self._outbox.put(encode({"says": says, **values}))

    def ask(self, says: str, **values: Any) -> Future[dict[str, Any]]:
        """Send a question; the future gets the supervisor's answer."""
        number = next(self._numbers)
        answer: Future[dict[str, Any]] = Future()
        self._asked[number] = answer
        self.say(says, number=number, **values)
        return answer

    def flush(self, timeout_s: float = 2.0) -> None:
        """Wait until all that was said is on its way."""
        sent = threading.Event()
        self._outbox.put(sent)
        sent.wait(timeout_s)

    def _write(self) -> None:
        while True:
            item = self._outbox.get()
            if isinstance(item, threading.Event):
                item.set()
                continue
            try:
                self._line.sendall(item)
            except OSError:
                os._exit(lifeline.ORPHANED)

    def _read(self, handle: Handler) -> None:
        for line in self._reader:
            try:
                message = decode(line)
            except WireError:
                break
            if message["says"] == "answer":
                self._answer(message)
            elif message["says"] == "where":
                self.say("at", place=_main_thread_place())
            else:
                handle(message)
        os._exit(lifeline.ORPHANED)

    def _answer(self, message: dict[str, Any]) -> None:
        asked = self._asked.pop(message.get("number", 0), None)
        if asked is not None and asked.set_running_or_notify_cancel():
            asked.set_result(message)


def _main_thread_place() -> str:
    """Where the main thread is now, as "plugin.py line 42 in run"; for a plug-in that blocks its loop."""
    frame = sys._current_frames().get(threading.main_thread().ident or 0)  # noqa: SLF001 - there is no public way
    stack = traceback.extract_stack(frame) if frame else []
    own = [entry for entry in stack if not any(part in entry.filename for part in _HERE)]
    return f"{os.path.basename(own[-1].filename)} line {own[-1].lineno} in {own[-1].name}" if own else ""  # noqa: PTH119
