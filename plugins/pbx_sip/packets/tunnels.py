"""Packets within packets: GRE, ERSPAN, VXLAN, GENEVE, GTP-U and TZSP.

Source: RFC 2784 and 2890 (GRE), draft-foschiano-erspan-03, RFC 7348 5 (VXLAN), draft-ietf-nvo3-vxlan-gpe-13 3 (VXLAN
of other packets than frames), RFC 8926 3 (GENEVE), 3GPP TS 29.281 5 (GTP-U), Wireshark,
epan/dissectors/packet-tzsp.c (TZSP, which MikroTik and sniffers of wireless LANs send).
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
    GTPU,
    GTPU_MORE,
    IPV4,
    IPV6,
    PROTOCOL,
    RAW_IP,
    TZSP,
    TZSP_TAG,
    VXLAN,
    VXLAN_GPE,
    Header,
    Rows,
    Step,
)

_ERSPAN2 = 0x88BE
_ERSPAN3 = 0x22EB
_EXTENSIONS_MAX = 8

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


def _vxlan_gpe(rows: Rows, fields: _Fields) -> Step:
    """The I and P flags, and what is carried."""
    carried = fields["carries"]
    is_tunnel = (fields["flags"] & 0x0C == 0x0C) & (carried >= 1) & (carried <= 3) & (rows.end - rows.at > 8)
    kinds = np.where(carried == 1, IPV4, np.where(carried == 2, IPV6, ETHERNET))
    return Step(np.where(is_tunnel, kinds, DATAGRAM), rows.step(rows.at + 8 * is_tunnel))


def _geneve(rows: Rows, fields: _Fields) -> Step:
    size = 8 + 4 * (fields["version"] & 63).astype(np.int64)
    kinds = fields["type"].astype(np.int64)
    is_tunnel = (fields["version"] >> 6 == 0) & (fields["flags"] & 0xBF == 0) & (rows.end - rows.at > size)
    is_tunnel &= np.isin(kinds, (ETHERNET_BRIDGED, IPV4, IPV6))
    return Step(np.where(is_tunnel, kinds, DATAGRAM), rows.step(rows.at + np.where(is_tunnel, size, 0)))


def _gtpu(rows: Rows, fields: _Fields) -> Step:
    """Version 1 with a user's packet; any of three flags brings four bytes more, of which the last tells of others."""
    is_tunnel = (fields["flags"] & 0xF8 == 0x30) & (fields["type"] == 0xFF)
    has_more = fields["flags"] & 7 != 0
    kinds = np.where(is_tunnel, np.where(has_more, GTPU_MORE, RAW_IP), DATAGRAM)
    return Step(kinds, rows.step(rows.at + 8 * is_tunnel))


def _gtpu_more(rows: Rows, fields: _Fields) -> Step:
    """Sequence number, N-PDU number and the type of a first extension; each ends with the type of the next one."""
    at, buffer = rows.at + 4, rows.buffer
    following = fields["next"].astype(np.int64)
    for _ in range(_EXTENSIONS_MAX):
        waits = np.flatnonzero((following != 0) & (at < rows.end))
        if not len(waits):
            break
        size = 4 * buffer[at[waits]].astype(np.int64)
        last = np.minimum(at[waits] + size, rows.end[waits]) - 1
        following[waits] = np.where(size > 0, buffer[last], 0)
        at[waits] += size
    return Step(np.full(len(rows), RAW_IP, np.int64), rows.step(np.minimum(at, rows.end)))


def _tzsp(rows: Rows, fields: _Fields) -> Step:
    is_tunnel = (fields["version"] == 1) & (fields["type"] <= 1) & (fields["holds"] == 1)
    return Step(np.where(is_tunnel, TZSP_TAG, DATAGRAM), rows.step(rows.at + 4 * is_tunnel))


def _tzsp_tag(rows: Rows, fields: _Fields) -> Step:
    """Padding and the end have no length; the frame follows the end."""
    tag = fields["tag"].astype(np.int64)
    has_length = tag > 1
    place = np.minimum(rows.at + 1, len(rows.buffer) - 1)
    size = 1 + np.where(has_length, 1 + rows.buffer[place].astype(np.int64), 0)
    return Step(np.where(tag == 1, ETHERNET, TZSP_TAG), rows.step(rows.at + size))


TUNNEL_HEADERS: Mapping[int, Header] = {
    PROTOCOL + 47: Header(np.dtype([("flags", ">u2"), ("type", ">u2")]), _gre),
    _ERSPAN2: Header(np.dtype([("version", "u1"), ("data", "V7")]), _erspan2),
    _ERSPAN3: Header(np.dtype([("version", "u1"), ("data", "V9"), ("flags", ">u2")]), _erspan3),
    VXLAN: Header(np.dtype([("flags", "u1"), ("data", "V7")]), _vxlan),
    VXLAN_GPE: Header(np.dtype([("flags", "u1"), ("reserved", "V2"), ("carries", "u1"), ("data", "V4")]), _vxlan_gpe),
    GENEVE: Header(np.dtype([("version", "u1"), ("flags", "u1"), ("type", ">u2"), ("network", "V4")]), _geneve),
    GTPU: Header(np.dtype([("flags", "u1"), ("type", "u1"), ("length", ">u2"), ("tunnel", ">u4")]), _gtpu),
    GTPU_MORE: Header(np.dtype([("sequence", ">u2"), ("number", "u1"), ("next", "u1")]), _gtpu_more),
    TZSP: Header(np.dtype([("version", "u1"), ("type", "u1"), ("holds", ">u2")]), _tzsp),
    TZSP_TAG: Header(np.dtype([("tag", "u1")]), _tzsp_tag),
}
