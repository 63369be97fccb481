"""When packets came, where the capture does not tell: one that was converted may have the same time for all."""

from dataclasses import replace

import numpy as np

from plugins.pbx_sip.rtp.packets import RtpPackets, find_senders, step_timestamp

_PACKETS_MIN = 25
_STEP_MIN_NS = 1_000_000  # no coding sends packets that follow each other faster than this, all along
_SILENCE_MAX_S = 60.0  # what seems to be longer is another clock of the same sender


def is_timed(packets_sent: int, passed_ns: int) -> bool:
    """Whether a capture tells when packets came, of which so many of one voice came within a time."""
    return packets_sent < _PACKETS_MIN or passed_ns >= _STEP_MIN_NS * packets_sent


def make_up_times(packets: RtpPackets, clock_hz: int) -> RtpPackets:
    """The packets as if each had come in time, from that of the first one on, and one sender after the other.

    clock_hz: of their timestamps.
    """
    time_ns = packets.time_ns.copy()
    for rows in sorted(find_senders(packets).values(), key=lambda rows: int(rows[0])):
        steps_s = step_timestamp(packets.timestamp[rows]) / clock_hz
        steps_s[np.abs(steps_s) > _SILENCE_MAX_S] = 0.0
        passed_s = np.concatenate([[0.0], np.cumsum(steps_s)])
        time_ns[rows] = time_ns[max(int(rows[0]) - 1, 0)] + np.round(passed_s * 1e9).astype(np.int64)
    order = np.argsort(time_ns, kind="stable")
    return replace(packets, time_ns=time_ns).take(order)
