"""What all plug-ins share: identity, settings, context, version."""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar, Generic, NamedTuple, Protocol, TypeVar

from hub.sdk.health import Alarm, Health
from hub.sdk.live import LiveCall
from hub.sdk.recording import CallDetail, Receipt, RecordingDraft, Stage
from hub.sdk.rules import AbsentCall, CallOutline, Verdict
from hub.sdk.settings import PluginSettings


class ApiVersion(NamedTuple):
    """(major, minor): a plug-in loads if the major is the same and its minor is not above the hub's."""

    major: int
    minor: int

    def accepts(self, plugin: "ApiVersion") -> bool:
        """Whether a hub of this version runs a plug-in built for `plugin`."""
        return plugin.major == self.major and plugin.minor <= self.minor

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}"


API_VERSION = ApiVersion(1, 0)


class Kind(StrEnum):
    """One entry-point group per kind: recording_hub.source, recording_hub.connector, ..."""

    SOURCE = "source"
    CONNECTOR = "connector"
    MIGRATOR = "migrator"
    NOTIFIER = "notifier"


@dataclass(frozen=True, slots=True, kw_only=True)
class PluginInfo:
    """What the hub knows of a plug-in without making an instance; `name` equals the entry-point name.

    icon: name of one of the hub's icons. docs_url: where the manual is.
    """

    name: str
    kind: Kind
    title: str
    summary: str
    settings: type[PluginSettings]
    api: ApiVersion = API_VERSION
    docs_url: str = ""
    icon: str = ""


class Log(Protocol):
    """The structlog calls a plug-in uses: a constant event name first, facts as keywords."""

    def debug(self, event: str, **facts: Any) -> Any:
        """Of use to an engineer."""

    def info(self, event: str, **facts: Any) -> Any:
        """Normal work."""

    def warning(self, event: str, **facts: Any) -> Any:
        """Works, and should be looked at."""

    def error(self, event: str, **facts: Any) -> Any:
        """Did not work."""


class State(Protocol):
    """A plug-in instance's own durable memory: small JSON values under keys."""

    def get(self, key: str) -> Any:
        """The value of `key`, None if there is none."""

    def put(self, key: str, value: Any) -> None:
        """Keep `value` durably."""

    def put_many(self, values: Mapping[str, Any]) -> None:
        """Keep all of `values`, or none."""

    def delete(self, *keys: str) -> None:
        """Forget `keys`; a missing one is fine."""

    def items(self, prefix: str = "") -> Iterator[tuple[str, Any]]:
        """All (key, value) whose key starts with `prefix`, in the order of keys."""
        ...


class PluginContext(Protocol):
    """All that a plug-in gets from the hub; `hub.testing.FakeContext` is its double."""

    @property
    def instance(self) -> str:
        """The name people gave this instance, such as "Head office"."""
        ...

    @property
    def log(self) -> Log:
        """Where to say what happens; the instance's name is bound already."""
        ...

    @property
    def state(self) -> State:
        """This instance's durable memory."""
        ...

    @property
    def scratch(self) -> Path:
        """A folder of this instance's own, on the spool's file system, kept over restarts."""
        ...

    async def submit(self, draft: RecordingDraft) -> Receipt:
        """Hand a recording over; returns once it is durable.

        Raises: RetryLater (the hub cannot take it now, such as a full disk); BadRecording (the media changed or
        cannot be read; the source keeps it).
        """
        ...

    async def submit_detail(self, detail: CallDetail) -> Receipt:
        """Hand over what the PBX said about a call, as durably as a recording."""
        ...

    async def submit_absence(self, call: AbsentCall) -> Receipt:
        """Hand over what is known of a call that was not recorded, as durably as a recording."""
        ...

    async def stage(self, receipt_id: str) -> Stage:
        """How far a handed-over recording has come.

        Raises: RetryLater (the catalog is away); NotFound (no such receipt).
        """
        ...

    def decide(self, call: CallOutline) -> Verdict:
        """Whether the recording rules want a call; at once, from memory, each call only once."""
        ...

    def show_call(self, call: LiveCall) -> None:
        """Put a call on the list of those that go on, or say what changed."""
        ...

    def drop_call(self, call_id: str) -> None:
        """Take the call with this id off the list; one that is not on it is fine."""
        ...

    def seal(self, plain: bytes) -> str:
        """Bytes as text that only this instance can open, for what must not lie readable on the disk."""
        ...

    def unseal(self, sealed: str) -> bytes:
        """What `seal` was given.

        Raises: SettingsError where it was changed, or the hub's master key is missing.
        """
        ...

    def report(self, health: Health) -> None:
        """Say how it is now; the lamp follows at once."""
        ...

    def raise_alarm(self, alarm: Alarm) -> None:
        """Raise or update a condition of this instance."""
        ...

    def clear_alarm(self, key: str) -> None:
        """The condition is over."""
        ...


S = TypeVar("S", bound=PluginSettings)


class Plugin(ABC, Generic[S]):
    """Lifecycle: __init__ (no I/O), check(), run() or calls, close(); all but __init__ may be repeated.

    Calls on one instance are never parallel unless a contract says so. Several instances of one plug-in are
    always allowed, so nothing is kept in module variables.
    """

    info: ClassVar[PluginInfo]

    def __init__(self, settings: S, ctx: PluginContext) -> None:
        self.settings = settings
        self.ctx = ctx

    @abstractmethod
    def check(self) -> Health:
        """Try the other side once, within 10 s, and change nothing there.

        Raises: SettingsError, AuthError, RetryLater.
        """

    def close(self) -> None:
        """Let go of everything; safe to call twice and after a failed start."""
