"""The SFTP connection to a Voicemail Pro server whose host key is known.

Source: draft-ietf-secsh-filexfer-02 (SFTP version 3); RFC 4253 section 8 (host keys).
"""

import os
import re
import stat
import textwrap
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import asyncssh

from hub.sdk import AuthError, RetryLater
from plugins.ipoffice.folder import DEPTH_MAX, Look, NamePatterns

CONNECT_S = 15
KEEPALIVE_S = 15
ENTRIES_MAX = 200_000
PRIVATE_KEY = re.compile(r"(-----BEGIN [A-Z ]+-----)(.*?)(-----END [A-Z ]+-----)", re.DOTALL)
# One fingerprint names one key; a server that has several offers the kind that is asked for.
KEY_KINDS: tuple[tuple[str, ...], ...] = (
    ("ssh-ed25519",),
    ("rsa-sha2-512", "rsa-sha2-256"),
    ("ecdsa-sha2-nistp256", "ecdsa-sha2-nistp384", "ecdsa-sha2-nistp521"),
)


class WrongHostKey(Exception):
    """The server showed another key than the known one, or none is known; `offered` is its fingerprint."""

    def __init__(self, offered: str) -> None:
        super().__init__(f"the server shows the host key {offered}")
        self.offered = offered


class _Dropped(RetryLater):
    """The server hung up before anybody signed in."""


@dataclass(frozen=True, slots=True)
class Remote:
    """Where to connect, as whom, and the fingerprint by which the server is known ("" if none is yet)."""

    host: str
    port: int
    login: str
    password: str = field(default="", repr=False)
    private_key: str = field(default="", repr=False)
    fingerprint: str = ""


class _HostCheck(asyncssh.SSHClient):
    """Accepts the one known host key, and remembers which was offered."""

    def __init__(self, fingerprint: str, offered: list[str]) -> None:
        self._fingerprint = fingerprint.rstrip("=")
        self._offered = offered

    def validate_host_public_key(self, host: str, addr: str, port: int, key: asyncssh.SSHKey) -> bool:  # noqa: ARG002
        """Whether this is the known key."""
        shown = str(key.get_fingerprint())
        self._offered.append(shown)
        return bool(self._fingerprint) and shown.rstrip("=") == self._fingerprint


def read_private_key(text: str) -> asyncssh.SSHKey:
    """A private key as people paste it: line ends that a form swallowed are put back.

    Raises: ValueError.
    """
    match = PRIVATE_KEY.search(text)
    if match and "ENCRYPTED" not in match.group(2):
        body = "\n".join(textwrap.wrap("".join(match.group(2).split()), 70))
        text = f"{match.group(1)}\n{body}\n{match.group(3)}\n"
    try:
        return asyncssh.import_private_key(text)
    except (asyncssh.KeyImportError, asyncssh.KeyEncryptionError) as error:
        raise ValueError(f"the private key cannot be read: {error}") from None


@asynccontextmanager
async def connected(remote: Remote) -> AsyncIterator[asyncssh.SFTPClient]:
    """An SFTP session; its paths are bytes.

    Raises: WrongHostKey, AuthError, RetryLater, ValueError (the private key).
    """
    connection = await _connect(remote)
    try:
        async with connection, connection.start_sftp_client(path_encoding=None) as sftp:
            yield sftp
    except asyncssh.Error as error:
        raise RetryLater(f"{remote.host}: {error}") from None
    finally:
        connection.abort()


async def _connect(remote: Remote) -> asyncssh.SSHClientConnection:
    offered: list[str] = []
    dropped = RetryLater(f"{remote.host} has no host key of a kind that is known here.")
    for kinds in KEY_KINDS:
        try:
            return await _connect_once(remote, kinds, offered)
        except (asyncssh.HostKeyNotVerifiable, asyncssh.KeyExchangeFailed):
            if offered and not remote.fingerprint:
                break
        except _Dropped as error:
            # A server without a key of this kind hangs up; one that was left at its first key may do so as well.
            dropped = error
    if not offered:
        raise dropped
    raise WrongHostKey(offered[0])


async def _connect_once(remote: Remote, kinds: tuple[str, ...], offered: list[str]) -> asyncssh.SSHClientConnection:
    keys = [read_private_key(remote.private_key)] if remote.private_key else None
    try:
        return await asyncssh.connect(
            remote.host,
            remote.port,
            config=None,
            client_factory=lambda: _HostCheck(remote.fingerprint, offered),
            known_hosts=b"",
            server_host_key_algs=kinds,
            username=remote.login,
            password=remote.password or None,
            client_keys=keys,
            agent_path=None,
            gss_host=None,
            connect_timeout=CONNECT_S,
            login_timeout=CONNECT_S,
            keepalive_interval=KEEPALIVE_S,
        )
    except (asyncssh.HostKeyNotVerifiable, asyncssh.KeyExchangeFailed):
        raise
    except asyncssh.PermissionDenied:
        raise AuthError(
            f"{remote.host} does not let {remote.login} in.",
            hint="Correct the login, and its password or key; look at /var/log/auth.log or journalctl -u sshd there.",
        ) from None
    except (OSError, asyncssh.Error) as error:
        hung_up = isinstance(error, ConnectionResetError | BrokenPipeError | asyncssh.Error)
        raise (_Dropped if hung_up else RetryLater)(
            f"{remote.host} port {remote.port} cannot be reached: {str(error) or 'no answer'}.",
            hint="Look at the address, at the network, and whether its SSH server runs.",
        ) from None


async def list_files(
    sftp: asyncssh.SFTPClient, folder: str, patterns: NamePatterns, *, recursive: bool
) -> dict[str, Look]:
    """The files of a remote folder that fit, by their path relative to it; links are left out.

    Raises: asyncssh.SFTPError, OSError.
    """
    found: dict[str, Look] = {}
    waiting = [""]
    while waiting:
        below = waiting.pop()
        async for entry in sftp.scandir(os.fsencode(f"{folder}/{below}")):
            raw = entry.filename if isinstance(entry.filename, bytes) else os.fsencode(entry.filename)
            name, attrs = os.fsdecode(raw), entry.attrs
            if name in {"", ".", ".."} or "/" in name or "\0" in name or len(found) >= ENTRIES_MAX:
                continue
            mode = attrs.permissions or 0
            if recursive and stat.S_ISDIR(mode) and below.count("/") < DEPTH_MAX:
                waiting.append(f"{below}{name}/")
            elif stat.S_ISREG(mode) and patterns.fits(name):
                found[f"{below}{name}"] = look_of(attrs)
    return found


def look_of(attrs: asyncssh.SFTPAttrs) -> Look:
    """The look of a remote file; it has no inode."""
    return Look(attrs.size or 0, int(attrs.mtime or 0) * 1_000_000_000 + int(attrs.mtime_ns or 0), 0)
