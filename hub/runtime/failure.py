"""What a plug-in or its process failed with, as it crosses process borders."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from hub.errors import HubError
from hub.sdk import AuthError, BadRecording, NotFound, PluginError, RetryLater, SettingsError


class FailureKind(StrEnum):
    """What the failure asks for; the first five are a plug-in's own words."""

    SETTINGS = "settings"
    AUTH = "auth"
    RETRY_LATER = "retry_later"
    BAD_RECORDING = "bad_recording"
    NOT_FOUND = "not_found"
    TIMEOUT = "timeout"
    CRASHED = "crashed"
    OUT_OF_MEMORY = "out_of_memory"
    PLUGIN_MISSING = "plugin_missing"
    SUPERVISOR_AWAY = "supervisor_away"


_KINDS: tuple[tuple[type[BaseException], FailureKind], ...] = (
    (AuthError, FailureKind.AUTH),
    (BadRecording, FailureKind.BAD_RECORDING),
    (NotFound, FailureKind.NOT_FOUND),
    (MemoryError, FailureKind.OUT_OF_MEMORY),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One failure in words; `fields` holds what is wrong by field, after_s when to try again."""

    kind: FailureKind
    message: str
    hint: str = ""
    fields: dict[str, list[str]] | None = None
    after_s: float | None = None

    @classmethod
    def of(cls, exc: BaseException) -> "Failure":
        """The failure that `exc` stands for; anything a plug-in did not raise on purpose is a crash."""
        exc = _root(exc)
        hint, text = str(getattr(exc, "hint", "")), str(exc)
        if isinstance(exc, SettingsError):
            return cls(kind=FailureKind.SETTINGS, message=text, hint=hint, fields={exc.field: [text]})
        if isinstance(exc, RetryLater):
            after_s = max(exc.after.total_seconds(), 0.0) if exc.after is not None else None
            return cls(kind=FailureKind.RETRY_LATER, message=text, hint=hint, after_s=after_s)
        for error, kind in _KINDS:
            if isinstance(exc, error):
                return cls(kind=kind, message=text, hint=hint)
        return cls(kind=FailureKind.CRASHED, message=f"{type(exc).__name__}: {text}" if text else type(exc).__name__)

    @classmethod
    def from_json(cls, values: dict[str, Any]) -> "Failure":
        """The failure that `to_json` wrote.

        Raises: KeyError, ValueError, TypeError if it is none.
        """
        after_s, fields = values.get("after_s"), values.get("fields")
        return cls(
            kind=FailureKind(values["kind"]),
            message=str(values["message"]),
            hint=str(values.get("hint", "")),
            fields={str(name): [str(text) for text in texts] for name, texts in fields.items()} if fields else None,
            after_s=None if after_s is None else float(after_s),
        )

    def to_json(self) -> dict[str, Any]:
        """As JSON values, for the wire."""
        return {
            "kind": self.kind.value,
            "message": self.message,
            "hint": self.hint,
            "fields": self.fields,
            "after_s": self.after_s,
        }


def _root(exc: BaseException) -> BaseException:
    """Of a group (a plug-in that uses task groups) the error that says what to do, else the first."""
    if not isinstance(exc, BaseExceptionGroup):
        return exc
    roots = [_root(inner) for inner in exc.exceptions]
    return next((root for root in roots if isinstance(root, PluginError)), roots[0])


class PluginFailure(HubError):
    """A plug-in could not do what was asked; `failure` says why in a form that a page can show."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.message, hint=failure.hint)
        self.failure = failure

    @property
    def kind(self) -> FailureKind:
        """What the failure asks for."""
        return self.failure.kind

    @property
    def by_field(self) -> dict[str, list[str]]:
        """What is wrong by field; empty where no setting is to blame."""
        return dict(self.failure.fields or {})


class SupervisorAway(HubError):
    """The supervisor does not answer on its command channel."""
