"""RTCP: what senders and receivers say of their streams.

Source: RFC 3550 section 6, RFC 3611 (extended reports).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from struct import unpack_from

_SENDER, _RECEIVER, _DESCRIPTION, _BYE, _EXTENDED = 200, 201, 202, 203, 207
_CNAME = 1
_BLOCK_BYTES = 24
_VOIP_METRICS, _VOIP_BYTES, _UNAVAILABLE = 7, 36, 127


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
class VoipMetrics:
    """How one stream sounded to the one that reports it.

    lost_share, discarded_share: 0 to 1, of all packets. round_trip_ms: 0 where it is not known. mos: of listening, None
    where it is not known.

    Source: RFC 3611 section 4.7.
    """

    ssrc: int
    lost_share: float
    discarded_share: float
    round_trip_ms: int
    mos: float | None


@dataclass(frozen=True, slots=True, kw_only=True)
class RtcpReport:
    """One packet of a compound.

    ntp_time: 32.32 fixed point, timestamp: the same moment on the stream's clock, packets: sent so far; or 0.
    """

    ssrc: int
    ntp_time: int = 0
    timestamp: int = 0
    packets: int = 0
    reports: tuple[ReceptionReport, ...] = ()
    metrics: tuple[VoipMetrics, ...] = ()
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
        ssrc, ntp_time, timestamp, packets = unpack_from(">IQII", body)
        reports = _read_blocks(body[24:], count)
        yield RtcpReport(ssrc=ssrc, ntp_time=ntp_time, timestamp=timestamp, packets=packets, reports=reports)
    elif kind == _RECEIVER and len(body) >= 4:
        yield RtcpReport(ssrc=unpack_from(">I", body)[0], reports=_read_blocks(body[4:], count))
    elif kind == _EXTENDED and len(body) >= 4:
        yield RtcpReport(ssrc=unpack_from(">I", body)[0], metrics=tuple(_read_metrics(body[4:])))
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


def _read_metrics(body: bytes) -> Iterator[VoipMetrics]:
    """The blocks about the sound of a stream; others are passed over."""
    at = 0
    while at + 4 <= len(body):
        kind, words = body[at], int.from_bytes(body[at + 2 : at + 4])
        end = at + 4 + 4 * words
        if kind == _VOIP_METRICS and end - at >= _VOIP_BYTES and end <= len(body):
            ssrc, lost, discarded = unpack_from(">IBB", body, at + 4)
            mos = body[at + 26]
            yield VoipMetrics(
                ssrc=ssrc,
                lost_share=lost / 256,
                discarded_share=discarded / 256,
                round_trip_ms=unpack_from(">H", body, at + 16)[0],
                mos=None if mos == _UNAVAILABLE or not mos else mos / 10,
            )
        at = end


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
