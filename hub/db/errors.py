"""What goes wrong between the hub and its database."""

from hub.errors import HubError


class DatabaseAway(HubError):
    """The database does not answer now; nothing was changed, and the same call may work a little later."""


class DatabaseBroken(HubError):
    """The database answers and cannot be used: it is damaged, too new, or lacks an extension."""
