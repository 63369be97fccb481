"""What goes wrong on the board."""

from hub.errors import HubError


class AlarmGone(HubError):
    """There is no such open alarm: it never was, or it is over."""
