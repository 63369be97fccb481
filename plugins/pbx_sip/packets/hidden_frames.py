"""Frames and packets behind headers that do not say what they hold: pseudowires in MPLS, and L2TP.

Source: RFC 3985 5.4.1 and RFC 4385 3 (the first half octet behind the labels), RFC 4448 4 (Ethernet in MPLS), RFC 2661
3.1 (L2TPv2), RFC 3931 3.2.2 and 4.1 (L2TPv3; cookie and sublayer are agreed on elsewhere).
"""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from plugins.pbx_sip.packets.rows import (
    DATAGRAM,
    ETHERNET,
    L2TP,
    LINK,
    NO_IP,
    PROTOCOL,
    RAW_IP,
    UNREAD_L2TP,
    Column,
    Header,
    Rows,
    Step,
)

_MPLS = 0x8847
_PPP = LINK + 9
_TAGS = np.array([0x8100, 0x88A8, 0x9100], np.int64)
_TAGS_MAX = 2
_WORD_BYTES = 4
_L2TP3 = PROTOCOL + 115

_Fields = npt.NDArray[np.void]
_Mask = npt.NDArray[np.bool_]


def _mpls(rows: Rows, fields: _Fields) -> Step:
    """Behind the last label: a frame, with a control word before it or without, or else IP.

    Addresses of Ethernet may begin as IP does; of IP hardly a packet looks like a frame, with one of IP in it.
    """
    is_last = fields["bottom"] & 1 == 1
    at = rows.at + 4
    kinds = np.where(is_last, RAW_IP, _MPLS).astype(np.int64)
    last = np.flatnonzero(is_last & (at < rows.end))
    start, end = at[last], rows.end[last]
    half = rows.buffer[start] >> 4
    has_word = (half == 0) & _holds_frame(rows.buffer, start + _WORD_BYTES, end)
    kinds[last[has_word | _holds_frame(rows.buffer, start, end)]] = ETHERNET
    at[last[has_word]] += _WORD_BYTES
    return Step(kinds, rows.step(at))


def _l2tp(rows: Rows, fields: _Fields) -> Step:
    """Data of version 2 holds PPP; of version 3 a frame or a packet, wherever it begins. All else is no tunnel."""
    flags = fields["flags"].astype(np.int64)
    is_second = flags & 0xB4FF == 2
    has_offset = is_second & (flags & 0x0200 != 0)
    at = rows.at + 6 + 2 * (flags >> 14 & 1) + 4 * (flags >> 11 & 1)
    at += np.where(has_offset, 2 + _read(rows.buffer, at, rows.end), 0)
    first, second = _read(rows.buffer, at, rows.end), _read(rows.buffer, at + 2, rows.end)
    is_ppp = is_second & np.isin(np.where(first == 0xFF03, second, first), (0x21, 0x57))
    kinds = np.where(is_ppp, _PPP, DATAGRAM).astype(np.int64)
    places = np.where(is_ppp, at, rows.at)
    third = np.flatnonzero(flags == 3)
    found = _find_hidden(rows.pick(third), rows.at[third] + 8)
    is_found = found.kinds != NO_IP
    kinds[third[is_found]], places[third[is_found]] = found.kinds[is_found], found.rows.at[is_found]
    return Step(kinds, rows.step(places))


def _l2tp3(rows: Rows, fields: _Fields) -> Step:
    """Over IP; session 0 is that of control."""
    found = _find_hidden(rows, rows.at + 4)
    return Step(np.where((found.kinds == NO_IP) | (fields["session"] == 0), UNREAD_L2TP, found.kinds), found.rows)


def _find_hidden(rows: Rows, start: Column) -> Step:
    """What begins behind a cookie of 0, 4 or 8 bytes and a sublayer of 0 or 4; NO_IP where nothing does."""
    kinds, places = np.full(len(rows), NO_IP, np.int64), start.copy()
    for kind in (RAW_IP, ETHERNET):
        for skipped in (12, 8, 4, 0):
            at = start + skipped
            is_found = (_holds_frame if kind == ETHERNET else _is_ip)(rows.buffer, at, rows.end)
            kinds, places = np.where(is_found, kind, kinds), np.where(is_found, at, places)
    return Step(kinds, rows.step(places))


def _holds_frame(buffer: npt.NDArray[np.uint8], at: Column, end: Column) -> _Mask:
    """Whether a frame of Ethernet with IP begins at each place, behind tags or not."""
    at = at + 12
    kind = _read(buffer, at, end)
    for _ in range(_TAGS_MAX):
        is_tag = np.isin(kind, _TAGS)
        at = at + 4 * is_tag
        kind = np.where(is_tag, _read(buffer, at, end), kind)
    half = _read(buffer, at + 2, end) >> 12
    is_ip: _Mask = ((kind == 0x0800) & (half == 4)) | ((kind == 0x86DD) & (half == 6))
    return is_ip & (_measure_rest(buffer, at + 2, end) >= 0)


def _is_ip(buffer: npt.NDArray[np.uint8], at: Column, end: Column) -> _Mask:
    """Whether a packet of IP begins at each place that ends where all ends."""
    rest: _Mask = _measure_rest(buffer, at, end) == 0
    return rest


def _measure_rest(buffer: npt.NDArray[np.uint8], at: Column, end: Column) -> Column:
    """How many bytes there are behind a packet of IP at each place; below zero where none is, or not all of it."""
    first, length = _read(buffer, at, end), _read(buffer, at + 2, end)
    size, version, left = 4 * (first >> 8 & 15), first >> 12, end - at
    is_four = (version == 4) & (size >= 20) & (length >= size) & (left >= 20)
    is_six = (version == 6) & (left >= 40)
    length = np.where(is_four, length, np.where(is_six, 40 + _read(buffer, at + 4, end), left + 1))
    rest: Column = left - length
    return rest


def _read(buffer: npt.NDArray[np.uint8], at: Column, end: Column) -> Column:
    """Two bytes at each place; 0 where there are none."""
    is_there = (at >= 0) & (at + 2 <= end)
    safe = np.where(is_there, at, 0)
    if len(buffer) < 2:
        return np.zeros(len(at), np.int64)
    return np.where(is_there, buffer[safe].astype(np.int64) << 8 | buffer[safe + 1], 0)


HIDDEN_HEADERS: Mapping[int, Header] = {
    _MPLS: Header(np.dtype([("label", ">u2"), ("bottom", "u1"), ("ttl", "u1")]), _mpls),
    0x8848: Header(np.dtype([("label", ">u2"), ("bottom", "u1"), ("ttl", "u1")]), _mpls),
    L2TP: Header(np.dtype([("flags", ">u2"), ("more", "V4")]), _l2tp),
    _L2TP3: Header(np.dtype([("session", ">u4")]), _l2tp3),
}
