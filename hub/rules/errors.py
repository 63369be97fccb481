"""What the rules refuse."""

from collections.abc import Mapping, Sequence

from hub.errors import HubError


class RuleError(HubError):
    """Root of the refusals of this floor."""


class EntryMissing(RuleError):
    """There is no such rule, time profile or calendar, or it was deleted."""


class EntryChanged(RuleError):
    """Somebody else changed it in the meantime."""


class EntryInUse(RuleError):
    """Others refer to it; `users` names them."""

    def __init__(self, message: str, users: Sequence[str], *, hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.users = tuple(users)


class EntryRefused(RuleError):
    """Everything wrong with what was given: field -> sentences; "" holds what is wrong with the whole."""

    def __init__(self, by_field: Mapping[str, Sequence[str]]) -> None:
        told = (f"{name}: {text}" if name else text for name, texts in by_field.items() for text in texts)
        super().__init__("; ".join(told))
        self.by_field = {name: tuple(texts) for name, texts in by_field.items()}
