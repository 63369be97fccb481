"""What goes wrong with background work, and how a handler says so."""

from hub.errors import HubError


class JobGone(HubError):
    """There is no such job in a state that allows this."""


class ClaimLost(HubError):
    """The job is not this worker's any more: its lease ended and another one took it."""


class JobHopeless(HubError):
    """Raised by a handler: trying again can never help, so the job is given up at once."""


class JobCancelled(HubError):
    """Raised out of a handler's `check`: somebody wants the job to end."""


class JobInterrupted(HubError):
    """Raised out of a handler's `check`: the worker stops, or has lost the job; it is done again from its beginning."""
