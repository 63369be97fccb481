"""Link layers: what stands before an IP header on the wire or in the capture.

Source: IEEE 802.3, 802.1Q, 802.1ad, 802.1ah, 802.1BR; RFC 1042 (SNAP), RFC 2516 (PPPoE);
tcpdump.org/linktypes.html; Wireshark, epan/dissectors: packet-vntag.c, packet-cisco-metadata.c, packet-cisco-fp-mim.c.
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from plugins.pbx_sip.packets.rows import (
    BAD_PPPOE,
    ETHERNET,
    ETHERNET_BRIDGED,
    IPV4,
    IPV6,
    LINK,
    LLC,
    NO_FAMILY,
    NO_IP,
    NO_SNAP,
    RAW_IP,
    Column,
    Header,
    Rows,
    Step,
)

_LENGTHS_BELOW = 0x600  # IEEE 802.3, 3.2.6: a smaller number is a length
_FAMILIES = np.array([2, 10, 23, 24, 28, 30], "<u4")  # AF_INET; AF_INET6 of Linux, Windows, the BSDs and macOS
_EITHER_ORDER = np.concatenate([_FAMILIES, _FAMILIES.byteswap()])

_Fields = npt.NDArray[np.void]


def _by_type(types: npt.NDArray[np.uint16]) -> Column:
    kinds = types.astype(np.int64)
    kinds[kinds < _LENGTHS_BELOW] = LLC
    return kinds


def _before_type(size_bytes: int) -> Header:
    """Addresses or a tag of so many bytes, and the EtherType of what follows."""

    def read(rows: Rows, fields: _Fields) -> Step:
        return Step(_by_type(fields["type"]), rows.step(rows.at + size_bytes + 2))

    return Header(np.dtype([("tag", f"V{size_bytes}"), ("type", ">u2")]), read)


def _before_frame(size_bytes: int) -> Header:
    """A tag of so many bytes, which a whole frame follows."""

    def read(rows: Rows, fields: _Fields) -> Step:
        return Step(np.full(len(fields), ETHERNET, np.int64), rows.step(rows.at + size_bytes))

    return Header(np.dtype([("tag", f"V{size_bytes}")]), read)


def _llc(rows: Rows, fields: _Fields) -> Step:
    is_snap = (fields["sap"] == 0xAAAA) & (fields["control"] == 3) & np.isin(fields["oui"], (0, 0xF8))
    is_snap &= fields["oui_high"] == 0
    return Step(np.where(is_snap, fields["type"].astype(np.int64), NO_SNAP), rows.step(rows.at + 8))


def _cooked_v2(rows: Rows, fields: _Fields) -> Step:
    return Step(_by_type(fields["type"]), rows.step(rows.at + 20))


def _loopback(rows: Rows, fields: _Fields) -> Step:
    is_ip = np.isin(fields["family"], _EITHER_ORDER)
    return Step(np.where(is_ip, RAW_IP, NO_FAMILY), rows.step(rows.at + 4))


def _raw_ip(rows: Rows, fields: _Fields) -> Step:
    version = fields["version"] >> 4
    return Step(np.where(version == 4, IPV4, np.where(version == 6, IPV6, NO_IP)), rows)


def _pppoe(rows: Rows, fields: _Fields) -> Step:
    protocol = fields["protocol"]
    kinds = np.where(protocol == 0x21, IPV4, np.where(protocol == 0x57, IPV6, BAD_PPPOE))
    kinds[(fields["version"] != 0x11) | (fields["code"] != 0)] = BAD_PPPOE
    return Step(kinds, rows.step(rows.at + 8, np.minimum(rows.end, rows.at + 6 + fields["length"])))


_ETHERNET = _before_type(12)
_VLAN = _before_type(2)
_LOOPBACK = Header(np.dtype([("family", "<u4")]), _loopback)
_RAW_IP = Header(np.dtype([("version", "u1")]), _raw_ip)

LINK_HEADERS: Mapping[int, Header] = {
    ETHERNET: _ETHERNET,
    ETHERNET_BRIDGED: _ETHERNET,
    RAW_IP: _RAW_IP,
    LINK + 12: _RAW_IP,
    LINK + 14: _RAW_IP,
    LINK: _LOOPBACK,
    LINK + 108: _LOOPBACK,
    LINK + 113: _before_type(14),
    LINK + 276: Header(np.dtype([("type", ">u2"), ("link", "V18")]), _cooked_v2),
    0x8100: _VLAN,
    0x88A8: _VLAN,
    0x9100: _VLAN,
    0x9200: _VLAN,
    0x8926: _before_type(4),  # VN-Tag
    0x893F: _before_type(6),  # E-TAG of 802.1BR
    0x8909: _before_type(6),  # Cisco metadata: a security group (SGT)
    0x8903: _before_frame(2),  # FabricPath
    0x88E7: _before_frame(4),  # I-TAG of 802.1ah
    0x8864: Header(
        np.dtype([("version", "u1"), ("code", "u1"), ("session", ">u2"), ("length", ">u2"), ("protocol", ">u2")]),
        _pppoe,
    ),
    LLC: Header(
        np.dtype([("sap", ">u2"), ("control", "u1"), ("oui_high", ">u2"), ("oui", "u1"), ("type", ">u2")]), _llc
    ),
}
