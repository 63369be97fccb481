"""How well a stream came through: loss, jitter, and the opinion a listener would have of it.

Source: RFC 3550 appendix A.3 and A.8 (loss, jitter).
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from plugins.pbx_sip.rtp.opinion import depends_on_rate, estimate_mos
from plugins.pbx_sip.rtp.packets import RtpPackets, extend_sequence, find_senders, step_sequence
from plugins.pbx_sip.rtp.runs import Run, Seconds, find_windows

_BUFFER_S = 0.2  # what comes later than this is of no use to a listener
_USUAL_S = 0.02  # how long a packet lasts
_FILTERED = 128
_DECAY = (15 / 16) ** np.arange(1, _FILTERED + 1)  # what is left of a difference after each later packet
_OWN_SHARE = 0.5  # of packets that came at a moment of their own: fewer have them by a clock that is too coarse


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """Of one stream. lost and late: packets that never came, and that came too late to be played.

    jitter_ms: the mean, and jitter_max_ms: the worst; None where it is not known when packets came. burst: the mean
    number of packets lost in a row. mos: 1 to 4.5; None for codings of which no opinion is known.
    """

    received: int
    lost: int
    late: int
    duplicates: int
    reordered: int
    jitter_ms: float | None
    jitter_max_ms: float | None
    burst: float
    mos: float | None

    @property
    def lost_share(self) -> float:
        """Of all that were sent, 0 to 1."""
        return self.lost / max(self.received + self.lost, 1)


def measure(  # noqa: PLR0913 - one stream, whole
    sent: RtpPackets,
    sounds: Sequence[tuple[RtpPackets, Run]],
    coding: str,
    *,
    repeated: int = 0,
    recovered: int = 0,
    pauses_ns: Sequence[tuple[int, int]] = (),
    is_timed: bool = True,
) -> Quality:
    """The quality of what one party sent.

    sent: all its packets, as keys and comfort noise are counted among them. sounds: the runs of those that are sound.
    coding: the name of theirs. repeated: packets that were seen once more and are not among those sent. recovered:
    lost packets whose sound others repeat, which listeners do not miss. pauses_ns: spans of which nothing was kept;
    what is missing there was not lost. is_timed: whether it is known when they came.
    """
    received = late = reordered = 0
    duplicates = repeated
    bursts: list[int] = []
    jitters: list[Seconds] = []
    every = sent.sequence
    for rows in find_senders(sent).values():
        sequence = every[rows]
        steps = step_sequence(sequence)
        if (steps <= 0).any():
            reordered += int((steps < 0).sum())
            numbers = np.sort(extend_sequence(sequence))
            steps = numbers[1:] - numbers[:-1]
        gaps = steps[steps > 0] - 1
        received += len(gaps) + 1
        duplicates += len(rows) - len(gaps) - 1
        is_lost = (gaps > 0) & (gaps < 1000)  # a leap of thousands is a new beginning, no loss
        if pauses_ns and is_lost.any():
            is_lost &= ~_find_paused(sent.time_ns[rows], extend_sequence(sequence), pauses_ns)
        bursts += gaps[is_lost].tolist()
    for packets, run in sounds:
        arrived_ns = packets.time_ns[run.rows]
        if not (is_timed and _tells_delays(arrived_ns)):
            continue
        transit_s = (arrived_ns - arrived_ns[0]) / 1e9 - run.ticks / run.clock_hz
        late += _count_late(run, transit_s)
        jitters.append(_jitter(transit_s[np.argsort(arrived_ns, kind="stable")]))
    lost = sum(bursts)
    jitter_s = np.concatenate(jitters) if jitters else None
    burst = lost / len(bursts) if bursts else 0.0
    share = (max(lost - recovered, 0) + late) / max(received + lost, 1)
    return Quality(
        received=received,
        lost=lost,
        late=late,
        duplicates=duplicates,
        reordered=reordered,
        jitter_ms=None if jitter_s is None else float(jitter_s.mean()) * 1000,
        jitter_max_ms=None if jitter_s is None else float(jitter_s.max()) * 1000,
        burst=burst,
        mos=estimate_mos(coding, share, burst, _measure_rate(sounds) if depends_on_rate(coding) else 0.0),
    )


def _measure_rate(sounds: Sequence[tuple[RtpPackets, Run]]) -> float:
    """How many bits of payload there usually are in a second of the longest run."""
    packets, run = max(sounds, key=lambda each: len(each[1].rows))
    return float(np.median(packets.length[run.rows])) * 8 / (run.packet_s or _USUAL_S)


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


def _tells_delays(arrived_ns: npt.NDArray[np.int64]) -> bool:
    """Whether the clock of a capture is fine enough for that."""
    return int(np.count_nonzero(arrived_ns[1:] - arrived_ns[:-1])) >= _OWN_SHARE * (len(arrived_ns) - 1)


def _count_late(run: Run, transit_s: Seconds) -> int:
    """Packets that came too late, beside the fastest of their ten seconds: a clock that drifts delays nothing."""
    if transit_s.max() - transit_s.min() <= _BUFFER_S:
        return 0
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
