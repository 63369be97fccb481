"""What time it is, in one place, so that tests can say it."""

from collections.abc import Callable
from datetime import UTC, datetime

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The present moment as aware UTC."""
    return datetime.now(UTC)


def to_ms(moment: datetime) -> int:
    """Milliseconds since the Unix epoch.

    Raises: ValueError for a moment without a time zone.
    """
    if moment.tzinfo is None:
        raise ValueError("time without a time zone")
    return int(moment.timestamp() * 1000)


def from_ms(epoch_ms: int) -> datetime:
    """The aware UTC moment of `epoch_ms` milliseconds since the Unix epoch."""
    return datetime.fromtimestamp(epoch_ms / 1000, UTC)
