"""Links that few captures are of: PPP, Cisco HDLC, wireless LAN, and the log of a Linux firewall.

Source: RFC 1661 2 and 1662 3.1 (PPP), RFC 1547 4.3.1 (PPP over HDLC), IEEE 802.11-2020 9.2 and 9.3.2 (data frames),
radiotap.org, tcpdump.org/linktypes/LINKTYPE_NFLOG.html.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from plugins.pbx_sip.packets.rows import (
    IPV4,
    IPV6,
    LINK,
    LLC,
    LOG_FIELD,
    NO_DATA_FRAME,
    NO_IP,
    RAW_IP,
    WIRELESS,
    Column,
    Header,
    Rows,
    Step,
)

_HDLC_ADDRESSES = (0x0F00, 0x8F00)
_PPP_ADDRESS = 0xFF03
_LOGGED_PACKET = 9

_Fields = npt.NDArray[np.void]


def _ppp_kinds(protocols: npt.NDArray[np.uint16]) -> Column:
    return np.where(protocols == 0x21, IPV4, np.where(protocols == 0x57, IPV6, NO_IP)).astype(np.int64)


def _ppp(rows: Rows, fields: _Fields) -> Step:
    """Address and control are left out where both ends agreed on it; Cisco puts EtherTypes behind its own."""
    has_address = fields["address"] == _PPP_ADDRESS
    is_cisco = np.isin(fields["address"], _HDLC_ADDRESSES)
    kinds = _ppp_kinds(np.where(has_address, fields["protocol"], fields["address"]))
    kinds[is_cisco] = fields["protocol"][is_cisco]
    return Step(kinds, rows.step(rows.at + np.where(has_address | is_cisco, 4, 2)))


def _radiotap(rows: Rows, fields: _Fields) -> Step:
    return Step(np.full(len(rows), WIRELESS, np.int64), rows.step(rows.at + fields["length"]))


def _wireless(rows: Rows, fields: _Fields) -> Step:
    """Frames of data that are not encrypted."""
    control = fields["control"]
    is_data = (control & 0x0F == 0x08) & (control >> 4 & 4 == 0) & (fields["flags"] & 0x40 == 0)
    has_four = fields["flags"] & 3 == 3
    has_quality = control & 0x80 != 0
    has_more = has_quality & (fields["flags"] & 0x80 != 0)
    size = 24 + 6 * has_four.astype(np.int64) + 2 * has_quality + 4 * has_more
    return Step(np.where(is_data, LLC, NO_DATA_FRAME), rows.step(rows.at + size))


def _log(rows: Rows, fields: _Fields) -> Step:
    del fields  # of which address family it is stands in the packet as well
    return Step(np.full(len(rows), LOG_FIELD, np.int64), rows.step(rows.at + 4))


def _log_field(rows: Rows, fields: _Fields) -> Step:
    """One field after the other, padded to 4 bytes, until the packet comes."""
    length = fields["length"].astype(np.int64)
    is_packet = fields["kind"] == _LOGGED_PACKET
    kinds = np.where(is_packet, RAW_IP, np.where(length < 4, NO_IP, LOG_FIELD))
    at = rows.at + np.where(is_packet, 4, length + 3 & ~3)
    return Step(kinds, rows.step(at, np.where(is_packet, np.minimum(rows.end, rows.at + length), rows.end)))


_PPP = Header(np.dtype([("address", ">u2"), ("protocol", ">u2")]), _ppp)

OTHER_LINK_HEADERS: Mapping[int, Header] = {
    LINK + 9: _PPP,
    LINK + 50: _PPP,
    LINK + 104: _PPP,
    LINK + 166: _PPP,
    LINK + 105: Header(np.dtype([("control", "u1"), ("flags", "u1")]), _wireless),
    WIRELESS: Header(np.dtype([("control", "u1"), ("flags", "u1")]), _wireless),
    LINK + 127: Header(np.dtype([("version", "<u2"), ("length", "<u2")]), _radiotap),
    LINK + 239: Header(np.dtype([("family", "u1"), ("version", "u1"), ("resource", ">u2")]), _log),
    LOG_FIELD: Header(np.dtype([("length", "<u2"), ("kind", "<u2")]), _log_field),
}
