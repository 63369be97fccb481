"""Calls that came in badly, as people are told: what was lost or late on the way to the recorder, and of which call."""

import time
from collections import deque
from collections.abc import Callable

from hub.sdk import Alarm, RecordingDraft, Severity
from plugins.pbx_sip.engine.incidents import LASTS_S, Incidents
from plugins.pbx_sip.engine.tally import Tally
from plugins.pbx_sip.rtp.quality import Quality

_POOR_SHARE = 0.05  # of the packets of a party: from here on people hear it
_PACKETS_MIN = 250  # 5 s of speech: of less, nothing can be said
_KEY = "reception.poor"


class Reception:
    """Remembers what came in badly for as long as the alarm that tells of it lasts."""

    def __init__(self, incidents: Incidents, tally: Tally, clock: Callable[[], float] = time.monotonic) -> None:
        self._incidents = incidents
        self._tally = tally
        self._clock = clock
        self._poor_at_s: deque[float] = deque()

    def hear(self, draft: RecordingDraft, qualities: tuple[Quality, ...]) -> None:
        """Note how well each party of a recording came in."""
        self._tally.late += sum(each.late for each in qualities)
        poor = max(qualities, key=_poor_share, default=None)
        if poor is None or _poor_share(poor) < _POOR_SHARE:
            return
        now_s = self._clock()
        self._poor_at_s.append(now_s)
        while self._poor_at_s[0] <= now_s - LASTS_S:
            self._poor_at_s.popleft()
        self._incidents.tell(
            Alarm(
                key=_KEY,
                code="POOR_RECEPTION",
                severity=Severity.WARNING,
                text=_describe(draft, poor, len(self._poor_at_s)),
                hint="See whether the network or the mirror port is overloaded; the details of each recording say how "
                "every party came in. `recording-hub capture check` looks at this machine.",
            )
        )


def _poor_share(quality: Quality) -> float:
    """Of the packets of a party, how many nobody could have played."""
    sent = quality.received + quality.lost
    return (quality.lost + quality.late) / sent if sent >= _PACKETS_MIN else 0.0


def _describe(draft: RecordingDraft, poor: Quality, calls: int) -> str:
    numbers = [party.number for party in draft.parties if party.number]
    call = ", ".join(numbers[:2]) or draft.call_id or draft.origin_id
    sent = poor.received + poor.lost
    if calls == 1:
        return (
            f"A call came in badly ({call}): of {sent} packets of a party {poor.lost} were lost and {poor.late} late."
        )
    return (
        f"{calls} calls came in badly, the last of them {call}: of {sent} packets of a party {poor.lost} were lost and "
        f"{poor.late} late."
    )
