"""What a child process prints, as bounded log lines."""

import asyncio
from collections import deque
from typing import Protocol

LINE_LIMIT = 2000
_BURST = 200
_LINES_PER_S = 20.0
_TAIL = 20


class Output(Protocol):
    """Takes the printed lines."""

    def __call__(self, stream: str, text: str) -> None:
        """One line of `stream`, "stdout" or "stderr"."""


class Bucket:
    """How much is allowed: `burst` at once, and `per_s` more every second."""

    def __init__(self, burst: float, per_s: float) -> None:
        self._burst, self._per_s = burst, per_s
        self._left, self._then_s = burst, 0.0

    def take(self, now_s: float) -> bool:
        """Whether one more is allowed now."""
        self._left = min(self._left + (now_s - self._then_s) * self._per_s, self._burst)
        self._then_s = now_s
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Drain:
    """Reads a child's pipe for as long as it is open, so that the child never blocks on it, and passes on some of it.

    tail: the last lines, for saying why the process ended.
    """

    def __init__(self, stream: str, take: Output) -> None:
        self.tail: deque[str] = deque(maxlen=_TAIL)
        self._stream = stream
        self._take = take
        self._allowed = Bucket(_BURST, _LINES_PER_S)
        self._dropped = 0

    async def read(self, pipe: asyncio.StreamReader) -> None:
        """Read until the pipe closes."""
        partial = b""
        while part := await pipe.read(65536):
            *lines, partial = (partial + part).split(b"\n")
            partial = partial[: LINE_LIMIT * 4]  # the rest of an endless line is dropped as it comes
            for line in lines:
                self._line(line)
        if partial:
            self._line(partial)
        self._tell_dropped()

    def _line(self, line: bytes) -> None:
        text = line[: LINE_LIMIT * 4].decode("utf-8", "replace").rstrip()[:LINE_LIMIT]
        self.tail.append(text)
        if not self._allowed.take(asyncio.get_running_loop().time()):
            self._dropped += 1
            return
        self._tell_dropped()
        self._take(self._stream, text)

    def _tell_dropped(self) -> None:
        if self._dropped:
            self._take(self._stream, f"[{self._dropped} lines were dropped here]")
            self._dropped = 0
