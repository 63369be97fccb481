"""A capture worker, `python -P -m plugins.pbx_sip.engine.worker ORDER [LINE]`: keeps media, and knows nothing of calls.

It outlives the control: when that dies, capture goes on, and the next control finds the worker by its socket. A worker
that nobody wants any more ends by itself. With a LINE it is a spare one, which waits for the death of the other.
"""

import signal
import socket
import sys
from pathlib import Path

from plugins.pbx_sip.engine.manning import HINT_MARK, ask_for_speed, take_place

_LOOKED_S = 0.1


def main(arguments: list[str]) -> None:
    """Work, unless another one does.

    arguments: path of the order, and of a spare one the socket over which it hears of the worker that it follows.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    path, lines = Path(arguments[0]), [socket.socket(fileno=int(each)) for each in arguments[1:]]
    if not lines and not take_place(path, _LOOKED_S):
        return
    if not lines:
        ask_for_speed()
    # The place is taken before what takes time, so that nobody starts another one meanwhile.
    from hub.sdk import PluginError  # noqa: PLC0415
    from plugins.pbx_sip.engine.shift import work  # noqa: PLC0415

    try:
        work(path, lines[0] if lines else None)
    except PluginError as error:
        sys.exit(f"{error}{HINT_MARK}{error.hint}")  # the lamp shows it


if __name__ == "__main__":
    main(sys.argv[1:])
