"""Times as recording clients write them."""

from datetime import UTC, datetime, timedelta

TIME_CHARS_MAX = 64
TRUSTED_DRIFT = timedelta(days=1)
CLOCK_DIFFERENCE = timedelta(seconds=2)


def parse_time(text: str) -> datetime | None:
    """A time in UTC; without a zone where none is written; None if it is none.

    Source: RFC 3339; clients also write +0000 and leave the zone out.
    """
    bare = text.strip()
    if not bare or len(bare) > TIME_CHARS_MAX:
        return None
    try:
        moment = datetime.fromisoformat(bare.upper())
        return moment.astimezone(UTC) if moment.tzinfo else moment
    except (ValueError, OverflowError):
        return None


def choose_time(said: datetime | None, received_at: datetime, since: datetime | None = None) -> datetime:
    """The time that metadata says, or that of its arrival if it says none, no zone, or one that cannot be.

    Clients without a set clock write 1970; a time without a zone may be that of any place; and nobody tells of what
    is to come. since: when the client spoke last and said otherwise, None if it had not spoken yet.
    """
    if said is None or said.tzinfo is None or not received_at - TRUSTED_DRIFT < said < received_at:
        return received_at
    return received_at if since is not None and said < since - CLOCK_DIFFERENCE else said
