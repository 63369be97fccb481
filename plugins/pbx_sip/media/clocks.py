"""Clocks of senders that do not count as their coding has it, set right.

Some systems count twice as fast as they should, or not at all. It shows in packets that follow each other without a
break: they come as often as their sound lasts, while their timestamps say otherwise. Whoever falls silent at times, or
holds a call, counts on or stands still in the breaks only, and is left as it is.

Source: RFC 3551 sections 4.1 (timestamps count samples) and 4.5.2 (those of G.722 count half of them), RFC 7587
section 4.1 (those of Opus count 48000 a second).
"""

import numpy as np
import numpy.typing as npt

from plugins.pbx_sip.media.coding import Coding
from plugins.pbx_sip.rtp.packets import (
    Rows,
    RtpPackets,
    extend_sequence,
    extend_timestamp,
    find_senders,
    step_sequence,
    step_timestamp,
)

_PAIRS_MIN = 25  # half a second: what lasts shorter is not worth a doubt
_SAMPLED = 40
_OFF_MIN = 0.15  # no clock drifts so much
_EVEN_SHARE = 0.9
_TIMELY = (0.5, 1.5)  # how long after its predecessor a packet comes, beside how long that one lasts


def set_clocks_right(packets: RtpPackets, coding: Coding) -> RtpPackets:
    """The packets of one coding, with timestamps that its clock would have where the sender's runs at another rate."""
    timestamp = None
    for rows in find_senders(packets).values():
        ticks = _count_anew(packets, rows, coding) if len(rows) > _PAIRS_MIN else None
        if ticks is not None:
            timestamp = packets.timestamp.copy() if timestamp is None else timestamp
            timestamp[rows] = ticks.astype(np.uint32)
    return packets if timestamp is None else packets.with_timestamps(timestamp)


def _count_anew(packets: RtpPackets, rows: Rows, coding: Coding) -> npt.NDArray[np.int64] | None:
    """The ticks of one sender's packets as its coding counts; None where it does so itself, or nobody can tell."""
    sequence, timestamp, time_ns = packets.sequence[rows], packets.timestamp[rows], packets.time_ns[rows]
    follows = np.flatnonzero(step_sequence(sequence) == 1)
    if len(follows) < _PAIRS_MIN:
        return None
    counted = step_timestamp(timestamp)[follows]
    passed_s = (time_ns[1:] - time_ns[:-1])[follows] / 1e9
    usual = int(_median(counted))
    if abs(usual / coding.clock_hz - _median(passed_s)) <= _OFF_MIN * usual / coding.clock_hz:
        return None
    sampled = follows[:: max(len(follows) // _SAMPLED, 1)][:_SAMPLED]
    payloads = coding.decode([packets.payload(row) for row in rows[sampled].tolist()])
    lasting = [len(sound) * coding.clock_hz // coding.rate_hz for sound in payloads if len(sound)]
    lasts = int(_median(np.array(lasting))) if len(lasting) * 2 > len(sampled) else 0
    if not lasts or usual < 0 or abs(usual - lasts) <= _OFF_MIN * lasts:
        return None
    beside = passed_s * coding.clock_hz / lasts
    is_timely = (beside > _TIMELY[0]) & (beside < _TIMELY[1])
    is_usual = np.abs(counted - usual) <= _OFF_MIN * usual
    if is_timely.mean() < _EVEN_SHARE / 2 or is_usual[is_timely].mean() < _EVEN_SHARE:
        return None
    ticks = extend_timestamp(timestamp)
    counted_right = ticks if usual else extend_sequence(sequence)
    right: npt.NDArray[np.int64] = ticks[:1] + (counted_right - counted_right[0]) * lasts // (usual or 1)
    return right


def _median(values: npt.NDArray[np.number]) -> float:
    """The value in the middle, or the mean of the two there."""
    ordered, middle = np.sort(values), len(values) // 2
    return float(ordered[middle] + ordered[~middle]) / 2
