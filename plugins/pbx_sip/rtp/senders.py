"""Senders that share a way: one after the other they are one voice, at the same time they are several."""

import numpy as np
import numpy.typing as npt

from plugins.pbx_sip.rtp.packets import Rows, RtpPackets, find_senders, find_values

_SENDERS_MAX = 200  # of a call of a day with a new one each time that it is put through; more are an attack
_VOICES_MAX = 8
_TOGETHER_MIN = 25  # packets: half a second
_MARGIN_NS = 500_000_000  # who takes over may begin before the other one ends


def leave_out_crowd(packets: RtpPackets) -> RtpPackets:
    """The packets of those who sent much, where there are more senders than any call has."""
    if len(find_values(packets.ssrc)) <= _SENDERS_MAX:
        return packets
    senders, counts = np.unique(packets.ssrc, return_counts=True)
    loudest = np.argsort(-counts, kind="stable")[:_SENDERS_MAX]
    loudest = loudest[counts[loudest] * _TOGETHER_MIN >= counts[loudest[0]]]
    return packets.take(np.isin(packets.ssrc, senders[loudest]))


def tell_voices_apart(packets: RtpPackets) -> list[Rows]:
    """The rows of each voice among packets of one way, whoever speaks first coming first.

    Music on hold, or another phone through the same port of a relay, is heard beside who was there before.
    """
    spoken = list(find_senders(packets).values())
    if len(spoken) == 1:
        return spoken
    voices: list[list[Rows]] = []
    for rows in sorted(spoken, key=lambda rows: int(packets.time_ns[rows[0]])):
        fitting = (each for each in voices if not any(_speak_together(packets.time_ns, rows, other) for other in each))
        voice = next(fitting, None)
        if voice is not None:
            voice.append(rows)
        elif len(voices) < _VOICES_MAX:
            voices.append([rows])
        else:
            voices[-1].append(rows)
    return [np.sort(np.concatenate(voice)) for voice in voices]


def _speak_together(time_ns: npt.NDArray[np.int64], one: Rows, other: Rows) -> bool:
    """Whether both send while the other one does, for longer than one takes over from the other."""
    from_ns = max(int(time_ns[one[0]]), int(time_ns[other[0]])) + _MARGIN_NS
    until_ns = min(int(time_ns[one[-1]]), int(time_ns[other[-1]])) - _MARGIN_NS
    if from_ns >= until_ns:
        return False
    counts = [int(np.count_nonzero((time_ns[rows] >= from_ns) & (time_ns[rows] < until_ns))) for rows in (one, other)]
    return min(counts) >= _TOGETHER_MIN
