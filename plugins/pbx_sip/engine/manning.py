"""Whether a capture worker is at its place, and the start of one where none is.

A worker holds the lock beside its order for as long as it lives, from before it has all it needs in memory.
"""

import fcntl
import os
import sys
import threading
import time
from contextlib import suppress
from pathlib import Path

_LOOK_S = 0.01
_NICE, _NICE_OF_WRITING = -10, -5
ORDER_NAME = "worker.json"
HINT_MARK = "\t"
"""Between what a worker says last of why it ends and what to do about that."""


def take_place(order: Path, wait_s: float) -> bool:
    """Whether the work is ours now, for as long as this process lives.

    wait_s: so long one that is dying may have it, or somebody who looks whether it is taken.
    """
    descriptor = _open_lock(order)
    until_s = time.monotonic() + wait_s
    while not _lock(descriptor):
        if time.monotonic() >= until_s:
            os.close(descriptor)
            return False
        time.sleep(_LOOK_S)
    return True


def is_manned(order: Path) -> bool:
    """Whether a worker lives, or is coming. Raises: OSError."""
    descriptor = _open_lock(order)
    try:
        return not _lock(descriptor)
    finally:
        os.close(descriptor)


def start(order: Path) -> int:
    """Start a worker in a session of its own: what ends the control must not end the capture. Returns: its pid."""
    command = [sys.executable, "-P", "-m", "plugins.pbx_sip.engine.worker", str(order)]
    files = [
        (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
        (os.POSIX_SPAWN_OPEN, 1, os.devnull, os.O_WRONLY, 0),
        (os.POSIX_SPAWN_OPEN, 2, str(order.with_suffix(".log")), os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600),
    ]
    return os.posix_spawn(sys.executable, command, os.environ, file_actions=files, setsid=True)


def ask_for_speed() -> None:
    """Go before others where that is allowed: a packet that is not read in time is lost.

    Where the kernel shares time among sessions first, it is the session that has to; a worker has one of its own.
    Source: sched(7), the autogroup feature.
    """
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, _NICE)
        Path("/proc/self/autogroup").write_text(str(_NICE))


def give_way_to_reading() -> None:
    """Let this thread come after the one that reads packets, but in its turn: what may wait in memory is bounded.

    Source: setpriority(2): of a thread under Linux; it means nothing to one that goes in real time.
    """
    thread = threading.get_native_id()
    with suppress(OSError):
        if os.getpriority(os.PRIO_PROCESS, thread) < _NICE_OF_WRITING:
            os.setpriority(os.PRIO_PROCESS, thread, _NICE_OF_WRITING)


def start_missing(folder: Path) -> None:
    """Start the workers of a device that were killed with its control, by what they were told last. Raises: OSError."""
    for order in folder.glob(f"worker-*/{ORDER_NAME}"):
        has_died = order.with_suffix(".sock").exists()  # one that ends takes it away
        if has_died and not is_manned(order):
            start(order)


def _open_lock(order: Path) -> int:
    return os.open(order.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)


def _lock(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
