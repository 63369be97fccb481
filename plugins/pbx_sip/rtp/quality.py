"""How well a stream came through: loss, jitter, and the opinion a listener would have of it.

Source: RFC 3550 appendix A.3 and A.8 (loss, jitter); ITU-T G.107 (06/15) and G.113 (11/07) appendix I (opinion).
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plugins.pbx_sip.rtp.packets import RtpPackets, extend_sequence, find_values
from plugins.pbx_sip.rtp.runs import Run, Seconds, find_windows

_BUFFER_S = 0.2  # what comes later than this is of no use to a listener
_BASE_R = 93.2
_FILTERED = 128
_DECAY = (15 / 16) ** np.arange(1, _FILTERED + 1)  # what is left of a difference after each later packet
# Impairment of the coding itself, and how well it bears loss: G.113 table I.4; G.711 with concealment.
_IMPAIRMENTS = {
    "PCMU": (0.0, 25.1),
    "PCMA": (0.0, 25.1),
    "G729": (11.0, 19.0),
    "AMR": (5.0, 10.0),
}
_UNKNOWN = (0.0, 25.1)
_GSM_FULL_RATE = (20.0, 43.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """Of one stream. lost and late: packets that never came, and that came too late to be played.

    jitter_ms: the mean, and jitter_max_ms: the worst. burst: the mean number of packets lost in a row. mos: 1 to 4.5.
    """

    received: int
    lost: int
    late: int
    duplicates: int
    reordered: int
    jitter_ms: float
    jitter_max_ms: float
    burst: float
    mos: float

    @property
    def lost_share(self) -> float:
        """Of all that were sent, 0 to 1."""
        return self.lost / max(self.received + self.lost, 1)


def measure(
    sent: RtpPackets,
    sounds: Iterable[tuple[RtpPackets, Run]],
    coding: str,
    repeated: int = 0,
    pauses_ns: Sequence[tuple[int, int]] = (),
) -> Quality:
    """The quality of what one party sent.

    sent: all its packets, as keys and comfort noise are counted among them. sounds: the runs of those that are sound.
    coding: the name of theirs. repeated: packets that were seen once more and are not among those sent. pauses_ns:
    spans of which nothing was kept; what is missing there was not lost.
    """
    received = late = reordered = 0
    duplicates = repeated
    bursts: list[int] = []
    jitters: list[Seconds] = []
    senders, sequence = sent.ssrc, sent.sequence
    for ssrc in find_values(senders):
        numbers = extend_sequence(sequence[senders == ssrc])
        steps = np.diff(numbers)
        if (steps <= 0).any():
            reordered += int((steps < 0).sum())
            steps = np.diff(np.sort(numbers))
        gaps = steps[steps > 0] - 1
        received += len(gaps) + 1
        duplicates += len(numbers) - len(gaps) - 1
        is_lost = (gaps > 0) & (gaps < 1000)  # a leap of thousands is a new beginning, no loss
        if pauses_ns and is_lost.any():
            is_lost &= ~_find_paused(sent.time_ns[senders == ssrc], numbers, pauses_ns)
        bursts += gaps[is_lost].tolist()
    for packets, run in sounds:
        arrived_ns = packets.time_ns[run.rows]
        transit_s = (arrived_ns - arrived_ns[0]) / 1e9 - run.ticks / run.clock_hz
        late += _count_late(run, transit_s)
        jitters.append(_jitter(transit_s[np.argsort(arrived_ns, kind="stable")]))
    lost = sum(bursts)
    jitter_s = np.concatenate(jitters) if jitters else np.zeros(1)
    burst = lost / len(bursts) if bursts else 0.0
    share = (lost + late) / max(received + lost, 1)
    return Quality(
        received=received,
        lost=lost,
        late=late,
        duplicates=duplicates,
        reordered=reordered,
        jitter_ms=float(jitter_s.mean()) * 1000,
        jitter_max_ms=float(jitter_s.max()) * 1000,
        burst=burst,
        mos=estimate_mos(coding, share, burst),
    )


def _find_paused(
    time_ns: npt.NDArray[np.int64], numbers: npt.NDArray[np.int64], pauses_ns: Sequence[tuple[int, int]]
) -> npt.NDArray[np.bool_]:
    """Between which packets that follow each other by their numbers a pause lies."""
    _, first = np.unique(numbers, return_index=True)
    before, after = time_ns[first[:-1]], time_ns[first[1:]]
    found = np.zeros(len(before), np.bool_)
    for began_ns, ended_ns in pauses_ns:
        found |= (before < ended_ns) & (after > began_ns)
    return found


def _count_late(run: Run, transit_s: Seconds) -> int:
    """Packets that came too late, beside the fastest of their ten seconds: a clock that drifts delays nothing."""
    _, starts = find_windows(run.ticks, run.clock_hz)
    lowest = np.repeat(np.minimum.reduceat(transit_s, starts), np.diff(starts, append=len(transit_s)))
    return int(np.count_nonzero(transit_s - lowest > _BUFFER_S))


def _jitter(transit_s: Seconds) -> Seconds:
    """The smoothed difference of delays after each packet: J += (|D| - J) / 16, many packets at a time."""
    steps = np.abs(np.diff(transit_s))
    if not len(steps):
        return np.zeros(1)
    blocks = np.zeros((-(-len(steps) // _FILTERED), _FILTERED))
    blocks.reshape(-1)[: len(steps)] = steps
    smoothed = np.cumsum(blocks / _DECAY, axis=1) * (_DECAY / 16)
    carried = [0.0]
    for last in smoothed[:-1, -1].tolist():
        carried.append(last + carried[-1] * float(_DECAY[-1]))
    smoothed += np.multiply.outer(carried, _DECAY)
    jitter: Seconds = smoothed.reshape(-1)[: len(steps)]
    return jitter


def estimate_mos(coding: str, lost_share: float, burst: float = 1.0) -> float:
    """The mean opinion of listeners, 1 (bad) to 4.5, without delay, which a recording does not have.

    lost_share: 0 to 1. burst: mean number of packets lost in a row.
    """
    name = coding.upper()
    impairment, robustness = _GSM_FULL_RATE if name == "GSM" else _IMPAIRMENTS.get(name, _UNKNOWN)
    burst_ratio = max(burst * (1 - lost_share), 1.0)
    percent = lost_share * 100
    effective = impairment + (95 - impairment) * percent / (percent / burst_ratio + robustness)
    r = _BASE_R - effective
    if r <= 0:
        return 1.0
    return min(1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6, 4.5)
