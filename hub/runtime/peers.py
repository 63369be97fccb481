"""Who is at the other end of a Unix socket."""

import os
import socket
import struct
from pathlib import Path


def is_own(connection: socket.socket) -> bool:
    """Whether the other end is a process of the hub's own user, or of root."""
    credentials = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, user, _ = struct.unpack("3i", credentials)
    return user in {os.geteuid(), 0}


def listen(path: Path, backlog: int) -> socket.socket:
    """A listening socket for the hub's user alone; one that a dead process left behind is replaced.

    Raises: OSError.
    """
    fresh = path.with_name(f"{path.name}.new")
    fresh.unlink(missing_ok=True)
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        before = os.umask(0o177)  # made with the right mode, not changed to it
        try:
            listener.bind(str(fresh))
        finally:
            os.umask(before)
        listener.listen(backlog)
        fresh.rename(path)  # whoever finds it can already connect
    except BaseException:
        listener.close()
        raise
    return listener
