"""Who a worker is, so that its jobs are free at once when its process is known to have died.

Source: proc(5), /proc/[pid]/stat fields 3 and 22; random(4), boot_id; namespaces(7).
"""

import os
import secrets
import socket
from pathlib import Path

_HOST_LENGTH = 100
_STATE, _START_TIME = 0, 19  # counted after the command's closing parenthesis
_DEAD = ("Z", "X", "x")


def worker_name() -> str:
    """A name that no other worker has, here or elsewhere, now or later."""
    host = socket.gethostname()[:_HOST_LENGTH].replace(":", "-")
    pid = os.getpid()
    return ":".join((host, _birthplace(), str(pid), _started(pid), secrets.token_hex(4)))


def is_gone(name: str) -> bool:
    """Whether the process of the worker is known to have ended; never true of one that cannot be seen from here."""
    parts = name.split(":")
    if len(parts) != 5 or parts[1] != _birthplace() or not parts[2].isdecimal():
        return False
    return _started(int(parts[2])) not in (parts[3], "?")


def _exists(pid: int) -> bool:
    """Whether there is such a process, also where /proc hides those of other users."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _birthplace() -> str:
    """The running kernel and the process namespace: within them a process is known by its number and start."""
    boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
    return f"{boot}.{Path('/proc/self/ns/pid').stat().st_ino}"


def _started(pid: int) -> str:
    """When the process started, in ticks since the kernel did; "" if it has ended, "?" if that is hidden."""
    try:
        line = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return "?" if _exists(pid) else ""
    fields = line.rpartition(")")[2].split()
    return "" if fields[_STATE] in _DEAD else fields[_START_TIME]
