"""The keys by which the SFTP server proves that it is itself: made once and kept."""

import os
from pathlib import Path

import asyncssh

KINDS = {"ssh-ed25519": {}, "ssh-rsa": {"key_size": 3072}}


def load_host_keys(folder: Path) -> list[asyncssh.SSHKey]:
    """The host keys in `folder`, made at the first time; only the hub may read them.

    Raises: OSError.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    keys = []
    for kind, options in KINDS.items():
        path = folder / f"host_key_{kind}"
        if not path.exists():
            _write(path, asyncssh.generate_private_key(kind, comment="Recording Hub", **options).export_private_key())
        path.chmod(0o600)
        keys.append(asyncssh.read_private_key(str(path)))
    return keys


def _write(path: Path, data: bytes) -> None:
    """All of it or nothing, on the disk when this returns."""
    part = path.with_suffix(".part")
    part.unlink(missing_ok=True)
    fd = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o600)
    try:
        os.write(fd, data)
        os.fsync(fd)
    finally:
        os.close(fd)
    part.rename(path)


def fingerprint(keys: list[asyncssh.SSHKey]) -> str:
    """How people compare the first key, such as SHA256:47DEQpj8HBSa..."""
    return str(keys[0].get_fingerprint())
