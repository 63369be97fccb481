"""Which process has a port of this machine.

Source: proc(5), /proc/net and /proc/PID/fd.
"""

import os
import socket
from pathlib import Path

_LISTENS = "0A"
_HOST = "hub.runtime.source_host"
_TABLES = {socket.SOCK_DGRAM: ("udp", "udp6"), socket.SOCK_STREAM: ("tcp", "tcp6")}


def find_holders(kind: socket.SocketKind, port: int) -> list[int]:
    """The ids of the processes that listen on a port, as far as we may see them."""
    wanted = {f"socket:[{inode}]" for table in _TABLES[kind] for inode in _sockets(table, port)}
    processes = (int(each.name) for each in Path("/proc").iterdir() if each.name.isdecimal())
    return [process for process in processes if wanted and _has_any(process, wanted)]


def is_sibling(process: int) -> bool:
    """Whether a process was started by us or by one that we descend from, so that it belongs to the same program."""
    family = {os.getpid(), *_ancestors(os.getpid())} - {1}
    return next(iter(_ancestors(process)), 0) in family


def describe_holder(kind: socket.SocketKind, port: int) -> str:
    """Who listens on a port, in words: a device of this hub by its name, else a process as far as we may see it."""
    holders = find_holders(kind, port)
    if not holders:
        return "another program"
    device = next(filter(None, map(name_device, holders)), "")
    return f"the device {device!r} of this hub" if device else f"process {holders[0]}"


def name_device(process: int) -> str:
    """The name of the device that a process of this hub is, "" if it is none."""
    if not is_sibling(process):
        return ""
    try:
        words = Path(f"/proc/{process}/cmdline").read_bytes().decode("utf-8", "replace").split("\0")
    except OSError:
        return ""
    return words[words.index(_HOST) + 3] if _HOST in words and len(words) > words.index(_HOST) + 3 else ""


def _sockets(table: str, port: int) -> list[str]:
    found = []
    try:
        rows = Path(f"/proc/net/{table}").read_text().splitlines()[1:]
    except OSError:
        return []
    for row in rows:
        fields = row.split()
        local, state = fields[1], fields[3]
        if int(local.rpartition(":")[2], 16) == port and (table.startswith("udp") or state == _LISTENS):
            found.append(fields[9])
    return found


def _has_any(process: int, sockets: set[str]) -> bool:
    try:
        return any(str(each.readlink()) in sockets for each in Path(f"/proc/{process}/fd").iterdir())
    except OSError:
        return False


def _ancestors(process: int) -> list[int]:
    found: list[int] = []
    while process > 1:
        try:
            process = int(Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[1])
        except OSError:
            break
        found.append(process)
    return found
