"""Calls into a connector with a limit on their number and a deadline on each.

A connector may hang in a system call that nothing interrupts, such as one to a file server that went away. The thread
that waits there is then given up; while as many as the limit are stuck, further calls fail at once and wait for nobody.
"""

import queue
import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from typing import Any, Generic, TypeVar

from hub.sdk import RetryLater

T = TypeVar("T")
_IDLE_S = 60.0
_AGAIN_AFTER = timedelta(seconds=5)
_HINT = "See whether the storage and the network to it work."


class Calls:
    """The threads that call one connector; they are made on demand and end when idle."""

    def __init__(self, name: str, limit: int, *, idle_s: float = _IDLE_S) -> None:
        self._name = name
        self._limit = limit
        self._idle_s = idle_s
        self._slots = threading.Semaphore(limit)
        self._todo: queue.SimpleQueue[_Call[Any]] = queue.SimpleQueue()
        self._lock = threading.Lock()
        self._idle = 0
        self._stuck = 0

    def run(self, work: Callable[[], T], deadline_s: float, is_moving: Callable[[], bool] = bool) -> T:
        """The result of `work`, or what it raises.

        deadline_s: how long to wait for it. is_moving: asked after that; True grants as long again.
        Raises: RetryLater if there is no answer in time, or if too many earlier calls have had none.
        """
        if self._stuck >= self._limit or not self._slots.acquire(timeout=deadline_s):
            raise RetryLater(f"{self._name} still owes the answers to earlier calls", after=_AGAIN_AFTER, hint=_HINT)
        call = _Call(work)
        with self._lock:
            if self._idle:
                self._idle -= 1
            else:
                threading.Thread(target=self._serve, name=f"store {self._name}", daemon=True).start()
        self._todo.put(call)
        while not call.done.wait(deadline_s):
            if not is_moving():
                self._give_up(call, deadline_s)
                break
        return call.take()

    def _give_up(self, call: "_Call[Any]", deadline_s: float) -> None:
        with self._lock:
            if call.done.is_set():
                return
            call.is_given_up = True
            self._stuck += 1
        raise RetryLater(f"{self._name} did not answer within {deadline_s:.0f} s", after=_AGAIN_AFTER, hint=_HINT)

    def _serve(self) -> None:
        while True:
            try:
                call = self._todo.get(timeout=self._idle_s)
            except queue.Empty:
                with self._lock:
                    if self._idle:  # otherwise a call has just been counted on this thread
                        self._idle -= 1
                        return
                continue
            call.make()
            with self._lock:
                call.done.set()
                self._idle += 1
                if call.is_given_up:
                    self._stuck -= 1
                    call.discard()
            self._slots.release()


class _Call(Generic[T]):
    """One call: what to do, and what came of it."""

    def __init__(self, work: Callable[[], T]) -> None:
        self.done = threading.Event()
        self.is_given_up = False
        self._work = work
        self._result: T | None = None
        self._error: BaseException | None = None

    def make(self) -> None:
        try:
            self._result = self._work()
        except BaseException as exc:  # noqa: BLE001 - it is raised again where the call came from
            self._error = exc

    def take(self) -> T:
        if self._error is not None:
            raise self._error
        return self._result  # type: ignore[return-value]  # None only where T is None

    def discard(self) -> None:
        """Nobody waits any more: close what a late call opened."""
        close = getattr(self._result, "close", None)
        with suppress(Exception):
            if close is not None:
                close()
