"""Who may sign in to the SFTP server, and how often they may try."""

import asyncio
import hashlib
import hmac
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

import asyncssh

from hub.sdk import Log
from plugins.ipoffice.landing.senders import SendingServer

CONNECTIONS_MAX = 32
CONNECTIONS_OF_ONE_ADDRESS = 8
ATTEMPTS_OF_ONE_CONNECTION = 3
FAILURES_OF_ONE_ADDRESS = 10
BLOCKED_S = 600.0
FAILURE_PAUSE_S = 1.0
ADDRESSES_MAX = 1000


@dataclass(slots=True)
class Doorkeeper:
    """Counts connections and failures over all connections."""

    senders: Mapping[str, SendingServer]
    log: Log
    connections: dict[Any, str] = field(default_factory=dict)
    _failures: OrderedDict[str, list[float]] = field(default_factory=OrderedDict)

    def lets_in(self, address: str) -> bool:
        """Whether one more connection from this address is taken."""
        recent = [at for at in self._failures.get(address, []) if time.monotonic() - at < BLOCKED_S]
        same = sum(1 for other in self.connections.values() if other == address)
        return (
            len(self.connections) < CONNECTIONS_MAX
            and same < CONNECTIONS_OF_ONE_ADDRESS
            and len(recent) < FAILURES_OF_ONE_ADDRESS
        )

    def close_all(self) -> None:
        """End all connections at once."""
        for connection in list(self.connections):
            connection.abort()

    def failed(self, address: str, login: str) -> None:
        """Somebody gave a wrong password."""
        self.log.warning("sftp.sign_in_failed", address=address, login=login[:64])
        attempts = self._failures.setdefault(address, [])
        attempts.append(time.monotonic())
        del attempts[:-FAILURES_OF_ONE_ADDRESS]
        self._failures.move_to_end(address)
        while len(self._failures) > ADDRESSES_MAX:
            self._failures.popitem(last=False)

    def knows_password(self, login: str, password: str) -> bool:
        """Whether the password is that of the login; an unknown login takes as long."""
        sender = self.senders.get(login)
        right = sender.password.get_secret_value() if sender and sender.password else ""
        same = hmac.compare_digest(_digest(password), _digest(right))
        return same and bool(right)

    def knows_key(self, login: str, key: asyncssh.SSHKey) -> bool:
        """Whether the public key is that of the login."""
        sender = self.senders.get(login)
        if sender is None or not sender.public_key:
            return False
        try:
            known = asyncssh.import_public_key(sender.public_key)
        except asyncssh.KeyImportError:
            self.log.warning("sftp.key_unusable", login=login)
            return False
        return hmac.compare_digest(known.public_data, key.public_data)


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


class Visit(asyncssh.SSHServer):
    """One connection: it signs in by key or password, and gets an SFTP session and nothing else."""

    def __init__(self, keeper: Doorkeeper, signed_in: Callable[[str, str], None]) -> None:
        self._keeper = keeper
        self._signed_in = signed_in
        self._connection: Any = None
        self._address = ""
        self._login = ""
        self._attempts = 0

    def connection_made(self, conn: Any) -> None:
        """Somebody connects."""
        self._connection = conn
        peer = conn.get_extra_info("peername")
        self._address = str(peer[0]) if peer else ""
        if not self._keeper.lets_in(self._address):
            self._keeper.log.warning("sftp.connection_refused", address=self._address)
            conn.abort()
            return
        self._keeper.connections[conn] = self._address

    def connection_lost(self, exc: Exception | None) -> None:
        """It is over."""
        self._keeper.connections.pop(self._connection, None)
        self._keeper.log.debug("sftp.connection_ended", address=self._address, reason=str(exc or ""))

    def begin_auth(self, username: str) -> bool:
        """Everybody must sign in, and unknown logins are not told apart."""
        self._login = username
        return True

    def auth_completed(self) -> None:
        """Somebody has signed in."""
        self._signed_in(self._login, self._address)

    def public_key_auth_supported(self) -> bool:
        """Keys are taken."""
        return True

    def validate_public_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        """Whether this key may sign in."""
        return self._keeper.knows_key(username, key)

    def password_auth_supported(self) -> bool:
        """Passwords are taken."""
        return True

    async def validate_password(self, username: str, password: str) -> bool:
        """Whether this password may sign in; a wrong one costs a pause, and the third one the connection."""
        if self._keeper.knows_password(username, password):
            return True
        self._attempts += 1
        self._keeper.failed(self._address, username)
        await asyncio.sleep(FAILURE_PAUSE_S)
        if self._attempts >= ATTEMPTS_OF_ONE_CONNECTION:
            raise asyncssh.PermissionDenied("too many attempts")
        return False

    def kbdint_auth_supported(self) -> bool:
        """No questions are asked."""
        return False
