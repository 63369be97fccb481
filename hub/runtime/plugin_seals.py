"""What plug-ins keep sealed: each instance has a key of its own, which lies in the state folder under the master key.

A plug-in's texts stay as they are when the master key is changed; only the instance's key is sealed anew.
"""

import base64
import os
import secrets
import threading
from pathlib import Path

from hub.config import keyring
from hub.config.errors import SecretError
from hub.config.secrets import SecretBox
from hub.ingest.durable import sync_folder, write_durably
from hub.sdk import RetryLater, SettingsError

UNSAVED = 0  # stands in for the id of an instance that is not saved yet
_SUFFIX = ".seal"


class PluginSeals:
    """Seals and opens for instances; needs no database, and is safe to use from several threads and processes."""

    def __init__(self, master: SecretBox, folder: Path) -> None:
        self._master = master
        self._folder = folder
        self._boxes: dict[int, SecretBox] = {}
        self._lock = threading.Lock()

    def seal(self, instance_id: int, plain: bytes) -> str:
        """Bytes as text that only this instance can open.

        Raises: SettingsError where the instance's key is lost; RetryLater where it cannot be read or kept.
        """
        return self._box(instance_id, makes=True).seal(base64.b64encode(plain).decode(), _context(instance_id))

    def unseal(self, instance_id: int, sealed: str) -> bytes:
        """What `seal` was given.

        Raises: SettingsError where it was changed, or its key is lost; RetryLater.
        """
        try:
            return base64.b64decode(self._box(instance_id, makes=False).unseal(sealed, _context(instance_id)))
        except SecretError as exc:
            raise SettingsError("What was sealed was changed, or sealed by another instance.") from exc

    def reseal(self) -> int:
        """Seal the key of every instance under the current master key; one that cannot be opened is left.

        Returns: how many could not be opened. Raises: OSError.
        """
        lost = 0
        for path in sorted(self._folder.glob(f"*{_SUFFIX}")):
            try:
                _replace(path, self._master.reseal(path.read_text("ascii"), _context(int(path.stem))))
            except (SecretError, ValueError):
                lost += 1
        return lost

    def _box(self, instance_id: int, *, makes: bool) -> SecretBox:
        with self._lock:
            if instance_id not in self._boxes:
                try:
                    self._boxes[instance_id] = self._open(instance_id, makes=makes)
                except SecretError as exc:
                    raise SettingsError(f"The key of this instance cannot be opened. {exc}", hint=exc.hint) from exc
                except OSError as exc:
                    raise RetryLater(f"The key of this instance cannot be used: {exc}.") from exc
            return self._boxes[instance_id]

    def _open(self, instance_id: int, *, makes: bool) -> SecretBox:
        if instance_id == UNSAVED:
            return _box_of(keyring.new_key())
        path, context = self._folder / f"{instance_id}{_SUFFIX}", _context(instance_id)
        if makes and not path.exists():
            _create(path, self._master.seal(keyring.encode_key(keyring.new_key()), context))
        try:
            sealed = path.read_text("ascii")
        except (FileNotFoundError, UnicodeDecodeError):
            raise SecretError("It is lost.", hint="Put the state folder back from a backup.") from None
        box = _box_of(*keyring.decode_keys(self._master.unseal(sealed, context), path.name))
        if not self._master.is_current(sealed):
            _replace(path, self._master.reseal(sealed, context))
        return box


def _box_of(key: bytes) -> SecretBox:
    return SecretBox({keyring.key_id(key): key}, keyring.key_id(key))


def _context(instance_id: int) -> str:
    return f"instance:{instance_id}:plugin"


def _create(path: Path, text: str) -> None:
    """Keep `text` under a name that another process may be taking at this moment: the first one counts."""
    fresh = _beside(path, text)
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()
    sync_folder(path.parent)


def _replace(path: Path, text: str) -> None:
    _beside(path, text).replace(path)
    sync_folder(path.parent)


def _beside(path: Path, text: str) -> Path:
    fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    write_durably(fresh, text.encode("ascii"))
    return fresh
