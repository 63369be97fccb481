"""RTCP off the wire, kept by where it came from and where it went until its call is known."""

from collections.abc import Iterable

import numpy as np

from plugins.pbx_sip.packets.datagrams import Datagrams
from plugins.pbx_sip.rtp.packets import Mask
from plugins.pbx_sip.rtp.rtcp import RtcpReport, is_rtcp, read_rtcp

_BYTES_MIN = 8
_EACH_MAX, _ENDPOINTS_MAX = 5000, 40_000  # a report in five seconds, for hours


class Reports:
    """All RTCP that was seen and not yet dropped."""

    def __init__(self) -> None:
        self._by_endpoint: dict[int, list[tuple[int, bytes]]] = {}

    def add(self, datagrams: Datagrams, is_rtp: Mask) -> None:
        """Take in what is RTCP; is_rtp: which of the datagrams are known to be media."""
        others = np.flatnonzero(~is_rtp & (datagrams.length >= _BYTES_MIN))
        for row in others[datagrams.buffer[datagrams.offset[others]] >> 6 == 2].tolist():
            content = datagrams.payload(row)
            if is_rtcp(content):
                for endpoint in (int(datagrams.source[row]), int(datagrams.target[row])):
                    self._keep(endpoint, int(datagrams.time_ns[row]), content)

    def of(self, endpoints: Iterable[int], from_ns: int, until_ns: int) -> list[RtcpReport]:
        """What was said from or to some endpoints in a time, in order; what was seen on two hops counts once."""
        found: dict[bytes, int] = {}
        for endpoint in endpoints:
            for at_ns, content in self._by_endpoint.get(endpoint, ()):
                if from_ns <= at_ns < until_ns:
                    found[content] = min(at_ns, found.get(content, at_ns))
        ordered = sorted(found, key=lambda content: found[content])
        return [report for content in ordered for report in read_rtcp(content)]

    def drop(self, endpoints: Iterable[int], before_ns: int) -> None:
        """Forget what came before a moment."""
        for endpoint in endpoints:
            rest = [each for each in self._by_endpoint.pop(endpoint, ()) if each[0] >= before_ns]
            if rest:
                self._by_endpoint[endpoint] = rest

    def _keep(self, endpoint: int, at_ns: int, content: bytes) -> None:
        kept = self._by_endpoint.setdefault(endpoint, [])
        if len(kept) < _EACH_MAX:
            kept.append((at_ns, content))
        if len(self._by_endpoint) > _ENDPOINTS_MAX:
            del self._by_endpoint[next(iter(self._by_endpoint))]
