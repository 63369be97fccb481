"""RTCP: what senders and receivers say of their streams.

Source: RFC 3550 section 6.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from struct import unpack_from

_SENDER, _RECEIVER, _DESCRIPTION, _BYE = 200, 201, 202, 203
_CNAME = 1
_BLOCK_BYTES = 24


@dataclass(frozen=True, slots=True, kw_only=True)
class ReceptionReport:
    """How one stream reached the one that reports it.

    lost_share: since the report before, 0 to 1. lost: packets since the beginning, negative with duplicates.
    jitter_ticks: of the stream's clock. last_report, since_last_s: of the sender report it answers; 0 if none came.
    """

    ssrc: int
    lost_share: float
    lost: int
    jitter_ticks: int
    last_report: int
    since_last_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class RtcpReport:
    """One packet of a compound. ntp_time: 32.32 fixed point, timestamp: the same moment on the stream's clock; or 0."""

    ssrc: int
    ntp_time: int = 0
    timestamp: int = 0
    reports: tuple[ReceptionReport, ...] = ()
    cname: str = ""
    is_bye: bool = False


def is_rtcp(datagram: bytes) -> bool:
    """Whether this is RTCP where RTP may come to the same port.

    Source: RFC 5761 section 4.
    """
    return len(datagram) >= 8 and datagram[0] >> 6 == 2 and 192 <= datagram[1] <= 223


def read_rtcp(datagram: bytes) -> list[RtcpReport]:
    """All that is understood of a compound; what is damaged ends it."""
    return [report for kind, count, body in _split(datagram) for report in _read(kind, count, body)]


def _split(datagram: bytes) -> Iterator[tuple[int, int, bytes]]:
    at = 0
    while is_rtcp(datagram[at:]):
        first, kind, words = unpack_from(">BBH", datagram, at)
        end = at + 4 + 4 * words
        if end > len(datagram):
            return
        yield kind, first & 0x1F, datagram[at + 4 : end]
        at = end


def _read(kind: int, count: int, body: bytes) -> Iterator[RtcpReport]:
    if kind == _SENDER and len(body) >= 24:
        ssrc, ntp_time, timestamp = unpack_from(">IQI", body)
        yield RtcpReport(ssrc=ssrc, ntp_time=ntp_time, timestamp=timestamp, reports=_read_blocks(body[24:], count))
    elif kind == _RECEIVER and len(body) >= 4:
        yield RtcpReport(ssrc=unpack_from(">I", body)[0], reports=_read_blocks(body[4:], count))
    elif kind == _DESCRIPTION:
        yield from _read_description(body, count)
    elif kind == _BYE:
        for place in range(min(count, len(body) // 4)):
            yield RtcpReport(ssrc=unpack_from(">I", body, 4 * place)[0], is_bye=True)


def _read_blocks(body: bytes, count: int) -> tuple[ReceptionReport, ...]:
    reports = []
    for place in range(min(count, len(body) // _BLOCK_BYTES)):
        ssrc, loss, _, jitter, last, since = unpack_from(">IIIIII", body, place * _BLOCK_BYTES)
        lost = loss & 0xFFFFFF
        reports.append(
            ReceptionReport(
                ssrc=ssrc,
                lost_share=(loss >> 24) / 256,
                lost=lost - (1 << 24) if lost >= 1 << 23 else lost,
                jitter_ticks=jitter,
                last_report=last,
                since_last_s=since / 65536,
            )
        )
    return tuple(reports)


def _read_description(body: bytes, count: int) -> Iterator[RtcpReport]:
    at = 0
    for _ in range(count):
        if at + 4 > len(body):
            return
        ssrc = unpack_from(">I", body, at)[0]
        at, cname = _read_items(body, at + 4)
        yield RtcpReport(ssrc=ssrc, cname=cname)


def _read_items(body: bytes, at: int) -> tuple[int, str]:
    """The end of one source's items, which stands on a word, and its canonical name."""
    cname = ""
    while at + 1 < len(body) and body[at]:
        kind, size = body[at], body[at + 1]
        if kind == _CNAME:
            cname = body[at + 2 : at + 2 + size].decode("utf-8", "replace")
        at += 2 + size
    return (at // 4 + 1) * 4, cname
