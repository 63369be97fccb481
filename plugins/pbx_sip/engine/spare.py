"""A worker's successor: a process that has all it needs in memory and waits for the worker to die.

It costs some memory and no time, and makes the death of a worker a matter of a moment, whether anybody else is alive to
see it or not.
"""

import socket
import subprocess
import sys
from contextlib import suppress
from pathlib import Path

_READY, _GOOD_NIGHT = b"r", b"."


class Spare:
    """The worker's end: while it is held, the successor waits; `dismiss` it, let it follow, or die."""

    def __init__(self, order: Path) -> None:
        """Start it. Raises: OSError."""
        self._is_ready = False
        self._line, theirs = socket.socketpair()
        self._line.setblocking(False)
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own interpreter and module
                [sys.executable, "-P", "-m", "plugins.pbx_sip.engine.worker", str(order), str(theirs.fileno())],
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                start_new_session=True,
            )
        finally:
            theirs.close()

    @property
    def is_there(self) -> bool:
        """Whether it still waits."""
        return self._process.poll() is None

    @property
    def is_ready(self) -> bool:
        """Whether it has all it needs."""
        with suppress(OSError):
            self._is_ready = self._is_ready or self._line.recv(1) == _READY
        return self._is_ready and self.is_there

    def let_follow(self) -> None:
        """The worker ends for another one that works by what is in the file of the order now."""
        self._line.close()

    def dismiss(self) -> None:
        """The worker ends in peace: nobody has to follow."""
        with suppress(OSError):
            self._line.sendall(_GOOD_NIGHT)
        self._line.close()
        self._process.wait()


def wait_for_death(line: socket.socket) -> bool:
    """Say that the spare worker is ready, and wait for the end of the one it follows; whether that died."""
    with line, suppress(OSError):
        line.sendall(_READY)
        return line.recv(1) != _GOOD_NIGHT
    return True
