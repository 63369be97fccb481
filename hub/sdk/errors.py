"""What a plug-in may raise: the class tells the hub what to do next, nothing else does."""

from datetime import timedelta


class PluginError(Exception):
    """Every error that a plug-in raises on purpose; `hint` is one sentence a person can act on."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint


class SettingsError(PluginError):
    """A setting is wrong: it is shown beside its field and not retried."""

    def __init__(self, message: str, *, field: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.field = field


class AuthError(PluginError):
    """Credentials were refused: one alarm is raised and new settings are awaited."""


class RetryLater(PluginError):
    """The other side is away: tried again after `after`, or with the hub's back-off."""

    def __init__(self, message: str, *, after: timedelta | None = None, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.after = after


class BadRecording(PluginError):
    """This one item cannot be taken: it goes to quarantine and the next one is served."""


class NotFound(PluginError):
    """No object has this key."""
