"""The stores of the hub: connector instances by their id, each behind its limit and its deadlines."""

import errno
import io
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, BinaryIO, TypeVar

from hub.db.errors import DatabaseAway, DatabaseBroken
from hub.errors import HubError
from hub.observe.metrics import CONNECTOR_SECONDS
from hub.sdk import AuthError, Connector, Deletes, Health, PluginError, RetryLater, StoredObject
from hub.vault.calls import Calls

T = TypeVar("T")
OpenInstance = Callable[[int], Connector[Any]]

_CALLS_MAX = 4
_DEADLINE_S = 60.0
_CHECK_DEADLINE_S = 12.0
_READ_BYTES = 1 << 18
_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class Trouble(StrEnum):
    """Why a store does not serve now."""

    DOWN = "down"
    FULL = "full"
    AUTH = "auth"


class StoreFault(HubError):
    """A store cannot be opened, or raised what no contract allows: a fault of its code, or of what it was given."""


def name_trouble(exc: BaseException) -> Trouble:
    """Which trouble an error of a connector stands for; "full" is told by the system's error under it."""
    cause: BaseException | None = exc
    while cause is not None:
        if isinstance(cause, OSError) and cause.errno in _FULL:
            return Trouble.FULL
        cause = cause.__cause__
    return Trouble.AUTH if isinstance(exc, AuthError) else Trouble.DOWN


@dataclass(slots=True)
class _Store:
    """One opened instance."""

    connector: Connector[Any]
    calls: Calls


