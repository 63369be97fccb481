"""Which calls make up the share of a rule: counted, so that 25 % is at least one of any four calls in a row."""

import threading

from hub.sdk import RetryLater, State

STATE_KEY = "hub.rules.shares"
_WHOLE = 100


class Shares:
    """A count for each rule, kept over restarts.

    While it is open the counts lie in memory only: after a crash every count starts anew with a call that is recorded,
    so that a crash can make the share larger and never smaller.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counts: dict[int, int] = {}
        self._state: State | None = None

    def open(self, state: State) -> None:
        """Go on with the counts that were kept there; a state that cannot be used is no reason not to count."""
        if self._state is not None:
            return
        try:
            kept = state.get(STATE_KEY) or {}
            state.delete(STATE_KEY)
        except RetryLater:
            return
        with self._lock:
            self._state = state
            self._counts = {int(rule): int(count) % _WHOLE for rule, count in kept.items()} | self._counts

    def takes(self, rule_id: int, percent: int) -> bool:
        """Whether the next call of a rule is recorded; the first one is.

        With s percent, call n (from 0) is recorded where n * s / 100, rounded up, grows.
        """
        with self._lock:
            count = self._counts.get(rule_id, 0)
            self._counts[rule_id] = (count + percent) % _WHOLE
        return not count or count + percent > _WHOLE

    def close(self) -> None:
        """Keep the counts."""
        with self._lock:
            state, self._state = self._state, None
            if state is None:
                return
            try:
                state.put(STATE_KEY, {str(rule): count for rule, count in self._counts.items()})
            except RetryLater:
                return
