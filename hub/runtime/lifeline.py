"""A process that ends with its parent, however the parent ended.

Two ropes: the kernel's parent-death signal, and a pipe whose other end only the parent holds. The second catches what
the first cannot: a parent that died before the child asked for the signal.
"""

import ctypes
import os
import signal
import threading
from collections.abc import Mapping

VARIABLE = "RECORDING_HUB_LIFELINE"
ORPHANED = 75  # exit code of a process whose parent is gone
_PR_SET_PDEATHSIG = 1


def hold(environ: Mapping[str, str] = os.environ) -> None:
    """Tie this process to the supervisor that started it; without one (a command typed by a person) do nothing."""
    parent, colon, descriptor = environ.get(VARIABLE, "").partition(":")
    if colon and parent.isdecimal() and descriptor.isdecimal():
        follow(int(parent))
        threading.Thread(target=_wait_for_end, args=(int(descriptor),), name="lifeline", daemon=True).start()


def follow(parent_pid: int) -> None:
    """Have the kernel kill this process when the thread that started it ends; leave at once if it has ended."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent_pid:
        os._exit(ORPHANED)


def _wait_for_end(descriptor: int) -> None:
    while os.read(descriptor, 64):
        pass
    os._exit(ORPHANED)
