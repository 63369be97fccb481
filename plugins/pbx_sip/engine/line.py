"""The worker's end of its line to the control: one control at a time, which may die and be followed by another."""

import os
import socket
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from plugins.pbx_sip.engine.frames import BadFrame, Frame, FrameReader, encode

_READ_BYTES = 1 << 18
_WAITING_BYTES_MAX = 64 << 20


class ControlLine:
    """Never waits for the control: what it does not read is kept up to a limit, then the line is cut."""

    def __init__(self, path: Path) -> None:
        """Listen at a path of a Unix socket. Raises: OSError."""
        path.unlink(missing_ok=True)
        self._path = path
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        bind_at(self._listener, path)
        self._listener.listen(4)
        self._listener.setblocking(False)
        self._control: socket.socket | None = None
        self._reader = FrameReader()
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self.alone_since = time.monotonic()

    @property
    def is_alone(self) -> bool:
        """Whether no control listens."""
        return self._control is None

    def filenos(self) -> tuple[int, ...]:
        """For poll and its like: what can be read when a control comes or says something."""
        return tuple(each.fileno() for each in (self._listener, self._control) if each is not None)

    def hear(self) -> Iterator[Frame]:
        """What the control said."""
        self._accept()
        if self._control is None:
            return
        while self._control is not None:
            try:
                data = self._control.recv(_READ_BYTES)
            except BlockingIOError:
                break
            except OSError:
                data = b""
            if not data:
                self._hang_up()
                return
            try:
                yield from self._reader.feed(data)
            except BadFrame:
                self._hang_up()
                return
        self._write()

    def say(self, frame: Frame) -> None:
        """Tell the control, if there is one."""
        if self._control is None:
            return
        data = encode(frame)
        self._waiting.append(data)
        self._waiting_bytes += len(data)
        self._write()
        if self._waiting_bytes > _WAITING_BYTES_MAX:
            self._hang_up()

    def close(self) -> None:
        """Give the last that was said a moment to go out, and close."""
        if self._control is not None:
            self._control.settimeout(1.0)
            with suppress(OSError):
                self._control.sendall(b"".join(self._waiting))
            self._control.close()
        self._listener.close()
        self._path.unlink(missing_ok=True)

    def _accept(self) -> None:
        try:
            control, _ = self._listener.accept()
        except BlockingIOError:
            return
        self._hang_up()
        control.setblocking(False)
        self._control = control

    def _write(self) -> None:
        while self._waiting and self._control is not None:
            try:
                sent = self._control.send(self._waiting[0])
            except BlockingIOError:
                return
            except OSError:
                self._hang_up()
                return
            self._waiting_bytes -= sent
            if sent == len(self._waiting[0]):
                self._waiting.popleft()
            else:
                self._waiting[0] = self._waiting[0][sent:]

    def _hang_up(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        self._reader = FrameReader()
        self._waiting.clear()
        self._waiting_bytes = 0
        self.alone_since = time.monotonic()


def bind_at(listener: socket.socket, path: Path) -> None:
    """Bind a Unix socket whose path may be longer than the kernel takes. Raises: OSError."""
    with _short(path.parent) as folder:
        listener.bind(f"{folder}/{path.name}")


def connect_to(line: socket.socket, path: Path) -> None:
    """Connect to a Unix socket whose path may be longer than the kernel takes. Raises: OSError."""
    with _short(path.parent) as folder:
        line.connect(f"{folder}/{path.name}")


@contextmanager
def _short(folder: Path) -> Iterator[str]:
    """A short name of a folder while it is used. Source: unix(7), at most 108 bytes; proc(5), /proc/self/fd."""
    descriptor = os.open(folder, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}"
    finally:
        os.close(descriptor)
