"""Files that people upload for a device: kept apart until its plug-in has taken them over."""

import secrets
import shutil
import time
from collections.abc import Sequence
from contextlib import suppress
from fnmatch import fnmatchcase
from pathlib import Path, PurePosixPath, PureWindowsPath

from hub.audit.action import Action
from hub.audit.actor import Actor
from hub.audit.trail import append
from hub.db.database import Database
from hub.db.plain import storable_text
from hub.errors import HubError
from hub.runtime.commands import CommandClient
from hub.runtime.instance import Instance, alarm_source
from hub.runtime.plugins import PluginMissing, Plugins
from hub.sdk import TakesFiles

LONGEST_BYTES = 4 << 30
_LEAST_FREE_BYTES = 1 << 30
_LOOK_EVERY_BYTES = 64 << 20
_NAME_LENGTH = 200
_FORGOTTEN_S = 24 * 3600.0


class UploadRefused(HubError):
    """A file is not taken; the reason is for the one who sent it."""


class Upload:
    """One file on its way in: `write` it, then hand it over; `discard` is always safe."""

    def __init__(self, folder: Path, name: str) -> None:
        self.name = name
        self.size_bytes = 0
        self._folder = folder
        folder.mkdir(mode=0o700)
        self.path = folder / "upload"
        self._file = self.path.open("xb")
        self._looked_at_bytes = -_LOOK_EVERY_BYTES

    def write(self, chunk: bytes) -> None:
        """Add bytes.

        Raises: UploadRefused where it gets too large or the disk too full; OSError.
        """
        self.size_bytes += len(chunk)
        if self.size_bytes > LONGEST_BYTES:
            raise UploadRefused(
                f"The file is larger than {LONGEST_BYTES >> 30} GiB.",
                hint="Split it, or put it into the device's folder.",
            )
        if self.size_bytes - self._looked_at_bytes >= _LOOK_EVERY_BYTES:
            self._looked_at_bytes = self.size_bytes
            if shutil.disk_usage(self._folder).free < _LEAST_FREE_BYTES:
                raise UploadRefused("The hub's disk is too full.", hint="Make room, then upload it again.")
        self._file.write(chunk)

    def close(self) -> None:
        """All of it is there."""
        self._file.close()

    def discard(self) -> None:
        """Forget it; what the plug-in has moved away stays where it is now."""
        self._file.close()
        shutil.rmtree(self._folder, ignore_errors=True)


class Uploads:
    """Takes files for devices whose plug-in takes some; safe to use from several threads."""

    def __init__(self, folder: Path, db: Database, plugins: Plugins, commands: CommandClient) -> None:
        self._folder = folder
        self._db = db
        self._plugins = plugins
        self._commands = commands

    def names_of(self, device: Instance) -> tuple[str, ...]:
        """What files the device takes are called, such as "*.pcap"; () if it takes none now."""
        try:
            found = self._plugins.find(device.kind, device.plugin)
        except PluginMissing:
            return ()
        return found.cls.names if device.enabled and issubclass(found.cls, TakesFiles) else ()

    def begin(self, device: Instance, sent_name: str) -> Upload:
        """Make room for one file.

        Raises: UploadRefused.
        """
        name = plain_name(sent_name)
        names = self.names_of(device)
        if not any(fnmatchcase(name.lower(), wanted.lower()) for wanted in names):
            raise UploadRefused(f"This device takes no such file: {_listed(names)}.")
        self._forget_old()
        return Upload(self._folder / secrets.token_hex(16), name)

    def hand_over(self, device: Instance, upload: Upload, actor: Actor) -> None:
        """Give a whole file to the running device.

        Raises: PluginFailure (what is wrong with it, or with the device), SupervisorAway.
        """
        upload.close()
        with self._db.write() as session:
            facts = {"size_bytes": upload.size_bytes}
            details = {"name": upload.name}
            append(session, actor, Action.DEVICE_UPLOAD, subject=alarm_source(device.id), details=details, facts=facts)
        self._commands.take_file(device.id, upload.path, upload.name)

    def _forget_old(self) -> None:
        """What a web process that was killed left behind."""
        for folder in self._folder.iterdir():
            with suppress(FileNotFoundError):
                if time.time() - folder.stat().st_mtime > _FORGOTTEN_S:
                    shutil.rmtree(folder, ignore_errors=True)


def plain_name(sent: str) -> str:
    """What to call a file that a browser named: its last part, whatever system the browser runs on."""
    last = PureWindowsPath(PurePosixPath(sent).name).name
    return storable_text(" ".join(last[-_NAME_LENGTH:].split())).strip(". ") or "?"


def _listed(names: Sequence[str]) -> str:
    return f"it takes {', '.join(names)}" if names else "it takes none now"
