"""The observer of calls: is shown packets as they are captured, and gives the calls that are over.

It is the same for capture files and for mirrored traffic.
"""

from collections.abc import Collection, Iterable, Iterator

import numpy as np

from plugins.pbx_sip.calls.dialog import Dialog
from plugins.pbx_sip.calls.flows import Flows
from plugins.pbx_sip.calls.hops import Seen, join_hops
from plugins.pbx_sip.calls.recorded import RecordedCall, record
from plugins.pbx_sip.calls.signalling import Signalling
from plugins.pbx_sip.calls.strays import find_strays
from plugins.pbx_sip.calls.voices import find_voices
from plugins.pbx_sip.packets.blocks import PacketBlock
from plugins.pbx_sip.packets.datagrams import Datagrams, Endpoints
from plugins.pbx_sip.packets.decoder import Decoder
from plugins.pbx_sip.packets.tcp import StreamData, TcpSegment, TcpStreams
from plugins.pbx_sip.sip.errors import SipError
from plugins.pbx_sip.sip.framing import StreamFramer
from plugins.pbx_sip.sip.message import Request, Response, read_message

SIP_PORTS = frozenset({5060, 5061, 5062, 5080})
_LINGER_NS = 5_000_000_000
_SILENT_NS = 3600 * 1_000_000_000
_SIP_LIKE_BYTES = 40
_FRAMERS_MAX = 20_000


class Observer:
    """Takes blocks of packets in the order of their capture; takes_strays: also media without any signalling."""

    def __init__(
        self, *, sip_ports: Collection[int] = SIP_PORTS, headers: Iterable[str] = (), takes_strays: bool = True
    ) -> None:
        self._endpoints = Endpoints()
        self._decoder = Decoder(self._endpoints)
        self._streams = TcpStreams()
        self._signalling = Signalling(self._endpoints, headers)
        self._flows = Flows()
        self._framers: dict[tuple[int, int], StreamFramer] = {}
        self._sip_ports = np.array(sorted(sip_ports), np.uint64)
        self._takes_strays = takes_strays

    def add(self, block: PacketBlock) -> None:
        """Look at a block."""
        decoded = self._decoder.decode(block)
        for datagrams in decoded.datagrams:
            self._add_datagrams(datagrams)
        for segment in decoded.segments:
            self._add_segment(segment)
        if len(block):
            self._add_streams(self._streams.expire(int(block.time_ns[-1])))

    def take(self, now_ns: int | None = None) -> Iterator[RecordedCall]:
        """The calls that were over some seconds before `now_ns`; None: all that there are."""
        everything = now_ns is None
        if everything:
            self._add_streams(self._streams.close())
        before_ns = (1 << 62) if now_ns is None else now_ns - _LINGER_NS
        dialogs = self._signalling.take(before_ns, before_ns if everything else before_ns - _SILENT_NS)
        claims = self._signalling.claims
        seen = [Seen(dialog=each, voices=tuple(find_voices(each, self._flows, claims))) for each in dialogs]
        calls = join_hops([call for call in seen if call.voices or call.dialog.answered_ns])
        if everything:
            flows = self._flows.all()
            calls += find_strays(flows, self._endpoints) if self._takes_strays else []
            self._flows.drop(flows, 1 << 62)
        for dialog in dialogs:
            self._forget(dialog)
        yield from map(record, calls)

    def _forget(self, dialog: Dialog) -> None:
        for endpoint in {listening.endpoint for listening in dialog.listenings}:
            around = self._signalling.claims.around(endpoint, dialog.call_id, dialog.last_ns)
            flows = [*self._flows.to(endpoint), *self._flows.from_(endpoint)]
            self._flows.drop(flows, min((dialog.ended_ns or dialog.last_ns) + _LINGER_NS, around[1]))
            self._signalling.claims.forget(endpoint, dialog.call_id)

    def _add_datagrams(self, datagrams: Datagrams) -> None:
        is_rtp = self._flows.add(datagrams)
        ports = np.uint64(0xFFFF)
        at_sip = np.isin(datagrams.source & ports, self._sip_ports) | np.isin(datagrams.target & ports, self._sip_ports)
        first = datagrams.buffer[np.where(datagrams.length > 0, datagrams.offset, 0)] if len(datagrams) else is_rtp
        # A SIP message begins with a capital letter, or a blank line before it; other ports are looked at as well.
        texts = ~is_rtp & (datagrams.length >= _SIP_LIKE_BYTES) & (at_sip | ((first >= ord("A")) & (first <= ord("Z"))))
        for row in np.flatnonzero(texts).tolist():
            self._add_message(datagrams.payload(row), int(datagrams.time_ns[row]))

    def _add_message(self, content: bytes, at_ns: int) -> None:
        try:
            message: Request | Response = read_message(content)
        except SipError:
            return
        self._signalling.add(message, at_ns)

    def _add_segment(self, segment: TcpSegment) -> None:
        ports = {self._endpoints.port(segment.source), self._endpoints.port(segment.target)}
        if ports.isdisjoint(self._sip_ports.tolist()):
            return
        self._add_streams(self._streams.add(segment))

    def _add_streams(self, found: Iterable[StreamData]) -> None:
        for data in found:
            self._add_stream(data)

    def _add_stream(self, data: StreamData) -> None:
        way = (data.connection, data.source)
        if way not in self._framers and len(self._framers) >= _FRAMERS_MAX:
            self._framers.pop(next(iter(self._framers)))
        framer = self._framers.setdefault(way, StreamFramer())
        is_lost = False
        try:
            for item in framer.feed(data.data):
                if isinstance(item, Request | Response):
                    self._signalling.add(item, data.time_ns)
        except SipError:
            is_lost = True  # the next message is looked for with a fresh mind
        if data.is_last or data.lost_bytes or is_lost:
            self._framers.pop(way, None)
