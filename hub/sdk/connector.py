"""Contract of a storage connector: it keeps finished recordings."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import BinaryIO

from hub.sdk.plugin import Plugin, S


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """What the other side says it holds; sha256 in lowercase hex, "" if it does not know."""

    key: str
    size_bytes: int
    sha256: str = ""


class Connector(Plugin[S]):
    """Keeps objects under keys such as "2026/11/21/<id>.opus"; blocking calls, made from several threads at once."""

    @abstractmethod
    def put(self, key: str, reader: BinaryIO, size_bytes: int, sha256: str) -> StoredObject:
        """Store the whole of `reader` or nothing, durably; the same key and bytes again change nothing.

        Raises: BadRecording (the bytes are not `size_bytes` long or not `sha256`; or `key` holds other bytes),
        RetryLater, AuthError.
        """

    @abstractmethod
    def open(self, key: str, offset: int = 0, length: int | None = None) -> BinaryIO:
        """Read `length` bytes (None: to the end) from byte `offset`; the caller closes it.

        Raises: NotFound, RetryLater, AuthError.
        """

    @abstractmethod
    def stat(self, key: str) -> StoredObject:
        """What is held under `key`.

        Raises: NotFound, RetryLater, AuthError.
        """

    @abstractmethod
    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """All objects whose key starts with `prefix`, in any order."""


class Deletes(ABC):
    """Ability: objects can be removed (from a DVD they cannot)."""

    @abstractmethod
    def delete(self, key: str) -> None:
        """Remove it; a missing key is fine."""


class Links(ABC):
    """Ability: time-limited links, so that playback need not pass through the hub."""

    @abstractmethod
    def link(self, key: str, expires_in: timedelta) -> str:
        """A URL that anyone holding it can read until it expires."""


class Retains(ABC):
    """Ability: write-once retention held by the storage itself."""

    @abstractmethod
    def retain(self, key: str, until: datetime) -> None:
        """No one may delete `key` before `until`."""
