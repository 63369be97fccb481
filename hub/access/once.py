"""Remembers for a while what was noted already, so that one act makes one audit line."""

import threading
from collections import OrderedDict
from collections.abc import Hashable
from time import monotonic

_MOST = 20_000


class Once:
    """Keys that were seen within the last `window_s` seconds, in this process.

    A player asks for one recording in many ranges and a list is asked for again with each new call: both are one act
    as long as they go on without a longer pause. After a restart, or in another web process, it counts as a new act.
    """

    def __init__(self, window_s: float) -> None:
        self._window_s = window_s
        self._seen: OrderedDict[Hashable, float] = OrderedDict()
        self._lock = threading.Lock()

    def holds(self, key: Hashable) -> bool:
        """Whether `key` was noted within the window; if so, the window starts anew."""
        with self._lock:
            seen_at = self._seen.get(key)
            if seen_at is None or monotonic() - seen_at > self._window_s:
                return False
            self._seen[key] = monotonic()
            self._seen.move_to_end(key)
            return True

    def note(self, key: Hashable) -> None:
        """Remember `key` from now on; the oldest is forgotten when there are too many."""
        with self._lock:
            self._seen[key] = monotonic()
            self._seen.move_to_end(key)
            if len(self._seen) > _MOST:
                self._seen.popitem(last=False)
