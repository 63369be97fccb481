"""What the access floor refuses, each with a reason that may be shown."""

from hub.errors import HubError


class AccessError(HubError):
    """Root of the refusals of this floor."""


class Forbidden(AccessError):
    """The person may not do this; `permission` is the key that would allow it."""

    def __init__(self, message: str, *, permission: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.permission = permission


class SignInRefused(AccessError):
    """One text for every cause, so that nobody learns which logins exist; `retry_after_s` is 0 or a wait."""

    def __init__(self, message: str, *, retry_after_s: int = 0, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.retry_after_s = retry_after_s


class PasswordRefused(AccessError):
    """The new password is not taken; `code` names the rule."""

    def __init__(self, message: str, *, code: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.code = code


class SetupRefused(AccessError):
    """The set-up link does not hold (any more), or an administrator exists already."""


class InvalidEntry(AccessError):
    """A field's value is not taken; `field` names it."""

    def __init__(self, message: str, *, field: str, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.field = field


class NotThere(AccessError):
    """No such person, session or token, or it is someone else's."""