@dataclass(slots=True)
class _Slot:
    """The place of one instance, so that opening one does not hold up the others."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    store: _Store | None = None


class Stores:
    """All stores; calls may come from any number of threads.

    Every method raises what the connector's contract says; RetryLater also where it does not answer in time; and
    StoreFault for what no contract allows.
    """

    def __init__(
        self, open_instance: OpenInstance, *, calls_max: int = _CALLS_MAX, deadline_s: float = _DEADLINE_S
    ) -> None:
        self._open_instance = open_instance
        self._calls_max = calls_max
        self._deadline_s = deadline_s
        self._lock = threading.Lock()
        self._slots: dict[int, _Slot] = {}

    def put(self, store_id: int, key: str, reader: BinaryIO, size_bytes: int, sha256: str) -> StoredObject:
        """Store an object; the deadline begins anew whenever the store has read some more of it."""
        source = _Watched(reader)
        put = self._get(store_id).connector.put
        return self._call(store_id, "put", lambda: put(key, source, size_bytes, sha256), source.has_moved)

    def open(
        self, store_id: int, key: str, offset: int = 0, length: int | None = None, *, deadline_s: float | None = None
    ) -> io.BufferedReader:
        """Read a range; each read of it has the deadline too."""
        connector = self._get(store_id).connector
        opened = self._call(store_id, "open", lambda: connector.open(key, offset, length), deadline_s=deadline_s)
        guarded = _Guarded(opened, lambda read: self._call(store_id, "read", read, deadline_s=deadline_s))
        return io.BufferedReader(guarded, _READ_BYTES)

    def stat(self, store_id: int, key: str) -> StoredObject:
        """What is held under `key`."""
        connector = self._get(store_id).connector
        return self._call(store_id, "stat", lambda: connector.stat(key))

    def delete(self, store_id: int, key: str) -> bool:
        """Remove an object.

        Returns: False if this store removes nothing.
        """
        connector = self._get(store_id).connector
        if not isinstance(connector, Deletes):
            return False
        self._call(store_id, "delete", lambda: connector.delete(key))
        return True

    def check(self, store_id: int) -> Health:
        """Try the store once."""
        connector = self._get(store_id).connector
        return self._call(store_id, "check", connector.check, deadline_s=_CHECK_DEADLINE_S)

    def name(self, store_id: int) -> str:
        """What people call it, as far as that is known."""
        slot = self._slots.get(store_id)
        return slot.store.connector.ctx.instance if slot and slot.store else f"store {store_id}"

    def forget(self, store_id: int) -> None:
        """Open it anew at the next call: its settings changed."""
        with self._lock:
            slot = self._slots.pop(store_id, None)
        if slot and slot.store:
            with suppress(Exception):
                slot.store.calls.run(slot.store.connector.close, _CHECK_DEADLINE_S)

    def close(self) -> None:
        """Close all."""
        for store_id in list(self._slots):
            self.forget(store_id)

    def _get(self, store_id: int) -> _Store:
        with self._lock:
            slot = self._slots.setdefault(store_id, _Slot())
        with slot.lock:
            if slot.store is None:
                connector = self._open(store_id)
                slot.store = _Store(connector, Calls(connector.ctx.instance, self._calls_max))
            return slot.store

    def _open(self, store_id: int) -> Connector[Any]:
        try:
            return self._open_instance(store_id)
        except (PluginError, DatabaseAway, DatabaseBroken):
            raise
        except HubError as exc:
            raise StoreFault(f"{self.name(store_id)} cannot be opened: {exc}", hint=exc.hint) from exc
        except Exception as exc:
            raise StoreFault(f"{self.name(store_id)} cannot be opened: {type(exc).__name__}: {exc}") from exc

    def _call(
        self,
        store_id: int,
        name: str,
        work: Callable[[], T],
        is_moving: Callable[[], bool] = bool,
        deadline_s: float | None = None,
    ) -> T:
        store = self._get(store_id)
        began_s = time.monotonic()
        result = "ok"
        try:
            return store.calls.run(work, deadline_s or self._deadline_s, is_moving)
        except PluginError as exc:
            result = type(exc).__name__
            raise
        except Exception as exc:
            result = StoreFault.__name__
            raise StoreFault(f"{self.name(store_id)}: {type(exc).__name__}: {exc}") from exc
        finally:
            CONNECTOR_SECONDS.labels(str(store_id), name, result).observe(time.monotonic() - began_s)


class _Source(io.RawIOBase):
    """A reader of any kind as a raw stream."""

    def __init__(self, reader: BinaryIO) -> None:
        self._reader = reader

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """As the reader."""
        return self._reader.seekable()

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """As the reader: a store may begin anew after a broken connection."""
        return self._reader.seek(offset, whence)

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # all that BufferedReader ever gives
        """As the reader."""
        return self._reader.readinto(buffer)  # type: ignore[attr-defined,no-any-return]  # what the hub opens has it


class _Watched(io.BufferedReader):
    """A reader that knows whether it was read since it was last asked."""

    def __init__(self, reader: BinaryIO) -> None:
        super().__init__(_Source(reader), _READ_BYTES)
        self._moved = False

    def read(self, size: int | None = -1, /) -> bytes:
        """As any reader."""
        self._moved = True
        return super().read(size)

    def read1(self, size: int = -1, /) -> bytes:
        """As any reader."""
        self._moved = True
        return super().read1(size)

    def readinto(self, buffer: Any, /) -> int:
        """As any reader."""
        self._moved = True
        return super().readinto(buffer)

    def has_moved(self) -> bool:
        """Whether it was read since the last call of this."""
        moved, self._moved = self._moved, False
        return moved


class _Guarded(io.RawIOBase):
    """A store's object being read, each read as a call with a deadline."""

    def __init__(self, opened: BinaryIO, call: Callable[[Callable[[], bytes]], bytes]) -> None:
        self._opened = opened
        self._call = call

    def readable(self) -> bool:
        """It is."""
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]  # all that BufferedReader ever gives
        """Fill `buffer` as far as one read goes."""
        chunk = self._call(lambda: self._opened.read(len(buffer)))
        buffer[: len(chunk)] = chunk
        return len(chunk)

    def close(self) -> None:
        """Close the object, once; a store that hangs is left behind."""
        if not self.closed:
            super().close()
            with suppress(RetryLater, StoreFault):
                self._call(self._close)

    def _close(self) -> bytes:
        self._opened.close()
        return b""
