"""Who sends media to calls without being part of them, as people are told."""

import time
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hub.sdk import Alarm, Severity
from plugins.pbx_sip.engine.incidents import LASTS_S

KEY = "media.strangers"
NAMED_MAX = 3
_HOSTS_MAX = 1000


@dataclass(slots=True)
class _Stranger:
    """packets: by port of ours. heard_s: when one came last, monotonic."""

    heard_s: float
    packets: Counter[str] = field(default_factory=Counter)


class Strangers:
    """Remembers each for as long as the alarm that names it lasts."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._known: dict[str, _Stranger] = {}

    def note(self, packets: Mapping[str, int]) -> Alarm | None:
        """Take in how many came, by `host>port`. Returns: what people are to be told; None if none came."""
        now_s = self._clock()
        self._known = {host: each for host, each in self._known.items() if now_s - each.heard_s < LASTS_S}
        for way, count in packets.items():
            host, _, port = way.partition(">")
            if host in self._known or len(self._known) < _HOSTS_MAX:
                known = self._known.setdefault(host, _Stranger(now_s))
                known.heard_s = now_s
                known.packets[port] += count
        return self._describe() if packets else None

    def _describe(self) -> Alarm:
        ranked = sorted(self._known, key=lambda host: -self._known[host].packets.total())
        count = sum(each.packets.total() for each in self._known.values())
        hosts, others = ", ".join(ranked[:NAMED_MAX]), len(ranked) - NAMED_MAX
        if len(ranked) == 1:
            host, port = ranked[0], self._known[ranked[0]].packets.most_common(1)[0][0]
            text = f"{host} sent media to port {port} of a call without being part of it ({count} packets)."
        elif others <= 0:
            text = f"{hosts} sent media to calls without being part of them ({count} packets)."
        else:
            text = f"{hosts} and {others} more sent media to calls without being part of them ({count} packets)."
        return Alarm(
            key=KEY,
            code="MEDIA_REFUSED",
            severity=Severity.WARNING,
            text=text,
            hint="If it is a media gateway of your telephone system, the system must name it in its sessions.",
        )
