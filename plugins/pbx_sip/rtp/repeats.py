"""Packets that were seen more than once: a mirror shows each on its way into a switch and out of it, or on two hops."""

import numpy as np

from plugins.pbx_sip.rtp.packets import RtpPackets, step_sequence

_NEAR_NS = 1_000_000_000  # one that comes again later is sent anew, as by an announcement that begins once more


def leave_out_repeats(packets: RtpPackets) -> tuple[RtpPackets, int]:
    """The packets of a voice, each as it was seen first, and how many were left out.

    Whatever changes on the way, such as VLAN and TTL, does not tell packets apart: sender, number and timestamp do.
    """
    if (step_sequence(packets.sequence) > 0).all():
        return packets, 0
    ssrc, sequence, timestamp = packets.ssrc, packets.sequence, packets.timestamp
    order = np.lexsort((packets.time_ns, timestamp, sequence, ssrc))
    before, after = order[:-1], order[1:]
    is_same = (ssrc[before] == ssrc[after]) & (sequence[before] == sequence[after])
    is_same &= timestamp[before] == timestamp[after]
    is_same &= packets.time_ns[after] - packets.time_ns[before] < _NEAR_NS
    fresh = np.ones(len(packets), np.bool_)
    fresh[after[is_same]] = False
    return packets.take(fresh), int(is_same.sum())
