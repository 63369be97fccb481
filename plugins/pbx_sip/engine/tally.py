"""What an engine counts, for the health of its device."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """Since the start; by the number of a worker: workers, ways, troubles of its intake and of its disk.

    late: packets of recordings that came too late to be played. shortcomings: why packets come on another way than was
    asked for. unread: why those that come are not understood. unread_suites: when connections under TLS with a cipher
    suite that is not read here were seen last, monotonic.
    """

    recordings: int = 0
    absent: int = 0
    failed: int = 0
    late: int = 0
    workers: dict[int, dict[str, float]] = field(default_factory=dict)
    ways: dict[int, str] = field(default_factory=dict)
    shortcomings: dict[int, str] = field(default_factory=dict)
    intake_troubles: dict[int, str] = field(default_factory=dict)
    unread: dict[int, str] = field(default_factory=dict)
    unread_suites: dict[int, float] = field(default_factory=dict)
    disk_troubles: dict[int, str] = field(default_factory=dict)
    strangers: Counter[str] = field(default_factory=Counter)

    def forget(self, number: int) -> None:
        """A worker is no more."""
        for told in (self.ways, self.shortcomings, self.intake_troubles, self.unread, self.disk_troubles):
            told.pop(number, None)
        self.workers.pop(number, None)

    def sum(self, name: str) -> float:
        """What all workers counted under a name."""
        return sum(counts.get(name, 0.0) for counts in self.workers.values())
