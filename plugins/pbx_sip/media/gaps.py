"""Gaps: where so much of what one party sent was lost that a listener misses words."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from plugins.pbx_sip.rtp.packets import RtpPackets, extend_sequence, find_senders

SHORTEST_S = 0.5
_GAPS_MAX = 5000
_LEAP = 3000  # packets: a minute of sound; numbers that leap further are a new beginning, no loss


@dataclass(frozen=True, slots=True)
class Gap:
    """From the end of the last packet before it to the first behind it, in seconds after the origin."""

    at_s: float
    until_s: float


def find_gaps(packets: RtpPackets, origin_ns: int) -> list[Gap]:
    """The gaps in what one party sent, in time; what it never sent leaves no number out, and is none.

    packets: all of it, as keys and comfort noise are counted among the sound.
    """
    gaps: list[Gap] = []
    if (packets.time_ns[1:] - packets.time_ns[:-1]).max(initial=0) < SHORTEST_S * 1e9:  # something always came
        return gaps
    for mine in find_senders(packets).values():
        numbers, time_ns = extend_sequence(packets.sequence[mine]), packets.time_ns[mine]
        order = np.argsort(numbers, kind="stable")
        lost = np.diff(numbers[order]) - 1
        passed_s = np.diff(time_ns[order]) / 1e9
        usual_s = float(np.median(passed_s[lost == 0])) if (lost == 0).any() else 0.0
        # A sender that fell silent while little was lost was not missed for all of that time.
        is_gap = (lost > 0) & (lost < _LEAP) & (passed_s >= SHORTEST_S) & (lost * usual_s * 2 >= passed_s)
        arrived_s = (time_ns[order] - origin_ns) / 1e9
        starts_s, ends_s = arrived_s[:-1][is_gap] + usual_s, arrived_s[1:][is_gap]
        gaps += [Gap(at_s, until_s) for at_s, until_s in zip(starts_s.tolist(), ends_s.tolist(), strict=True)]
    return sorted(gaps, key=lambda gap: gap.at_s)[:_GAPS_MAX]


def find_common(parties: Iterable[Iterable[Gap]]) -> list[Gap]:
    """When several parties were not received at once: that was lost on the way to the recorder, or by itself.

    parties: the gaps of each.
    """
    every = [gap for gaps in parties for gap in gaps]
    edges = sorted([*((gap.at_s, 1) for gap in every), *((gap.until_s, -1) for gap in every)])
    common: list[Gap] = []
    missing, since_s = 0, 0.0
    for at_s, step in edges:
        missing += step
        if missing == 2 and step > 0:
            since_s = at_s
        elif missing == 1 and step < 0:
            common.append(Gap(since_s, at_s))
    return common
