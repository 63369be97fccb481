"""How a stream reached its far end, as the far end reports it over RTCP.

Source: RFC 3550 section 6.4 (reception reports), RFC 3611 section 4.7 (VoIP metrics).
"""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from statistics import fmean

from plugins.pbx_sip.rtp.rtcp import RtcpReport


@dataclass(frozen=True, slots=True, kw_only=True)
class FarEnd:
    """reports: how many there were. lost_share: 0 to 1, jitter_ms: the means of all reports.

    round_trip_ms, mos: the last that was told, None where nothing was.
    """

    reports: int
    lost_share: float
    jitter_ms: float | None = None
    round_trip_ms: int | None = None
    mos: float | None = None


def find_far_end(said: Iterable[RtcpReport], senders: Collection[int], clock_hz: int) -> FarEnd | None:
    """What is said of the streams of some senders; None where nothing is. clock_hz: of their timestamps."""
    said = [report for report in said if report.ssrc not in senders]
    blocks = [block for report in said for block in report.reports if block.ssrc in senders]
    metrics = [each for report in said for each in report.metrics if each.ssrc in senders]
    if not blocks and not metrics:
        return None
    told = [each.lost_share for each in blocks] or [each.lost_share for each in metrics]
    return FarEnd(
        reports=len(blocks) or len(metrics),
        lost_share=fmean(told),
        jitter_ms=fmean(each.jitter_ticks for each in blocks) * 1000 / clock_hz if blocks else None,
        round_trip_ms=next((each.round_trip_ms for each in reversed(metrics) if each.round_trip_ms), None),
        mos=next((each.mos for each in reversed(metrics) if each.mos is not None), None),
    )
