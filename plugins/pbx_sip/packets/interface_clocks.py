"""Clocks of the interfaces of one capture: where two differ by far, the order of the packets shows by how much."""

import numpy as np
import numpy.typing as npt

_CHANGES_MIN = 10
_APART_NS = 400_000_000
_MOST_NS = 100 * 366 * 86400 * 10**9  # no clock shows more
_ALIKE_NS = 200_000_000

_Column = npt.NDArray[np.int64]


class InterfaceClocks:
    """Sets packets right that came by interfaces whose clocks are not that of the first one.

    Packets stand in a capture as they came. By clocks that agree, the one that stands behind has the later time,
    whichever interface either came by; by clocks that differ, all of one interface are as far ahead.

    apart_ns: how far clocks differed at most.
    """

    def __init__(self) -> None:
        self.apart_ns = 0
        self._ahead_ns: dict[int, int] = {}
        self._first: int | None = None

    def restart(self) -> None:
        """Another section has interfaces of its own."""
        self._ahead_ns, self._first = {}, None

    def set_right(self, time_ns: _Column, interface: _Column) -> _Column:
        """Times by the clock of the interface that the first packet came by."""
        if self._first is None:
            self._first = int(interface[0])
        if (interface == interface[0]).all() and not self._ahead_ns:
            return time_ns
        ahead_ns = np.zeros(len(time_ns), np.int64)
        for other in np.unique(interface[interface != self._first]).tolist():
            if other not in self._ahead_ns and (found_ns := _measure(time_ns, interface, self._first, other)):
                self._ahead_ns[other] = found_ns
                self.apart_ns = max(self.apart_ns, abs(found_ns))
            ahead_ns[interface == other] = self._ahead_ns.get(other, 0)
        return time_ns - ahead_ns


def _measure(time_ns: _Column, interface: _Column, first: int, other: int) -> int:
    """How far the clock of one interface is ahead of another's; 0 where they agree, or it cannot be told."""
    passed_ns = np.diff(time_ns)
    there = passed_ns[(interface[:-1] == first) & (interface[1:] == other)]
    back = -passed_ns[(interface[:-1] == other) & (interface[1:] == first)]
    if min(len(there), len(back)) < _CHANGES_MIN:
        return 0
    there_ns, back_ns = float(np.median(there)), float(np.median(back))
    is_apart = _APART_NS < min(abs(there_ns), abs(back_ns)) < _MOST_NS and abs(there_ns - back_ns) < _ALIKE_NS
    return round((there_ns + back_ns) / 2) if is_apart else 0
