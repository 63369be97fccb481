"""The desk in a process of its own: it opens files that come from strangers, so it may crash or hang.

One JSON object a line comes in for each piece of work; lines {"alive": true} go out while it goes on, then
{"finding": ...} of a file, or {"mended": ...} of a recording that is filled from another one.
"""

import gc
import json
import os
import resource
import sys
import threading
import time
from pathlib import Path
from typing import Any, BinaryIO

from hub.ingest.desk import examine
from hub.ingest.finding import Wanted
from hub.ingest.mending import Order, mend

_MEMORY_MAX_BYTES = 2 << 30
_CPU_MAX_S = 4 * 3600
_NICE = 5  # behind web pages and running calls
_ALIVE_EVERY_S = 1.0
_PARENT_EVERY_S = 1.0


def main() -> None:
    """Answer requests until the input ends."""
    replies = _take_output()
    _limit()
    gc.freeze()  # what was imported lives as long as the process
    threading.Thread(target=_end_with_parent, args=(os.getppid(),), name="parent", daemon=True).start()
    for line in sys.stdin.buffer:
        request = json.loads(line)
        try:
            reply = _work(request, replies)
        except (OSError, MemoryError) as exc:
            reply = {"error": str(exc) or type(exc).__name__}
        _send(replies, reply)


def _work(request: dict[str, Any], replies: BinaryIO) -> dict[str, Any]:
    last_s = time.monotonic()

    def tell() -> None:
        nonlocal last_s
        if time.monotonic() - last_s >= _ALIVE_EVERY_S:
            last_s = time.monotonic()
            _send(replies, {"alive": True})

    if "mend" in request:
        return {"mended": mend(Order(**request["mend"]), tell).to_json()}
    wanted = Wanted(**request["wanted"])
    return {"finding": examine(Path(request["path"]), Path(request["stem"]), wanted, tell).to_json()}


def _send(replies: BinaryIO, reply: dict[str, Any]) -> None:
    replies.write(json.dumps(reply).encode() + b"\n")
    replies.flush()


def _take_output() -> BinaryIO:
    """Keep the pipe to the parent for replies; whatever a library prints goes to the log."""
    replies = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    return replies


def _limit() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (_MEMORY_MAX_BYTES, _MEMORY_MAX_BYTES))
    resource.setrlimit(resource.RLIMIT_CPU, (_CPU_MAX_S, _CPU_MAX_S))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(_NICE)


def _end_with_parent(parent_pid: int) -> None:
    while os.getppid() == parent_pid:
        time.sleep(_PARENT_EVERY_S)
    os._exit(0)


if __name__ == "__main__":
    main()
