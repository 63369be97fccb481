"""A capture worker: `python -P -m plugins.pbx_sip.engine.worker ORDER`; it keeps media, and knows nothing of calls.

It outlives the control: when that dies, capture goes on, and the next control finds the worker by its socket. A worker
that nobody wants any more ends by itself.
"""

import gc
import logging
import os
import signal
import sys
import time
from pathlib import Path

from plugins.pbx_sip.engine.line import ControlLine
from plugins.pbx_sip.engine.order import Order
from plugins.pbx_sip.engine.tap import Tap

ALONE_S = 60.0
WAIT_S = 0.02


def main(arguments: list[str]) -> int:
    """Work until told to stop, or until no control came for a while. arguments: path of the order."""
    path = Path(arguments[0])
    logging.basicConfig(stream=sys.stderr, format="%(message)s")
    order = Order.read(path)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    line = ControlLine(path.with_suffix(".sock"))
    tap = Tap(order, line)
    stopping = []
    signal.signal(signal.SIGTERM, lambda *_: stopping.append(True))
    _ask_for_speed()
    gc.freeze()
    try:
        while not stopping and not tap.is_done and not _is_forgotten(line):
            tap.turn(WAIT_S)
    finally:
        tap.close()
        line.close()
    return 0


def _is_forgotten(line: ControlLine) -> bool:
    return line.is_alone and time.monotonic() - line.alone_since > ALONE_S


def _ask_for_speed() -> None:
    """Go before others where that is allowed: a packet that is not read in time is lost."""
    try:
        os.setpriority(os.PRIO_PROCESS, 0, -10)
    except OSError:
        logging.getLogger(__name__).info("no right to a higher priority")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
