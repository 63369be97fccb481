"""One lamp for a device of several parts: the worst of them decides, each says its own line."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from hub.sdk import Health, HealthState

ORDER = (HealthState.OK, HealthState.DEGRADED, HealthState.DOWN)
NUMBERS_EVERY_S = 5.0


@dataclass(slots=True)
class Part:
    """How one part is: its lamp, its line, what to do."""

    state: HealthState
    summary: str
    hint: str = ""


@dataclass(slots=True)
class Statuses:
    """Collects how the parts are and reports the whole: changes at once, numbers now and then."""

    report: Callable[[Health], None]
    parts: dict[str, Part] = field(default_factory=dict)
    counters: dict[str, Callable[[], Mapping[str, float]]] = field(default_factory=dict)
    _last: Health | None = None

    def ok(self, part: str, summary: str) -> None:
        """The part works."""
        self.put(part, Part(HealthState.OK, summary))

    def degraded(self, part: str, summary: str, hint: str = "") -> None:
        """The part works, but not as it should."""
        self.put(part, Part(HealthState.DEGRADED, summary, hint))

    def down(self, part: str, summary: str, hint: str = "") -> bool:
        """The part does not work; whether that is news."""
        return self.put(part, Part(HealthState.DOWN, summary, hint))

    def put(self, part: str, status: Part) -> bool:
        """Set the part's status, and tell the hub if the lamp or its words change; whether they do."""
        if self.parts.get(part) == status:
            return False
        self.parts[part] = status
        self._tell()
        return True

    def forget(self, part: str) -> None:
        """There is nothing to say of this part any more."""
        if self.parts.pop(part, None):
            self._tell()

    def health(self) -> Health:
        """All parts as one."""
        if not self.parts:
            return Health(HealthState.OK, "Starting")
        worst = max((part.state for part in self.parts.values()), key=ORDER.index)
        shown = [part for part in self.parts.values() if part.state is worst]
        numbers: dict[str, float] = {}
        for counter in self.counters.values():
            for name, value in counter().items():
                numbers[name] = (
                    max(numbers.get(name, 0), value) if name.endswith("_s") else numbers.get(name, 0) + value
                )
        return Health(
            worst,
            " ".join(part.summary for part in shown),
            " ".join(dict.fromkeys(part.hint for part in shown if part.hint)),
            numbers,
        )

    async def run(self) -> None:
        """Report fresh numbers until cancelled."""
        while True:
            self._tell()
            await asyncio.sleep(NUMBERS_EVERY_S)

    def _tell(self) -> None:
        health = self.health()
        if health != self._last:
            self._last = health
            self.report(health)
