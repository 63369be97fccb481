"""Who else takes files from a folder: other programs that watch it, and Avaya's own Media Manager.

Source: proc_pid_fdinfo(5) (lines `inotify wd:... ino:... sdev:...`, numbers in hexadecimal).
"""

import os
import re
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

MEDIA_MANAGER = re.compile(rb"media[-_ ]?(manager|mgr)", re.IGNORECASE)
INOTIFY = re.compile(r"^inotify wd:\S+ ino:([0-9a-f]+) sdev:([0-9a-f]+)", re.MULTILINE)
HUB_DEVICE = b"hub.runtime.source_host"
SEARCH_S = 2.0


@dataclass(frozen=True, slots=True)
class Rival:
    """A process that may empty the folder, and why it is thought so."""

    pid: int
    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.name} (process {self.pid}) {self.reason}"


def find_rivals(folder: str, own_pids: frozenset[int] = frozenset(), proc: Path = Path("/proc")) -> list[Rival]:
    """Processes other than `own_pids` that watch `folder` or are Media Manager, as far as /proc may be read."""
    try:
        status = Path(folder).stat()
    except OSError:
        return []
    ours = own_pids | {os.getpid()}
    until = time.monotonic() + SEARCH_S
    found = []
    for pid in _processes(proc):
        if time.monotonic() > until:
            break
        if pid in ours:
            continue
        with suppress(OSError):
            command = (proc / str(pid) / "cmdline").read_bytes()[:4096]
            program = command.split(b"\0", 1)[0].rpartition(b"/")[2]
            name = program.decode("utf-8", "replace")
            # Media Manager is a Java program: there its name stands among the arguments.
            if MEDIA_MANAGER.search(command if program.startswith(b"java") else program):
                found.append(Rival(pid, name, "is Media Manager"))
            elif _watches(proc / str(pid), status):
                who = "another device of a Recording Hub" if HUB_DEVICE in command else name
                found.append(Rival(pid, who, "watches the folder"))
    return found


def _processes(proc: Path) -> Iterator[int]:
    for entry in proc.iterdir():
        if entry.name.isdigit():
            yield int(entry.name)


def _watches(process: Path, status: os.stat_result) -> bool:
    """Whether an inotify descriptor of the process watches the folder with this status."""
    for fd in (process / "fd").iterdir():
        with suppress(OSError):
            if str(fd.readlink()) != "anon_inode:inotify":
                continue
            for inode, device in INOTIFY.findall((process / "fdinfo" / fd.name).read_text()):
                # sdev is the kernel's own device number: 20 bits of minor, the major above them.
                number = int(device, 16)
                same_device = os.makedev(number >> 20, number & 0xFFFFF) == status.st_dev
                if int(inode, 16) == status.st_ino and same_device:
                    return True
    return False
