"""Packets within packets: GRE, ERSPAN, VXLAN and GENEVE.

Source: RFC 2784 and 2890 (GRE), draft-foschiano-erspan-03, RFC 7348 5 (VXLAN), RFC 8926 3 (GENEVE).
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from plugins.pbx_sip.packets.rows import (
    BAD_ERSPAN,
    BAD_GRE,
    DATAGRAM,
    ETHERNET,
    ETHERNET_BRIDGED,
    GENEVE,
    IPV4,
    IPV6,
    PROTOCOL,
    RAW_IP,
    VXLAN,
    Header,
    Rows,
    Step,
)

_ERSPAN2 = 0x88BE
_ERSPAN3 = 0x22EB

_Fields = npt.NDArray[np.void]


def _gre(rows: Rows, fields: _Fields) -> Step:
    """Checksum, key and sequence number have 4 bytes each; routing (RFC 1701) and PPTP are refused."""
    flags = fields["flags"].astype(np.int64)
    has_sequence = flags >> 12 & 1
    kinds = fields["type"].astype(np.int64)
    kinds[(kinds == _ERSPAN2) & (has_sequence == 0)] = ETHERNET  # type I has no header of its own
    kinds[flags & 0x4007 != 0] = BAD_GRE
    return Step(kinds, rows.step(rows.at + 4 + 4 * ((flags >> 15) + (flags >> 13 & 1) + has_sequence)))


def _erspan2(rows: Rows, fields: _Fields) -> Step:
    return Step(np.where(fields["version"] >> 4 == 1, ETHERNET, BAD_ERSPAN), rows.step(rows.at + 8))


def _erspan3(rows: Rows, fields: _Fields) -> Step:
    frame_type = fields["flags"] >> 10 & 31
    kinds = np.where(frame_type == 0, ETHERNET, np.where(frame_type == 2, RAW_IP, BAD_ERSPAN))
    kinds[fields["version"] >> 4 != 2] = BAD_ERSPAN
    has_more = (fields["flags"] & 1).astype(np.int64)
    return Step(kinds, rows.step(rows.at + 12 + 8 * has_more))


def _vxlan(rows: Rows, fields: _Fields) -> Step:
    """The I flag, and none but that of group policy beside it: neither SIP nor RTP begins so."""
    is_tunnel = (fields["flags"] & 0x7F == 8) & (rows.end - rows.at >= 8 + 14)
    return Step(np.where(is_tunnel, ETHERNET, DATAGRAM), rows.step(rows.at + 8 * is_tunnel))


def _geneve(rows: Rows, fields: _Fields) -> Step:
    size = 8 + 4 * (fields["version"] & 63).astype(np.int64)
    kinds = fields["type"].astype(np.int64)
    is_tunnel = (fields["version"] >> 6 == 0) & (fields["flags"] & 0xBF == 0) & (rows.end - rows.at > size)
    is_tunnel &= np.isin(kinds, (ETHERNET_BRIDGED, IPV4, IPV6))
    return Step(np.where(is_tunnel, kinds, DATAGRAM), rows.step(rows.at + np.where(is_tunnel, size, 0)))


TUNNEL_HEADERS: Mapping[int, Header] = {
    PROTOCOL + 47: Header(np.dtype([("flags", ">u2"), ("type", ">u2")]), _gre),
    _ERSPAN2: Header(np.dtype([("version", "u1"), ("data", "V7")]), _erspan2),
    _ERSPAN3: Header(np.dtype([("version", "u1"), ("data", "V9"), ("flags", ">u2")]), _erspan3),
    VXLAN: Header(np.dtype([("flags", "u1"), ("data", "V7")]), _vxlan),
    GENEVE: Header(np.dtype([("version", "u1"), ("flags", "u1"), ("type", ">u2"), ("network", "V4")]), _geneve),
}
