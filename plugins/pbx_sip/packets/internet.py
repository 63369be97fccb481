"""IPv4 and IPv6 headers, with options and extensions.

Source: RFC 791 3.1; RFC 8200 3 and 4; RFC 4302 2 (AH); RFC 6946 (fragments that are whole).
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from plugins.pbx_sip.packets.datagrams import NO_KEY, Endpoints
from plugins.pbx_sip.packets.rows import (
    BAD_IPV4,
    BAD_IPV6,
    FRAGMENT4,
    FRAGMENT6,
    FULL,
    IPV4,
    IPV6,
    LINK,
    PROTOCOL,
    Header,
    Rows,
    Step,
)

_Fields = npt.NDArray[np.void]

IPV4_LAYOUT = np.dtype(
    [
        ("version", "u1"), ("service", "u1"), ("total", ">u2"), ("id", ">u2"), ("fragment", ">u2"),
        ("ttl", "u1"), ("protocol", "u1"), ("checksum", ">u2"), ("source", ">u4"), ("target", ">u4"),
    ]
)  # fmt: skip
_IPV6_LAYOUT = np.dtype(
    [("version", ">u4"), ("length", ">u2"), ("next", "u1"), ("hops", "u1"), ("source", "V16"), ("target", "V16")]
)
_EXTENSION = np.dtype([("next", "u1"), ("length", "u1"), ("data", "V6")])
FRAGMENT6_LAYOUT = np.dtype([("next", "u1"), ("reserved", "u1"), ("offset", ">u2"), ("id", ">u4")])


def _ipv4(rows: Rows, fields: _Fields) -> Step:
    """A total length of 0 is that of a packet which the network card was to cut: it ends where the frame ends."""
    version = fields["version"]
    size = (version & 15).astype(np.int64) * 4
    total = fields["total"].astype(np.int64)
    is_good = (version >> 4 == 4) & (size >= 20) & ((total >= size) | (total == 0))
    is_part = fields["fragment"] & 0x3FFF != 0
    kinds = fields["protocol"].astype(np.int64) + PROTOCOL
    kinds[is_part] = FRAGMENT4
    kinds[~is_good] = BAD_IPV4
    return Step(
        kinds,
        Rows(
            rows.buffer,
            rows.row,
            rows.at + np.where(is_part, 0, size),
            np.where(total == 0, rows.end, np.minimum(rows.end, rows.at + total)),
            fields["source"].astype(np.uint64) << np.uint64(16),
            fields["target"].astype(np.uint64) << np.uint64(16),
        ),
    )


def _extension(rows: Rows, fields: _Fields) -> Step:
    return Step(
        fields["next"].astype(np.int64) + PROTOCOL, rows.step(rows.at + (fields["length"].astype(np.int64) + 1) * 8)
    )


def _authentication(rows: Rows, fields: _Fields) -> Step:
    return Step(
        fields["next"].astype(np.int64) + PROTOCOL, rows.step(rows.at + (fields["length"].astype(np.int64) + 2) * 4)
    )


def _fragment(rows: Rows, fields: _Fields) -> Step:
    is_part = fields["offset"] & 0xFFF9 != 0
    kinds = np.where(is_part, FRAGMENT6, fields["next"].astype(np.int64) + PROTOCOL)
    return Step(kinds, rows.step(rows.at + np.where(is_part, 0, 8)))


class _IPv6:
    """Reads headers of IPv6 and remembers the addresses in them."""

    def __init__(self, endpoints: Endpoints) -> None:
        self._endpoints = endpoints

    def read(self, rows: Rows, fields: _Fields) -> Step:
        """A length of 0 is that of a jumbogram or of a packet which the network card was to cut."""
        is_good = fields["version"] >> 28 == 6
        source, target = rows.source.copy(), rows.target.copy()
        source[is_good] = self._endpoints.keys(fields["source"][is_good])
        target[is_good] = self._endpoints.keys(fields["target"][is_good])
        length = fields["length"].astype(np.int64)
        kinds = fields["next"].astype(np.int64) + PROTOCOL
        kinds[is_good & ((source == NO_KEY) | (target == NO_KEY))] = FULL
        kinds[~is_good] = BAD_IPV6
        at = rows.at + 40
        end = np.where(length == 0, rows.end, np.minimum(rows.end, at + length))
        return Step(kinds, Rows(rows.buffer, rows.row, at, end, source, target))


def internet_headers(endpoints: Endpoints) -> Mapping[int, Header]:
    """Headers of IP, from the first to the one that says what is carried."""
    ipv4 = Header(IPV4_LAYOUT, _ipv4)
    ipv6 = Header(_IPV6_LAYOUT, _IPv6(endpoints).read)
    extension = Header(_EXTENSION, _extension)
    return {
        IPV4: ipv4,
        LINK + 228: ipv4,
        PROTOCOL + 4: ipv4,
        IPV6: ipv6,
        LINK + 229: ipv6,
        PROTOCOL + 41: ipv6,
        **{PROTOCOL + number: extension for number in (0, 43, 60, 135, 139, 140)},
        PROTOCOL + 51: Header(_EXTENSION, _authentication),
        PROTOCOL + 44: Header(FRAGMENT6_LAYOUT, _fragment),
    }
