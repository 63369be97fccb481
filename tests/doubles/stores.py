"""Stores for tests: a real folder, and one whose behaviour a test decides."""

import hashlib
import io
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, ClassVar

from hub.sdk import (
    BadRecording,
    Connector,
    Deletes,
    Health,
    HealthState,
    Kind,
    NotFound,
    PluginInfo,
    PluginSettings,
    StoredObject,
)
from hub.testing.fakes import FakeState
from plugins.connectors.local.plugin import LocalFolder
from plugins.connectors.local.settings import LocalSettings


class StoreContext:
    """What a connector sees of the hub; it outlives a restart of the connector."""

    def __init__(self, instance: str = "Test storage", state: Any = None) -> None:
        self.instance = instance
        self.state = state or FakeState()


def local_store(folder: Path, context: StoreContext | None = None, **settings: Any) -> LocalFolder:
    """A real local folder as a store."""
    return LocalFolder(LocalSettings(folder=folder, **settings), context or StoreContext())  # type: ignore[arg-type]


class NoSettings(PluginSettings):
    """Nothing to set."""


class FakeStore(Connector[NoSettings], Deletes):
    """Keeps objects in memory. fail: raised by every call while set. tells_checksum: whether it knows SHA-256.

    hold: calls wait here while it is not set. corrupt: what it keeps is not what it is given.
    """

    info: ClassVar[PluginInfo] = PluginInfo(
        name="fake", kind=Kind.CONNECTOR, title="Fake", summary="Keeps nothing.", settings=NoSettings
    )

    def __init__(self, name: str = "Fake storage", *, tells_checksum: bool = True) -> None:
        super().__init__(NoSettings(), StoreContext(name))  # type: ignore[arg-type]
        self.objects: dict[str, bytes] = {}
        self.fail: Exception | None = None
        self.corrupt = False
        self.tells_checksum = tells_checksum
        self.go = threading.Event()
        self.go.set()
        self.calls: list[str] = []
        self.closed = 0

    def check(self) -> Health:
        self._begin("check")
        return Health(HealthState.OK)

    def put(self, key: str, reader: BinaryIO, size_bytes: int, sha256: str) -> StoredObject:
        self._begin("put")
        content = reader.read()
        if (len(content), hashlib.sha256(content).hexdigest()) != (size_bytes, sha256):
            raise BadRecording(f"{key} is not what was announced")
        if key in self.objects and self.objects[key] != content:
            raise BadRecording(f"{key} holds other bytes")
        self.objects[key] = content[:-1] + b"!" if self.corrupt else content
        return StoredObject(key=key, size_bytes=len(content), sha256=sha256 if self.tells_checksum else "")

    def open(self, key: str, offset: int = 0, length: int | None = None) -> BinaryIO:
        self._begin("open")
        if key not in self.objects:
            raise NotFound(key)
        return io.BytesIO(self.objects[key][offset:][:length])

    def stat(self, key: str) -> StoredObject:
        self._begin("stat")
        if key not in self.objects:
            raise NotFound(key)
        return StoredObject(key=key, size_bytes=len(self.objects[key]))

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        return iter([])

    def delete(self, key: str) -> None:
        self._begin("delete")
        self.objects.pop(key, None)

    def close(self) -> None:
        self.closed += 1

    def _begin(self, name: str) -> None:
        self.calls.append(name)
        self.go.wait()
        if self.fail is not None:
            raise self.fail
