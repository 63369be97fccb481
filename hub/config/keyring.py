"""The master keys of a hub: from the environment, or from a file that only the hub's user can read."""

import base64
import binascii
import hashlib
import os
import secrets
import stat
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from hub.config.errors import SecretError

KEY_BYTES = 32
_HEADER = (
    "# Master keys of Recording Hub. Whoever has them and the catalog can read every stored password.\n"
    "# The first key seals; the others still open what they sealed. Keep a copy apart from the catalog's backup.\n"
)


def new_key() -> bytes:
    """A fresh master key."""
    return secrets.token_bytes(KEY_BYTES)


def key_id(key: bytes) -> str:
    """The public name of a master key, 12 hex digits; it says nothing about the key."""
    return hashlib.sha256(b"recording-hub key id\0" + key).hexdigest()[:12]


def by_id(keys: Iterable[bytes]) -> dict[str, bytes]:
    """Keys under their names, in the given order."""
    return {key_id(key): key for key in keys}


def decode_keys(text: str, place: str) -> list[bytes]:
    """Master keys in base64, standard or URL-safe, with white space or commas between them.

    place: where the text stands, for errors; the text itself is never shown.
    Raises: SecretError.
    """
    keys = []
    for word in text.replace(",", " ").split():
        try:
            key = base64.b64decode(word.replace("-", "+").replace("_", "/"), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != KEY_BYTES:
            raise SecretError(
                f"{place} holds something that is no master key.",
                hint="A key is 32 bytes in base64; make one with: openssl rand -base64 32",
            )
        keys.append(key)
    if not keys:
        raise SecretError(f"{place} holds no master key.", hint="Make one with: openssl rand -base64 32")
    return keys


def encode_key(key: bytes) -> str:
    """A master key as `decode_keys` reads it."""
    return base64.b64encode(key).decode("ascii")


def read_file(path: Path) -> list[bytes]:
    """Master keys of the file, the current one first.

    Raises: SecretError where others can read it, or where it holds no keys; FileNotFoundError.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    with os.fdopen(descriptor, encoding="utf-8", errors="replace") as file:
        mode = stat.S_IMODE(os.fstat(descriptor).st_mode)
        if mode & 0o077:
            raise SecretError(
                f"{path} can be read or written by other users (its mode is {mode:04o}).",
                hint=f"Run: chmod 600 {path}",
            )
        lines = [line for line in file.read().splitlines() if not line.startswith("#")]
    return decode_keys(" ".join(lines), str(path))


def create_file(path: Path) -> None:
    """Write a file with one fresh key, unless there is one by now; two processes may call this at once."""
    with _written(path, [new_key()]) as temporary:
        try:
            os.link(temporary, path)
        except FileExistsError:
            return
        _sync_folder(path.parent)


def replace_file(path: Path, keys: Mapping[str, bytes], current: str) -> None:
    """Write `keys` with `current` first, in one step."""
    ordered = [keys[current], *(key for name, key in keys.items() if name != current)]
    with _written(path, ordered) as temporary:
        temporary.replace(path)
        _sync_folder(path.parent)


@contextmanager
def _written(path: Path, keys: Iterable[bytes]) -> Iterator[Path]:
    """A temporary file beside `path`, on the disk, with mode 0600; removed in the end if it still is there."""
    temporary = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    try:
        with os.fdopen(descriptor, "w", encoding="ascii") as file:
            file.write(_HEADER + "".join(f"{encode_key(key)}\n" for key in keys))
            file.flush()
            os.fsync(descriptor)
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
