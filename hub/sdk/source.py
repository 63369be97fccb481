"""Contract of a source: it brings recordings in."""

from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, ClassVar

from hub.sdk.plugin import Plugin, S


class Source(Plugin[S]):
    """Finds recordings of one PBX and submits each of them; runs in a process of its own."""

    @abstractmethod
    async def run(self) -> None:
        """Work until cancelled; to return or raise means to be started again with back-off.

        Raises: SettingsError, AuthError (parked until the settings change), RetryLater.
        """


class Backfills(ABC):
    """Ability: the PBX still holds old recordings that can be asked for."""

    @abstractmethod
    async def backfill(self, since: datetime, until: datetime) -> int:
        """Submit what lies in [since, until).

        Returns: how many were submitted.
        """


class CallControl(StrEnum):
    """What can be asked of a call that is being recorded."""

    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"
    KEEP = "keep"
    DISCARD = "discard"


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlResult:
    """Whether the call now is as asked, and what to say if not."""

    done: bool
    text: str = ""


class Controls(ABC):
    """Ability: live calls can be paused, resumed, stopped, kept or discarded."""

    @abstractmethod
    async def control(self, call: str, action: CallControl, *, resume_after_s: float | None = None) -> ControlResult:
        """Carry out `action` on the live call with id `call`; the same request twice is done once.

        resume_after_s: with PAUSE, when the pause ends by itself; None: as the device's settings say.

        Raises: NotFound (the call is over).
        """


class Listens(ABC):
    """Ability: live calls can be listened to."""

    @abstractmethod
    def listen(self, call: str) -> AsyncIterator[bytes]:
        """PCM 16-bit little-endian stereo at 8000 Hz in blocks of 20 ms, until the call ends.

        Raises: NotFound (the call is over).
        """


class WindsUp(ABC):
    """Ability: others are told when the device is switched off or deleted, such as the clients of a recorder."""

    @abstractmethod
    async def wind_up(self) -> None:
        """Say good-bye, capture nothing more and hand over what is at hand; `run` is cancelled when this returns.

        Called only where the device stops for good: a restart, other settings or the end of the hub just cancel `run`.
        It has 10 s; what is not handed over by then is for the next start.
        """


class Demonstrates(ABC):
    """Ability: the plug-in can show itself at work without a PBX (`recording-hub demo`)."""

    @classmethod
    @abstractmethod
    def demo_settings(cls, folder: Path) -> dict[str, Any]:
        """Settings of an instance that finds what `play_demo` makes in `folder`."""

    @classmethod
    @abstractmethod
    def play_demo(cls, folder: Path) -> Iterator[str]:
        """Make calls as the PBX would, one a step; each step gives one line for people."""


class TakesFiles(ABC):
    """Ability: people can upload files that hold recordings, such as captures. names: of such files, as "*.pcap"."""

    names: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    async def take_file(self, path: Path, name: str) -> None:
        """Take over an uploaded file, which is moved or deleted; `name` is what people call it.

        Raises: BadRecording (it is not what it should be), RetryLater.
        """
