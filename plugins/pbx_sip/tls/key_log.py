"""The keys of TLS connections as programs write them for SSLKEYLOGFILE: label, client random, secret on each line.

Source: RFC 9850.
"""

from collections.abc import Mapping
from pathlib import Path

MASTER = "CLIENT_RANDOM"
CLIENT_TRAFFIC = "CLIENT_TRAFFIC_SECRET_0"
SERVER_TRAFFIC = "SERVER_TRAFFIC_SECRET_0"
_LABELS = frozenset({MASTER, CLIENT_TRAFFIC, SERVER_TRAFFIC})
_RANDOM_BYTES = 32
_SECRET_BYTES = frozenset({32, 48})
_CONNECTIONS_MAX = 500_000
_FILE_CHARS_MAX = 256 << 20


class KeyLog:
    """Secrets by client random; of more connections than it keeps, those it learned of last.

    unread_suites: numbers of the cipher suites of connections that cannot be read though their secrets are here.
    """

    def __init__(self, text: str = "") -> None:
        self.unread_suites: set[int] = set()
        self._secrets: dict[bytes, dict[str, bytes]] = {}
        self.learn(text)

    def learn(self, text: str) -> None:
        """Take in lines; those that are none of a key log are left out."""
        for line in text.splitlines():
            self._learn(line)

    def secrets(self, client_random: bytes) -> Mapping[str, bytes]:
        """By label, the secrets of the connection whose client began it with this random."""
        return self._secrets.get(client_random, {})

    def _learn(self, line: str) -> None:
        label, _, rest = line.strip().partition(" ")
        if label not in _LABELS:
            return
        try:
            client_random, secret = map(bytes.fromhex, rest.split(" ", 1))
        except ValueError:
            return
        if len(client_random) != _RANDOM_BYTES or len(secret) not in _SECRET_BYTES:
            return
        if client_random not in self._secrets and len(self._secrets) >= _CONNECTIONS_MAX:
            del self._secrets[next(iter(self._secrets))]
        self._secrets.setdefault(client_random, {})[label] = secret


def read_key_log(path: Path) -> KeyLog:
    """The keys in a file.

    Raises: OSError.
    """
    with path.open(encoding="ascii", errors="replace") as file:
        return KeyLog(file.read(_FILE_CHARS_MAX))
