"""Whether the folder is there and is the one it was: not deleted, not an empty mount point, and open to the hub."""

import errno
import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path

from hub.sdk import State
from plugins.ipoffice.mounts import Mount, find_mount


class Away(Exception):
    """The folder cannot be used now; `hint` is what a person can do."""

    def __init__(self, summary: str, hint: str = "") -> None:
        super().__init__(summary)
        self.hint = hint


class Missing(Away):
    """There is no such folder: the setting is wrong, or what holds it is not there."""


@dataclass(frozen=True, slots=True)
class Found:
    """The folder as it is now: which one it is, and on what it lies."""

    device: int
    inode: int
    mount: Mount


class Presence:
    """Looks whether a folder is there. needs_write: files are to be moved or deleted in it."""

    def __init__(self, folder: str, state: State, *, needs_write: bool, mounted: str = "no") -> None:
        self.folder = folder
        self._state = state
        self._needs_write = needs_write
        self._mounted = mounted
        self._known_point: str | None = None

    def look(self) -> Found:
        """The folder, if it can be used.

        Raises: Away.
        """
        try:
            status = Path(self.folder).stat()
        except OSError as error:
            raise _away(self.folder, error) from None
        if not stat.S_ISDIR(status.st_mode):
            raise Missing(f"{self.folder} is not a folder.", "Give the hand-off folder itself.")
        mount = find_mount(self.folder)
        self._check_mount(mount)
        self._check_rights()
        return Found(status.st_dev, status.st_ino, mount)

    def remember(self, found: Found) -> None:
        """Remember on which mounted file system the folder was found."""
        if self._mounted == "auto" and found.mount.point != "/" and found.mount.point != self._known():
            self._known_point = found.mount.point
            self._state.put(self._key, found.mount.point)

    @property
    def _key(self) -> str:
        return f"mount:{self.folder}"

    def _known(self) -> str:
        if self._known_point is None:
            self._known_point = str(self._state.get(self._key) or "")
        return self._known_point

    def _check_mount(self, mount: Mount) -> None:
        if self._mounted == "yes" and mount.point == "/":
            raise Away(
                f"Nothing is mounted at {self.folder} or above it.",
                "Mount the share, or say in the settings that the folder is no mounted file system.",
            )
        if self._mounted == "auto" and len(mount.point) < len(self._known()):
            raise Away(
                f"What was mounted at {self._known()} is not mounted any more.",
                f"Mount it again: mount {self._known()}. If the folder is meant to be local from now on, say in the "
                "settings that it is no mounted file system.",
            )

    def _check_rights(self) -> None:
        user = _user()
        if not os.access(self.folder, os.R_OK | os.X_OK, effective_ids=True):
            raise Away(
                f"The hub may not read {self.folder}.",
                f"Give the user {user} the right to read it, such as by setfacl -m u:{user}:rwx {self.folder}",
            )
        if self._needs_write and not os.access(self.folder, os.W_OK | os.X_OK, effective_ids=True):
            raise Away(
                f"The hub may not move or delete files in {self.folder}.",
                f"Give the user {user} the right to write there (setfacl -m u:{user}:rwx {self.folder}), mount it "
                "read-write, or choose to leave files there.",
            )


def _away(folder: str, error: OSError) -> Away:
    if error.errno == errno.ENOENT:
        return Missing(
            f"The folder {folder} does not exist.", "Create it, mount it, or correct the path in the settings."
        )
    if error.errno == errno.EACCES:
        return Away(
            f"The hub may not enter {folder}.", f"Let the user {_user()} into every folder above it (the right x)."
        )
    if error.errno == errno.ESTALE:
        return Away(f"The share that holds {folder} was replaced on its server.", "Unmount it and mount it again.")
    return Away(f"The folder {folder} cannot be used: {error.strerror or error}.", "Look at the mount or the disk.")


def _user() -> str:
    """The user that the hub runs as, for hints."""
    try:
        return pwd.getpwuid(os.geteuid()).pw_name
    except KeyError:
        return str(os.geteuid())
