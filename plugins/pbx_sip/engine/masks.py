"""What must not be kept: media to or from endpoints of calls that are paused, stopped or left out."""

from collections.abc import Collection
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from plugins.pbx_sip.packets.datagrams import Datagrams

_ENDLESS_NS = 1 << 62
_KEPT_NS = 10_000_000_000


class Masks:
    """Spans of time by endpoint."""

    def __init__(self) -> None:
        self._spans: dict[int, list[tuple[int, int]]] = {}

    def __len__(self) -> int:
        return len(self._spans)

    def cover(self, endpoints: Collection[int], from_ns: int) -> None:
        """From a moment on nothing of these is kept."""
        for endpoint in endpoints:
            spans = self._spans.setdefault(endpoint, [])
            if not spans or spans[-1][1] != _ENDLESS_NS:
                spans.append((from_ns, _ENDLESS_NS))

    def uncover(self, endpoints: Collection[int], until_ns: int) -> None:
        """What comes from a moment on is kept again."""
        for endpoint in endpoints:
            spans = self._spans.get(endpoint)
            if spans and spans[-1][1] == _ENDLESS_NS:
                spans[-1] = (spans[-1][0], max(spans[-1][0], until_ns))

    def forget(self, before_ns: int) -> None:
        """Spans that ended a while before a moment are of no more use."""
        for endpoint, spans in list(self._spans.items()):
            left = [span for span in spans if span[1] > before_ns - _KEPT_NS]
            if left:
                self._spans[endpoint] = left
            else:
                del self._spans[endpoint]

    def leave(self, datagrams: Datagrams) -> Datagrams:
        """The datagrams that may be kept."""
        if not self._spans or not len(datagrams):
            return datagrams
        depth = max(map(len, self._spans.values()))
        covered = np.zeros(len(datagrams), np.bool_)
        for place in range(depth):  # mostly one: an endpoint that was paused twice within seconds has two
            spans = {endpoint: each[-1 - place] for endpoint, each in self._spans.items() if len(each) > place}
            endpoints = np.array(sorted(spans), np.uint64)
            limits = np.array([spans[int(endpoint)] for endpoint in endpoints], np.int64)
            covered |= _find_covered(datagrams.source, datagrams.time_ns, endpoints, limits)
            covered |= _find_covered(datagrams.target, datagrams.time_ns, endpoints, limits)
        return pick(datagrams, ~covered) if covered.any() else datagrams


def pick(datagrams: Datagrams, rows: npt.NDArray[np.bool_]) -> Datagrams:
    """Some of the datagrams."""
    return replace(
        datagrams,
        time_ns=datagrams.time_ns[rows],
        source=datagrams.source[rows],
        target=datagrams.target[rows],
        offset=datagrams.offset[rows],
        length=datagrams.length[rows],
    )


def _find_covered(
    ends: npt.NDArray[np.uint64],
    time_ns: npt.NDArray[np.int64],
    endpoints: npt.NDArray[np.uint64],
    limits: npt.NDArray[np.int64],
) -> npt.NDArray[np.bool_]:
    """Which rows lie within the span of their endpoint; endpoints: sorted; limits: shape (endpoints, 2)."""
    places = np.minimum(np.searchsorted(endpoints, ends), len(endpoints) - 1)
    first, last = limits[places, 0], limits[places, 1]
    found: npt.NDArray[np.bool_] = (endpoints[places] == ends) & (first <= time_ns) & (time_ns < last)
    return found
