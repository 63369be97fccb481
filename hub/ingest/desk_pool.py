"""The desk's processes, seen from the worker: as many as there is work for, ended and replaced as files demand it."""

import json
import os
import select
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from hub.errors import HubError
from hub.ingest.finding import Finding, Wanted
from hub.ingest.mending import Mended, Order

_SILENCE_MAX_S = 60.0
_START_MAX_S = 60.0
_IDLE_MAX_S = 120.0
_ASK_EVERY_S = 0.5
_FILES_MAX = 2000  # then a fresh one, in case a codec leaks
_READ_BYTES = 1 << 16


class DeskCrashed(HubError):
    """The desk's process died or hung over this one file; the text says how."""


class DeskFailed(HubError):
    """The desk could not work, whatever the file: its disk is full or away, or the machine has no memory left."""


class DeskPool:
    """Up to `size` desks; `examine` may be called from any number of threads."""

    def __init__(self, size: int, *, silence_max_s: float = _SILENCE_MAX_S, idle_max_s: float = _IDLE_MAX_S) -> None:
        self._free = threading.Semaphore(size)
        self._lock = threading.Lock()
        self._idle: list[_Desk] = []
        self._busy: list[_Desk] = []
        self._silence_max_s = silence_max_s
        self._idle_max_s = idle_max_s

    def examine(self, path: Path, stem: Path, wanted: Wanted, goes_on: Callable[[], bool] = lambda: True) -> Finding:
        """Look at `path`, write what is made of it to `stem` with an extension each.

        goes_on: asked now and then; False ends the work.
        Raises: DeskCrashed, DeskFailed (also if it was ended).
        """
        request = {"path": str(path), "stem": str(stem), "wanted": asdict(wanted)}
        return Finding.from_json(self._ask(request, "finding", goes_on))

    def mend(self, order: Order, goes_on: Callable[[], bool] = lambda: True) -> Mended:
        """Fill what a recording lacks from another device's recording of the same call.

        goes_on: asked now and then; False ends the work.
        Raises: DeskCrashed, DeskFailed (also if it was ended).
        """
        return Mended.from_json(self._ask({"mend": asdict(order)}, "mended", goes_on))

    def warm_up(self) -> None:
        """Start one desk before there is work, so that the first recording need not wait for it."""
        self._give_back(self._take())

    def rest(self) -> None:
        """End desks that had nothing to do for a while."""
        limit_s = time.monotonic() - self._idle_max_s
        with self._lock:
            tired = [desk for desk in self._idle[1:] if desk.idle_since_s < limit_s]
            self._idle = [desk for desk in self._idle if desk not in tired]
        for desk in tired:
            desk.end()

    def kill(self) -> None:
        """End the desks that are at work; who waits for them gets DeskCrashed."""
        with self._lock:
            for desk in self._busy:
                desk.kill()

    def close(self) -> None:
        """End all idle desks."""
        with self._lock:
            desks, self._idle = self._idle, []
        for desk in desks:
            desk.end()

    def _ask(self, request: dict[str, Any], answer: str, goes_on: Callable[[], bool]) -> dict[str, Any]:
        with self._free:
            desk = self._take()
            try:
                reply = desk.ask(request, answer, _Patience(self._silence_max_s, goes_on))
            except BaseException:
                self._forget(desk)
                desk.end()
                raise
            self._give_back(desk)
            return reply

    def _take(self) -> "_Desk":
        with self._lock:
            desk = self._idle.pop(0) if self._idle else _Desk()
            self._busy.append(desk)
            return desk

    def _forget(self, desk: "_Desk") -> None:
        with self._lock:
            self._busy.remove(desk)

    def _give_back(self, desk: "_Desk") -> None:
        self._forget(desk)
        if desk.files >= _FILES_MAX:
            desk.end()
            return
        desk.idle_since_s = time.monotonic()
        with self._lock:
            self._idle.insert(0, desk)


@dataclass(frozen=True, slots=True)
class _Patience:
    """How long a desk may be silent, and whether its work is still wanted."""

    silence_max_s: float
    goes_on: Callable[[], bool]


class _Desk:
    """One process and the pipes to it."""

    def __init__(self) -> None:
        # One thread in each library: the desks themselves are what runs in parallel.
        environment = os.environ | {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1"}
        self._process = subprocess.Popen(
            [sys.executable, "-P", "-m", "hub.ingest.desk_process"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment,
            bufsize=0,
        )
        assert self._process.stdout is not None
        self._replies = self._process.stdout.fileno()
        self._waiting = select.poll()
        self._waiting.register(self._replies, select.POLLIN)
        self._received = b""
        self.files = 0
        self.idle_since_s = time.monotonic()

    def ask(self, request: dict[str, Any], answer: str, patience: "_Patience") -> dict[str, Any]:
        self.files += 1
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(request).encode() + b"\n")
        except BrokenPipeError:
            raise DeskFailed(f"the desk's process ended by itself: {self._describe_end()}") from None
        if self.files == 1:
            patience = replace(patience, silence_max_s=patience.silence_max_s + _START_MAX_S)
        while True:
            reply = self._receive(patience)
            if answer in reply:
                found: dict[str, Any] = reply[answer]
                return found
            if "error" in reply:
                raise DeskFailed(reply["error"])

    def kill(self) -> None:
        """End the process, whatever it does."""
        with suppress(ProcessLookupError):
            self._process.kill()

    def end(self) -> None:
        """End the process and the pipes to it."""
        self.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                pipe.close()

    def _receive(self, patience: "_Patience") -> dict[str, Any]:
        deadline_s = time.monotonic() + patience.silence_max_s
        while b"\n" not in self._received:
            if not patience.goes_on():
                raise DeskFailed("the work was ended")
            left_s = deadline_s - time.monotonic()
            if left_s <= 0:
                raise DeskCrashed(f"it kept the desk busy without progress for {patience.silence_max_s:.0f} s")
            if not self._waiting.poll(min(left_s, _ASK_EVERY_S) * 1000):
                continue
            chunk = os.read(self._replies, _READ_BYTES)
            if not chunk:
                raise DeskCrashed(f"it ended the desk's process: {self._describe_end()}")
            self._received += chunk
        line, _, self._received = self._received.partition(b"\n")
        reply: dict[str, Any] = json.loads(line)
        return reply

    def _describe_end(self) -> str:
        code = self._process.wait()
        return f"signal {-code}" if code < 0 else f"exit code {code}"
