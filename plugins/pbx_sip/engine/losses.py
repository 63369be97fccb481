"""What people are told of packets that were lost, and of those that wait because the disk takes nothing."""

import time
from collections.abc import Mapping, Sequence
from typing import Any

from hub.sdk import Alarm, PluginContext, Severity
from plugins.pbx_sip.engine.incidents import Incidents
from plugins.pbx_sip.engine.tally import Tally

_LOST = ("lost_in_kernel", "lost_for_want_of_disk")
_WAITS = "disk.waits"
_STEPS = 4  # the alarm is told anew at each quarter of the memory that fills


class Losses:
    """Takes in what the workers count, and raises alarms."""

    def __init__(self, ctx: PluginContext, incidents: Incidents, tally: Tally) -> None:
        self._ctx = ctx
        self._incidents = incidents
        self._tally = tally
        self._told: tuple[str, int] | None = None  # unknown: a control before this one may have raised it

    def hear(self, number: int, facts: Mapping[str, Any], calls: Sequence[str]) -> None:
        """Note what a worker counted; calls: those that are recorded now."""
        tally, counts = self._tally, dict(facts)
        tally.ways[number] = counts.pop("way")
        tally.intake_troubles[number] = counts.pop("intake_trouble")
        tally.unread[number] = counts.pop("unread", "")
        tally.unread_suites.update(dict.fromkeys(counts.pop("unread_suites", ()), time.monotonic()))
        tally.disk_troubles[number] = counts.pop("disk_trouble")
        tally.shortcomings[number] = counts.pop("shortcoming", "")
        tally.strangers.update(counts.pop("strangers"))
        before, tally.workers[number] = tally.workers.get(number, {}), counts
        lost = sum(counts[name] - before.get(name, 0) for name in _LOST)
        if lost > 0:
            self._tell_lost(lost, calls)
        self._tell_waiting(calls)

    def _tell_lost(self, packets: float, calls: Sequence[str]) -> None:
        text = f"Packets were lost on the way into the recorder ({packets:.0f}) while no call was recorded."
        if len(calls) == 1:
            text = f"Packets were lost on the way into the recorder ({packets:.0f}) while {calls[0]} was recorded."
        elif calls:
            text = (
                f"Packets were lost on the way into the recorder ({packets:.0f}) while {len(calls)} calls were "
                f"recorded, {', '.join(calls[:5])} among them."
            )
        self._incidents.tell(
            Alarm(
                key="packets.lost",
                code="PACKETS_LOST",
                severity=Severity.MAJOR,
                text=text,
                hint="Run `recording-hub capture check`: it says what to mend on this machine.",
            )
        )

    def _tell_waiting(self, calls: Sequence[str]) -> None:
        trouble = next(filter(None, self._tally.disk_troubles.values()), "")
        if not trouble:
            if self._told != ("", 0):
                self._told = ("", 0)
                self._ctx.clear_alarm(_WAITS)
            return
        waiting, room = self._tally.sum("waiting_bytes"), self._tally.sum("waiting_bytes_max")
        told = (trouble, int(_STEPS * waiting / room))
        if told != self._told:
            self._told = told
            folder = self._ctx.scratch
            self._ctx.raise_alarm(
                Alarm(
                    key=_WAITS,
                    code="MEDIA_WAITS",
                    severity=Severity.CRITICAL,
                    text=f"The disk of {folder} takes no media ({trouble}): it waits in memory, "
                    f"{waiting / 1e6:.0f} of {room / 1e6:.0f} MB. Calls being recorded: {len(calls)}.",
                    hint="Make room on that disk, or mend it: then everything is written and calls that ended "
                    "meanwhile are made into recordings. When the memory is full, the oldest is lost.",
                )
            )
