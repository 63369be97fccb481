"""Runs: stretches of one sender's packets in which its clock tells the time.

A new run begins where the clock cannot be followed: another SSRC, timestamps that jump, or a clock that stood still
while time went on (some systems do not count while a call is held). Within a run, a packet's place is its timestamp,
however late or early it came. The sender's clock is tied to ours by the packets that travelled fastest; those of each
ten seconds tell its drift.
"""

import itertools
from dataclasses import dataclass
from statistics import median

import numpy as np
import numpy.typing as npt

from plugins.pbx_sip.rtp.packets import Rows, RtpPackets, extend_timestamp, find_senders

_JUMP_S = 0.25  # more than a network delays for long, less than anyone would miss
_LATE_MAX_S = 60.0  # what seems to be later has a damaged timestamp
_LOOK_AHEAD = 25  # packets: a delay that passes within half a second is the network's, one that stays is the clock's
WINDOW_S = 10.0
_NS = 1e9

Seconds = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """Packets on one clock.

    rows: of the packets, by timestamp and without duplicates. ticks: of each, since the first one's timestamp.
    clock_hz: of the timestamps. began_s: when the sample with tick 0 was made, by our clock, plus the shortest delay.
    drift: shape (windows, 2), seconds since `began_s` and how much later than its clock says the sender then is.
    """

    ssrc: int
    rows: Rows
    ticks: npt.NDArray[np.int64]
    clock_hz: int
    began_s: float
    drift: Seconds

    @property
    def packet_s(self) -> float:
        """How long a packet usually lasts; 0.0 of one alone."""
        steps = self.ticks[1:] - self.ticks[:-1]
        return float(np.median(steps)) / self.clock_hz if len(steps) else 0.0


def find_runs(packets: RtpPackets, clock_hz: int, origin_ns: int) -> list[Run]:
    """The runs of one lane's packets, in the order of their beginning.

    clock_hz: of the timestamps. origin_ns: what `began_s` counts from.
    """
    runs: list[Run] = []
    for ssrc, rows in find_senders(packets).items():
        ticks = extend_timestamp(packets.timestamp[rows])
        transit_s = (packets.time_ns[rows] - origin_ns) / _NS - ticks / clock_hz
        starts = [0, *_find_jumps(transit_s).tolist(), len(rows)]
        for first, end in itertools.pairwise(starts):
            if first < end:
                runs.append(_make_run(ssrc, rows[first:end], ticks[first:end], transit_s[first:end], clock_hz))
    return sorted(runs, key=lambda run: run.began_s)


def _find_jumps(transit_s: Seconds) -> Rows:
    """Where the shortest delay of what follows leaves that of what came before, and stays away."""
    if len(transit_s) < 2 or transit_s.max() - transit_s.min() < _JUMP_S:
        return np.empty(0, np.intp)
    ahead = np.lib.stride_tricks.sliding_window_view(
        np.concatenate([transit_s, np.full(_LOOK_AHEAD - 1, transit_s[-1])]), _LOOK_AHEAD
    )
    lowest = ahead.min(axis=1)
    jumps = np.flatnonzero(np.abs(np.diff(lowest)) > _JUMP_S) + 1
    # A clock that falls back is seen ahead of time: the run begins with the packet that really jumped.
    moved = []
    for jump in jumps.tolist():
        near = transit_s[jump : jump + _LOOK_AHEAD + 1]
        steps = np.abs(np.diff(np.concatenate([transit_s[jump - 1 : jump], near])))
        moved.append(jump + int(steps.argmax()))
    return np.unique(np.array(moved, np.intp))


def _make_run(ssrc: int, rows: Rows, ticks: npt.NDArray[np.int64], transit_s: Seconds, clock_hz: int) -> Run:
    timely = transit_s - transit_s.min() < _LATE_MAX_S
    if not timely.all():
        rows, ticks, transit_s = rows[timely], ticks[timely], transit_s[timely]
    if not (ticks[1:] > ticks[:-1]).all():
        ticks, first = np.unique(ticks, return_index=True)
        rows, transit_s = rows[first], transit_s[first]
    relative = ticks - ticks[0]
    began_s, drift = _measure_drift(relative, clock_hz, transit_s + ticks[0] / clock_hz)
    return Run(ssrc=ssrc, rows=rows, ticks=relative, clock_hz=clock_hz, began_s=began_s, drift=drift)


def find_windows(ticks: npt.NDArray[np.int64], clock_hz: int) -> tuple[npt.NDArray[np.int64], Rows]:
    """The stretches of ten seconds that packets lie in, and where in them each begins; ticks: ascending from 0."""
    windows = ticks // round(WINDOW_S * clock_hz)
    starts = np.flatnonzero(np.concatenate([[True], windows[1:] != windows[:-1]]))
    return windows[starts], starts


def _measure_drift(ticks: npt.NDArray[np.int64], clock_hz: int, delays_s: Seconds) -> tuple[float, Seconds]:
    """Where the run is tied to our clock, and its drift from there; two windows or less show none."""
    windows, starts = find_windows(ticks, clock_hz)
    lowest = np.minimum.reduceat(delays_s, starts)
    if len(starts) <= 2:
        return float(lowest.min()), np.zeros((0, 2))
    middle_s = (windows + 0.5) * WINDOW_S
    around = lowest.tolist()
    smooth = np.array([median(around[max(place - 2, 0) : place + 3]) for place in range(len(around))])
    began_s = float(smooth[0])
    return began_s, np.stack([middle_s, smooth - began_s], axis=1)
