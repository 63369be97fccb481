"""A capture worker, `python -P -m plugins.pbx_sip.engine.worker ORDER [LINE]`: keeps media, and knows nothing of calls.

It outlives the control: when that dies, capture goes on, and the next control finds the worker by its socket. A worker
that nobody wants any more ends by itself. With a LINE it is a spare one, which waits for the death of the other.
"""

import fcntl
import gc
import logging
import os
import signal
import socket
import sys
import time
from contextlib import suppress
from pathlib import Path

from plugins.pbx_sip.engine.line import ControlLine
from plugins.pbx_sip.engine.order import Order
from plugins.pbx_sip.engine.spare import Spare, wait_for_death
from plugins.pbx_sip.engine.station import Station
from plugins.pbx_sip.journal.errors import JournalInUse

ALONE_S = 60.0
WAIT_S = 0.02
_LOOK_TURNS = 25
_DYING_S = 5.0
_KNOCK_S = 0.01


def main(arguments: list[str]) -> int:
    """Work until told to stop, or until no control came for a while.

    arguments: path of the order, and of a spare one the socket over which it hears of the worker that it follows.
    """
    path = Path(arguments[0])
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    gc.freeze()
    is_spare = len(arguments) > 1
    if is_spare and not wait_for_death(socket.socket(fileno=int(arguments[1]))):
        return 0
    logging.basicConfig(stream=sys.stderr, format="%(message)s")
    if not _is_alone(path.with_suffix(".lock"), _DYING_S if is_spare else 0.0):
        return 0  # the control was quicker than this spare one, or this spare one than the control
    order = Order.read(path)
    line = ControlLine(path.with_suffix(".sock"))
    station = _begin(order, line, path.with_suffix(".brief"))
    spare = Spare(path)
    _ask_for_speed()
    stopping: list[bool] = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    turns = 0
    try:
        while not stopping and not station.is_done and not _is_forgotten(line):
            station.turn(WAIT_S)
            turns += 1
            if turns % _LOOK_TURNS == 0:
                spare = spare if spare.is_there else Spare(path)
                station.has_spare = spare.is_ready
    finally:
        spare.dismiss()
        station.close()
        line.close()
    return 0


def _is_alone(lock: Path, wait_s: float) -> bool:
    """Whether no other worker does this work; the lock is held as long as the process lives.

    wait_s: so long one that is dying may hold it.
    """
    descriptor = os.open(lock, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    until_s = time.monotonic() + wait_s
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= until_s:
                return False
            time.sleep(_KNOCK_S)
        else:
            return True


def _begin(order: Order, line: ControlLine, brief: Path) -> Station:
    """The station; the journal of one that is dying is free a moment later. Raises: JournalInUse."""
    until_s = time.monotonic() + _DYING_S
    while True:
        try:
            return Station(order, line, brief)
        except JournalInUse:
            if time.monotonic() >= until_s:
                raise
            time.sleep(_KNOCK_S)


def _is_forgotten(line: ControlLine) -> bool:
    return line.is_alone and time.monotonic() - line.alone_since > ALONE_S


def _ask_for_speed() -> None:
    """Go before others where that is allowed: a packet that is not read in time is lost."""
    with suppress(OSError):
        os.setpriority(os.PRIO_PROCESS, 0, -10)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
