"""How many messages each peer may send in a second."""

from collections import OrderedDict

_PEERS_MAX = 10_000


class Rates:
    """Counts what each host sends; a host that was quiet for a second may send a second's worth at once."""

    def __init__(self, per_second: float) -> None:
        self._per_second = per_second
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def measure_wait_s(self, host: str, now: float) -> float:
        """Count a message.

        Returns: how many seconds it came too early; 0 for one that came in time. One that is dropped is to be given
        back.
        """
        left, at = self._left.get(host, (self._per_second, now))
        left = min(self._per_second, left + (now - at) * self._per_second) - 1
        self._left[host] = left, now
        self._left.move_to_end(host)
        if len(self._left) > _PEERS_MAX:
            self._left.popitem(last=False)
        return max(0.0, -left / self._per_second)

    def give_back(self, host: str) -> None:
        """A message that was counted was not taken."""
        left, at = self._left[host]
        self._left[host] = left + 1, at
