"""UDP datagrams and TCP segments out of what IP packets carry.

Source: RFC 768; RFC 9293 3.1.
"""

from collections.abc import Iterable, Mapping

import numpy as np
import numpy.typing as npt

from plugins.pbx_sip.packets.datagrams import Datagrams
from plugins.pbx_sip.packets.rows import (
    BAD_TCP,
    BAD_UDP,
    DATAGRAM,
    GENEVE,
    GTPU,
    L2TP,
    PROTOCOL,
    SEGMENT,
    TZSP,
    VXLAN,
    VXLAN_GPE,
    Column,
    Header,
    Rows,
    Step,
)
from plugins.pbx_sip.packets.tcp import FIN, RST, SYN, TcpSegment

_TUNNEL_HEADER_BYTES = 8
_GTPU_PORT, _VXLAN_GPE_PORT, _TZSP_PORT, _L2TP_PORT = 2152, 4790, 37008, 1701

_Fields = npt.NDArray[np.void]

_UDP_LAYOUT = np.dtype([("source", ">u2"), ("target", ">u2"), ("length", ">u2"), ("checksum", ">u2")])
_TCP_LAYOUT = np.dtype(
    [
        ("source", ">u2"), ("target", ">u2"), ("sequence", ">u4"), ("acknowledged", ">u4"),
        ("size", "u1"), ("flags", "u1"), ("window", ">u2"), ("checksum", ">u2"), ("urgent", ">u2"),
    ]
)  # fmt: skip


class _Udp:
    """Reads headers of UDP; by the port of the target it knows tunnels."""

    def __init__(self, vxlan_ports: Iterable[int], geneve_ports: Iterable[int]) -> None:
        self._kinds = np.full(1 << 16, DATAGRAM, np.int64)
        self._kinds[list(vxlan_ports)] = VXLAN
        self._kinds[list(geneve_ports)] = GENEVE
        self._kinds[_GTPU_PORT] = GTPU
        self._kinds[_VXLAN_GPE_PORT] = VXLAN_GPE
        self._kinds[_TZSP_PORT] = TZSP
        self._kinds[_L2TP_PORT] = L2TP

    def read(self, rows: Rows, fields: _Fields) -> Step:
        """A length of 0 is that of a jumbogram or of a packet which the network card was to cut."""
        length = fields["length"].astype(np.int64)
        at = rows.at + 8
        end = np.where(length == 0, rows.end, np.minimum(rows.end, rows.at + length))
        kinds = self._kinds[fields["target"]]
        kinds[(fields["source"] == _L2TP_PORT) & (kinds == DATAGRAM)] = L2TP  # the far end may have any port
        kinds[end - at < _TUNNEL_HEADER_BYTES] = DATAGRAM
        kinds[(length < 8) & (length != 0)] = BAD_UDP
        source = rows.source | fields["source"].astype(np.uint64)
        target = rows.target | fields["target"].astype(np.uint64)
        return Step(kinds, Rows(rows.buffer, rows.row, at, end, source, target))


def _tcp(rows: Rows, fields: _Fields) -> Step:
    size = (fields["size"] >> 4).astype(np.int64) * 4
    is_good = (size >= 20) & (rows.at + size <= rows.end)
    source = rows.source | fields["source"].astype(np.uint64)
    target = rows.target | fields["target"].astype(np.uint64)
    return Step(np.where(is_good, SEGMENT, BAD_TCP), Rows(rows.buffer, rows.row, rows.at, rows.end, source, target))


def transport_headers(vxlan_ports: Iterable[int], geneve_ports: Iterable[int]) -> Mapping[int, Header]:
    """Headers of UDP and TCP."""
    return {
        PROTOCOL + 17: Header(_UDP_LAYOUT, _Udp(vxlan_ports, geneve_ports).read),
        PROTOCOL + 6: Header(_TCP_LAYOUT, _tcp),
    }


def make_datagrams(rows: Rows, time_ns: Column) -> Datagrams:
    """Rows that stand before the payload of UDP, as datagrams in the order captured."""
    if len(rows) > 1 and (np.diff(rows.row) < 0).any():
        rows = rows.pick(np.argsort(rows.row))
    return Datagrams(
        buffer=rows.buffer,
        time_ns=time_ns if len(rows) == len(time_ns) else time_ns[rows.row],
        source=rows.source,
        target=rows.target,
        offset=rows.at,
        length=(rows.end - rows.at).astype(np.int32),
    )


def make_segments(rows: Rows, time_ns: Column) -> list[TcpSegment]:
    """Rows that stand before headers of TCP, as segments in the order captured; bare acknowledgements are left out."""
    rows = rows.pick(np.argsort(rows.row))
    fields = rows.headers(_TCP_LAYOUT)
    at = rows.at + (fields["size"] >> 4).astype(np.int64) * 4
    matters = np.flatnonzero((rows.end > at) | (fields["flags"] & (SYN | FIN | RST) != 0))
    columns = zip(
        rows.source[matters].tolist(),
        rows.target[matters].tolist(),
        time_ns[rows.row[matters]].tolist(),
        fields["sequence"][matters].tolist(),
        fields["flags"][matters].tolist(),
        at[matters].tolist(),
        rows.end[matters].tolist(),
        strict=True,
    )
    return [
        TcpSegment(
            source=source,
            target=target,
            time_ns=time,
            sequence=sequence,
            flags=flags,
            payload=rows.buffer[start:end].tobytes(),
        )
        for source, target, time, sequence, flags, start, end in columns
    ]
