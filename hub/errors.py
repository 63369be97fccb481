"""The root of the hub's own errors; each package has one beneath it."""


class HubError(Exception):
    """What happened, in one sentence; `hint` is what a person can do about it."""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.hint = hint
