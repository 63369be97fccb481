"""SIP messages in captured traffic: datagrams on any port that begin like one, and streams on the ports of SIP."""

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from operator import itemgetter

import numpy as np

from plugins.pbx_sip.packets.datagrams import Datagrams, Endpoints
from plugins.pbx_sip.packets.decoder import Decoded
from plugins.pbx_sip.packets.tcp import StreamData, TcpSegment, TcpStreams
from plugins.pbx_sip.rtp.packets import Mask, find_rtp
from plugins.pbx_sip.sip.errors import SipError
from plugins.pbx_sip.sip.framing import StreamFramer
from plugins.pbx_sip.sip.message import Request, Response, read_message
from plugins.pbx_sip.tls.key_log import KeyLog
from plugins.pbx_sip.tls.streams import TlsStreams

SIP_PORTS = frozenset({5060, 5061, 5062, 5080})
_SIP_LIKE_BYTES = 40
_FRAMERS_MAX = 20_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Overheard:
    """A message, when it was captured, ns since 1970, UTC, and between which endpoints."""

    at_ns: int
    message: Request | Response
    source: int
    target: int


class SipEar:
    """Listens to decoded packets in the order of their capture."""

    def __init__(
        self, endpoints: Endpoints, sip_ports: Collection[int] = SIP_PORTS, key_log: KeyLog | None = None
    ) -> None:
        """key_log: with which connections under TLS are read; it may learn more at any time."""
        self._endpoints = endpoints
        self._streams = TcpStreams()
        self._tls = TlsStreams(key_log or KeyLog())
        self._framers: dict[tuple[int, int], StreamFramer] = {}
        self._ports = np.array(sorted(sip_ports), np.uint64)
        self._port_set = frozenset(sip_ports)

    def hear(
        self, decoded: Decoded, now_ns: int, find: Callable[[Datagrams], Mask] | None = None
    ) -> Iterator[Overheard]:
        """The messages in a block that was captured up to now, in time; find: which datagrams are something else."""
        find = find or _find_rtp
        heard = (each for part in decoded.datagrams for each in self._hear_datagrams(part, find(part)))
        timed = [(each.at_ns, each) for each in heard]
        latest_ns = 0  # what waited in a stream for a lost segment is heard with that
        for each in self._hear_segments(decoded.segments, now_ns):
            latest_ns = max(latest_ns, each.at_ns)
            timed.append((latest_ns, each))
        return (each for _, each in sorted(timed, key=itemgetter(0)))

    def _hear_segments(self, segments: Iterable[TcpSegment], now_ns: int) -> Iterator[Overheard]:
        for segment in segments:
            yield from self._hear_segment(segment)
        yield from self._hear_streams(self._streams.expire(now_ns))

    def _hear_datagrams(self, datagrams: Datagrams, is_rtp: Mask) -> Iterator[Overheard]:
        others = np.flatnonzero(~is_rtp & (datagrams.length >= _SIP_LIKE_BYTES))
        ends = np.stack([datagrams.source[others], datagrams.target[others]]) & np.uint64(0xFFFF)
        first = datagrams.buffer[datagrams.offset[others]]
        # A SIP message begins with a capital letter, or a blank line before it; other ports are looked at as well.
        is_text = np.isin(ends, self._ports).any(axis=0) | ((first >= ord("A")) & (first <= ord("Z")))
        for row in others[is_text].tolist():
            try:
                message = read_message(datagrams.payload(row))
            except SipError:
                continue
            yield Overheard(
                at_ns=int(datagrams.time_ns[row]),
                message=message,
                source=int(datagrams.source[row]),
                target=int(datagrams.target[row]),
            )

    def hear_rest(self) -> Iterator[Overheard]:
        """The messages in what waited for missing segments: nothing more comes."""
        return self._hear_streams(self._streams.close())

    def _hear_segment(self, segment: TcpSegment) -> Iterator[Overheard]:
        ports = {self._endpoints.port(segment.source), self._endpoints.port(segment.target)}
        if not ports.isdisjoint(self._port_set):
            yield from self._hear_streams(self._streams.add(segment))

    def _hear_streams(self, found: Iterable[StreamData]) -> Iterator[Overheard]:
        for data in found:
            yield from self._hear_stream(self._tls.open(data))

    def _hear_stream(self, data: StreamData) -> Iterator[Overheard]:
        way = (data.connection, data.source)
        if way not in self._framers and len(self._framers) >= _FRAMERS_MAX:
            self._framers.pop(next(iter(self._framers)))
        framer = self._framers.setdefault(way, StreamFramer())
        is_lost = False
        try:
            for item in framer.feed(data.data):
                if isinstance(item, Request | Response):
                    yield Overheard(at_ns=data.time_ns, message=item, source=data.source, target=data.target)
        except SipError:
            is_lost = True  # the next message is looked for with a fresh mind
        if data.is_last or data.lost_bytes or is_lost:
            self._framers.pop(way, None)


def _find_rtp(datagrams: Datagrams) -> Mask:
    return find_rtp(datagrams.buffer, datagrams.offset, datagrams.length)
