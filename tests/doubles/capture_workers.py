"""Ends the capture workers that a device left at work, as it should when only the device was stopped."""

import socket
from contextlib import suppress
from pathlib import Path

from plugins.pbx_sip.engine.frames import Frame, encode
from plugins.pbx_sip.engine.line import connect_to


def end_workers(folder: Path) -> None:
    """Those whose files lie below a folder; waits until they are gone."""
    for path in folder.rglob("worker.sock"):
        with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            connect_to(line, path)
            line.settimeout(30)
            line.sendall(encode(Frame("stop")))
            while line.recv(65536):
                pass
