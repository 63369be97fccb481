"""Which process runs a device, so that a test of its settings does not take it for somebody else."""

import os
from contextlib import suppress
from pathlib import Path

from hub.sdk import State

KEY = "running"


def note_running(state: State) -> None:
    """This process runs the device from now on."""
    state.put(KEY, [os.getpid(), _begun(os.getpid())])


def running_pids(state: State) -> frozenset[int]:
    """The process that runs the device, if it does."""
    value = state.get(KEY)
    if isinstance(value, list) and len(value) == 2 and value[1] and _begun(int(value[0])) == value[1]:
        return frozenset({int(value[0])})
    return frozenset()


def _begun(pid: int) -> str:
    """When a process began, in ticks since the machine did (proc_pid_stat(5), field 22); "" if there is none."""
    with suppress(OSError, IndexError):
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[19]
    return ""
