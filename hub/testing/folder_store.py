"""A whole connector in few lines: objects as files of a folder, for tests of what stores recordings."""

import hashlib
import io
import os
import secrets
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, ClassVar
from urllib.parse import quote, unquote

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
    RetryLater,
    StoredObject,
    setting,
)

_PART_BYTES = 1 << 18
_NAME_BYTES = 240


class FolderStoreSettings(PluginSettings):
    """Settings of the folder store."""

    folder: Path = setting("Folder", "Where the objects lie.", widget="folder")


class FolderStore(Connector[FolderStoreSettings], Deletes):
    """Each object is one file, named by its key with every odd character written as %XX."""

    info: ClassVar[PluginInfo] = PluginInfo(
        name="folder_store",
        kind=Kind.CONNECTOR,
        title="Folder",
        summary="Objects as files of one folder, for tests.",
        settings=FolderStoreSettings,
    )

    def check(self) -> Health:
        """Whether the folder is there."""
        if not self.settings.folder.is_dir():
            raise RetryLater(f"{self.settings.folder} is gone.", hint="Make it again.")
        return Health(HealthState.OK, "The folder is there.")

    def put(self, key: str, reader: BinaryIO, size_bytes: int, sha256: str) -> StoredObject:
        """Write aside, then link to the name, which fails where the name is taken."""
        target = self._path(key)
        if target is None:
            raise BadRecording(f"The key {key!r} cannot be a file name.")
        aside = self.settings.folder / f".aside-{secrets.token_hex(8)}"
        try:
            with aside.open("xb") as file:
                found_bytes, found_sha256 = _copy(reader, file)
                file.flush()
                os.fsync(file.fileno())
            if (found_bytes, found_sha256) != (size_bytes, sha256):
                raise BadRecording("The bytes are not what was announced.")
            self._link(aside, target, sha256)
        finally:
            aside.unlink(missing_ok=True)
        return StoredObject(key=key, size_bytes=size_bytes, sha256=sha256)

    def open(self, key: str, offset: int = 0, length: int | None = None) -> BinaryIO:
        """Read a range of the file."""
        try:
            file = self._found(key).open("rb")
        except FileNotFoundError:
            raise NotFound(f"There is no object {key!r}.") from None
        file.seek(offset)
        if length is None:
            return file
        with file:
            return io.BytesIO(file.read(length))

    def stat(self, key: str) -> StoredObject:
        """Size of the file."""
        try:
            return StoredObject(key=key, size_bytes=self._found(key).stat().st_size)
        except FileNotFoundError:
            raise NotFound(f"There is no object {key!r}.") from None

    def list(self, prefix: str = "") -> Iterator[StoredObject]:
        """Every file whose key begins with `prefix`."""
        for path in self.settings.folder.iterdir():
            key = unquote(path.name)
            if not path.name.startswith(".aside-") and key.startswith(prefix):
                yield StoredObject(key=key, size_bytes=path.stat().st_size)

    def delete(self, key: str) -> None:
        """Remove the file."""
        path = self._path(key)
        if path is not None:
            path.unlink(missing_ok=True)

    def _link(self, aside: Path, target: Path, sha256: str) -> None:
        try:
            os.link(aside, target)
        except FileExistsError:
            if hashlib.sha256(target.read_bytes()).hexdigest() != sha256:
                raise BadRecording("The key holds other bytes.", hint="A recording is never overwritten.") from None

    def _found(self, key: str) -> Path:
        path = self._path(key)
        if path is None:
            raise NotFound(f"There is no object {key!r}.")
        return path

    def _path(self, key: str) -> Path | None:
        name = quote(key, safe="").replace(".", "%2E") if key[:1] == "." else quote(key, safe="")
        return self.settings.folder / name if name and len(name) <= _NAME_BYTES else None


def folder_store(folder: Path, ctx: Any) -> FolderStore:
    """A store on `folder`, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    return FolderStore(FolderStoreSettings(folder=folder), ctx)


def _copy(reader: BinaryIO, file: BinaryIO) -> tuple[int, str]:
    """Size and SHA-256 of what was copied."""
    digest, size_bytes = hashlib.sha256(), 0
    while part := reader.read(_PART_BYTES):
        digest.update(part)
        size_bytes += len(part)
        file.write(part)
    return size_bytes, digest.hexdigest()
