"""A small file that says "this is the storage": an empty mount point, or another disk, does not have it."""

import os
import secrets
from contextlib import suppress

from plugins.connectors.local.tree import RESERVED_PREFIX

MARKER_NAME = f"{RESERVED_PREFIX}-storage"
_TEXT_MAX_BYTES = 256


def read_marker(root: int) -> str:
    """What the marker in the folder says, "" if there is none."""
    try:
        file = os.open(MARKER_NAME, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=root)
    except FileNotFoundError:
        return ""
    try:
        return os.read(file, _TEXT_MAX_BYTES).decode("ascii", "replace").strip()
    finally:
        os.close(file)


def write_marker(root: int) -> str:
    """Mark the folder as storage, unless another process was faster.

    Returns: what the marker says now.
    """
    aside = f"{MARKER_NAME}.{secrets.token_hex(8)}"
    file = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o640, dir_fd=root)
    try:
        os.write(file, secrets.token_hex(16).encode() + b"\n")
        os.fsync(file)
    finally:
        os.close(file)
    if read_marker(root):
        os.unlink(aside, dir_fd=root)
    else:
        try:
            os.link(aside, MARKER_NAME, src_dir_fd=root, dst_dir_fd=root, follow_symlinks=False)
        except FileExistsError:
            pass
        except OSError:  # no hard links here: the last of two writers wins, and both read the winner below
            with suppress(OSError):
                os.rename(aside, MARKER_NAME, src_dir_fd=root, dst_dir_fd=root)
        with suppress(FileNotFoundError):
            os.unlink(aside, dir_fd=root)
    os.fsync(root)
    return read_marker(root)
