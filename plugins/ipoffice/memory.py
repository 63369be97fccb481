"""What a device must remember over a restart: files that stay in their folder, and files that wait to be deleted."""

import asyncio
import hashlib
import os
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from hub.sdk import RetryLater, State
from plugins.ipoffice.folder import Look

SEEN_MAX = 500_000
FLUSH_EVERY_S = 0.25


class LazyWriter:
    """Writes to the state in batches; what a crash loses of them is only found out again."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._put: dict[str, Any] = {}
        self._gone: set[str] = set()

    def put(self, key: str, value: Any) -> None:
        """Keep soon."""
        self._gone.discard(key)
        self._put[key] = value

    def delete(self, key: str) -> None:
        """Forget soon."""
        self._put.pop(key, None)
        self._gone.add(key)

    def flush(self) -> None:
        """Write now.

        Raises: RetryLater (nothing is lost, it is tried again).
        """
        if self._put:
            self._state.put_many(dict(self._put))
            self._put.clear()
        if self._gone:
            self._state.delete(*self._gone)
            self._gone.clear()

    async def run(self) -> None:
        """Write every now and then until cancelled, and a last time."""
        try:
            while True:
                await asyncio.sleep(FLUSH_EVERY_S)
                with suppress(RetryLater):
                    self.flush()
        finally:
            with suppress(RetryLater):
                self.flush()


class SeenFiles:
    """Which files in a folder were handed over already and are left there; a changed file is a new one.

    It forgets files that are gone, so it grows no larger than the folder; beyond `SEEN_MAX` it forgets the rest, and
    the hub then finds out by itself that it has such a file.
    """

    def __init__(self, state: State, writer: LazyWriter, door: str) -> None:
        self._prefix = f"seen:{door}:"
        self._writer = writer
        self._marks = {int(key[len(self._prefix) :], 16) for key, _ in state.items(self._prefix)}

    def __len__(self) -> int:
        return len(self._marks)

    def has(self, path: str, look: Look) -> bool:
        """Whether this very file was handed over."""
        return bool(self._marks) and mark(path, look) in self._marks

    def add(self, path: str, look: Look) -> None:
        """Remember a file."""
        if len(self._marks) < SEEN_MAX:
            number = mark(path, look)
            self._marks.add(number)
            self._writer.put(f"{self._prefix}{number:016x}", 1)

    def keep_only(self, marks: set[int]) -> None:
        """Forget all but `marks`, the files of a full listing."""
        for number in self._marks - marks:
            self._marks.discard(number)
            self._writer.delete(f"{self._prefix}{number:016x}")


def mark(path: str, look: Look) -> int:
    """64 bits that stand for a file by its name, size and time."""
    text = b"%s\0%d\0%d" % (os.fsencode(path), look.size_bytes, look.mtime_ns)
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest())


@dataclass(frozen=True, slots=True)
class HeldFile:
    """A file that was handed over and is kept until the hub has it safe enough."""

    receipt_id: str
    name: str
    folder: str
    path: str
    look: Look
    sidecars: tuple[str, ...]


class HeldFiles:
    """The files that wait to be deleted, by the mark or token under which they were taken."""

    def __init__(self, state: State, writer: LazyWriter, door: str) -> None:
        self._prefix = f"held:{door}:"
        self._state = state
        self._writer = writer
        self._keys = {key[len(self._prefix) :] for key, _ in state.items(self._prefix)}

    def __len__(self) -> int:
        return len(self._keys)

    def has(self, key: str) -> bool:
        """Whether a file is held under `key`."""
        return key in self._keys

    def add(self, key: str, held: HeldFile) -> None:
        """Hold a file."""
        self._keys.add(key)
        look = held.look
        value = [held.receipt_id, held.name, held.folder, held.path, list(held.sidecars)]
        self._writer.put(self._prefix + key, [*value, [look.size_bytes, look.mtime_ns, look.inode]])

    def remove(self, key: str) -> None:
        """Hold it no longer."""
        self._keys.discard(key)
        self._writer.delete(self._prefix + key)

    def list(self) -> Iterator[tuple[str, HeldFile]]:
        """All held files; they are read from the state, for there may be many."""
        self._writer.flush()
        for key, value in self._state.items(self._prefix):
            receipt_id, name, folder, path, sidecars, look = value
            yield key[len(self._prefix) :], HeldFile(receipt_id, name, folder, path, Look(*look), tuple(sidecars))


class WorkFolders:
    """The work folders that a door has used: what lies in them must be found even after the settings changed."""

    def __init__(self, state: State, door: str) -> None:
        self._prefix = f"work:{door}:"
        self._state = state

    def list(self) -> tuple[str, ...]:
        """All that are known."""
        return tuple(key[len(self._prefix) :] for key, _ in self._state.items(self._prefix))

    def add(self, work: str) -> None:
        """Remember one before anything is moved there."""
        if self._state.get(self._prefix + work) is None:
            self._state.put(self._prefix + work, True)

    def remove(self, work: str) -> None:
        """Forget one that is empty and not used any more."""
        self._state.delete(self._prefix + work)
