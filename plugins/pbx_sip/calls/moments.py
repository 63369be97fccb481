"""Times of the wire as times of people."""

import time
from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def now_ns() -> int:
    """The time of the wire: ns since 1970, UTC."""
    return time.time_ns()


def moment(at_ns: int) -> datetime:
    """A time in ns since 1970, as aware UTC."""
    return EPOCH + timedelta(microseconds=at_ns // 1000)
