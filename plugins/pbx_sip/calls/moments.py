"""Times of the wire as times of people."""

from datetime import UTC, datetime, timedelta

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def moment(at_ns: int) -> datetime:
    """A time in ns since 1970, as aware UTC."""
    return EPOCH + timedelta(microseconds=at_ns // 1000)
