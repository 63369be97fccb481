"""UDP ports for media, handed out in pairs: RTP on an even one, RTCP on the next.

Source: RFC 3550 section 11.
"""

from collections import OrderedDict


class NoPorts(Exception):
    """Every port is in use."""


class PortPool:
    """Pairs of ports; the pair that was given back first is taken first, so that each rests as long as it can."""

    def __init__(self, first: int, last: int) -> None:
        """Take the range from first to last, both in it.

        Raises: ValueError (there is no pair in the range).
        """
        pairs = range(first + first % 2, last, 2)
        if first < 1 or last > 65535 or not pairs:
            raise ValueError(f"{first} to {last} has no pair of ports; give at least two, the first of them even")
        self._pairs = pairs
        self._free: OrderedDict[int, None] = OrderedDict.fromkeys(pairs)

    def __len__(self) -> int:
        """How many pairs are free."""
        return len(self._free)

    def take(self) -> int:
        """The even port of a pair that is not in use. Raises: NoPorts."""
        if not self._free:
            raise NoPorts(f"all {len(self._pairs)} pairs of ports are in use")
        return self._free.popitem(last=False)[0]

    def claim(self, port: int) -> None:
        """Take a port that was taken before a restart; one outside the range is no matter of this pool."""
        self._free.pop(port, None)

    def free(self, port: int) -> None:
        """Give a port back."""
        if port in self._pairs:
            self._free[port] = None
            self._free.move_to_end(port)
