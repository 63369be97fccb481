"""A gate that closes while something everybody needs is away, and lets one at a time try whether it is back."""

import threading
import time


class Gate:
    """Closed by a failure, open again after a success; meanwhile one try each pause, and the pauses grow."""

    def __init__(self, first_pause_s: float, longest_pause_s: float) -> None:
        self._first_pause_s = first_pause_s
        self._longest_pause_s = longest_pause_s
        self._changed = threading.Condition()
        self._pause_s = 0.0
        self._next_try_s = 0.0
        self._next_count_s = 0.0

    @property
    def is_open(self) -> bool:
        """Whether the last try went well."""
        return not self._pause_s

    def may_try(self) -> bool:
        """Whether the caller may try now; a closed gate lets one through and is shut for the others meanwhile."""
        with self._changed:
            if not self._pause_s:
                return True
            now_s = time.monotonic()
            if now_s < self._next_try_s:
                return False
            self._next_try_s = now_s + self._pause_s
            return True

    def wait(self, timeout_s: float) -> bool:
        """Wait until it may be tried, at most `timeout_s`.

        Returns: whether it may be tried now.
        """
        with self._changed:
            if self._pause_s:
                left_s = self._next_try_s - time.monotonic()
                if left_s > 0:
                    self._changed.wait(min(left_s, timeout_s))
        return self.may_try()

    def failed(self) -> None:
        """It is away; what others tried at the same time fails as well and counts once."""
        with self._changed:
            now_s = time.monotonic()
            if now_s >= self._next_count_s:
                self._pause_s = min(self._pause_s * 2 or self._first_pause_s, self._longest_pause_s)
                self._next_count_s = self._next_try_s = now_s + self._pause_s

    def worked(self) -> bool:
        """It is there.

        Returns: whether it was away before.
        """
        with self._changed:
            was_closed = bool(self._pause_s)
            self._pause_s = self._next_count_s = 0.0
            self._changed.notify_all()
            return was_closed

    def hurry(self) -> None:
        """Let the next try be now: something was changed that may help."""
        with self._changed:
            self._next_try_s = 0.0
            self._changed.notify_all()
