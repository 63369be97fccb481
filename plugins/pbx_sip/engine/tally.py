"""What an engine counts, for the health of its device."""

from collections import Counter
from dataclasses import dataclass, field


@dataclass(slots=True)
class Tally:
    """Since the start; workers, ways and troubles by the number of a worker."""

    recordings: int = 0
    absent: int = 0
    failed: int = 0
    workers: dict[int, dict[str, float]] = field(default_factory=dict)
    ways: dict[int, str] = field(default_factory=dict)
    troubles: dict[int, str] = field(default_factory=dict)
    strangers: Counter[str] = field(default_factory=Counter)

    def sum(self, name: str) -> float:
        """What all workers counted under a name."""
        return sum(counts.get(name, 0.0) for counts in self.workers.values())
