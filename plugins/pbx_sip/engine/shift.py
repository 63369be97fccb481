"""A capture worker's time at work: packets in, from the first until nobody wants it any more."""

import gc
import logging
import signal
import socket
import sys
import time
from pathlib import Path

from plugins.pbx_sip.engine.heap import keep_freed_memory
from plugins.pbx_sip.engine.line import ControlLine
from plugins.pbx_sip.engine.manning import ask_for_speed, take_place
from plugins.pbx_sip.engine.order import Order
from plugins.pbx_sip.engine.spare import Spare, wait_for_death
from plugins.pbx_sip.engine.station import Station
from plugins.pbx_sip.journal.errors import JournalInUse

ALONE_S = 60.0
WAIT_S = 0.02
_LOOK_TURNS = 25
_DYING_S = 5.0
_KNOCK_S = 0.01


def work(path: Path, line: socket.socket | None) -> None:
    """Work until told to stop, or until no control came for a while.

    path: of the order. line: of a spare worker, over which it hears of the one that it follows.
    Raises: PluginError; JournalInUse; OSError.
    """
    gc.freeze()
    if line is not None and not (wait_for_death(line) and take_place(path, _DYING_S)):
        return  # nobody has to follow, or the control was quicker
    ask_for_speed()
    keep_freed_memory()
    logging.basicConfig(stream=sys.stderr, format="%(message)s")
    order = Order.read(path)
    control = ControlLine(path.with_suffix(".sock"))
    station = _begin(order, control, path.with_suffix(".brief"))
    spare = Spare(path)
    stopping: list[bool] = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    turns = 0
    try:
        while not stopping and not station.is_done and not _is_forgotten(control):
            station.turn(WAIT_S)
            turns += 1
            if turns % _LOOK_TURNS == 0:
                spare = spare if spare.is_there else Spare(path)
                station.has_spare = spare.is_ready
    finally:
        if not station.is_followed:
            spare.dismiss()
        station.close()
        control.close()
        spare.let_follow()


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
