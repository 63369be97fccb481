"""The two messages that begin a connection, as far as its keys depend on them.

Source: RFC 8446 sections 4.1.2, 4.1.3 and 4.2.1.
"""

from collections.abc import Iterator
from dataclasses import dataclass

CLIENT_HELLO, SERVER_HELLO, KEY_UPDATE = 1, 2, 24
_VERSIONS_EXTENSION = 43
_TLS12, _TLS13 = 0x0303, 0x0304
_MESSAGE_BYTES_MAX = 1 << 17
# Of a server that asks the client to begin again: it is no random.
_RETRY = bytes.fromhex("cf21ad74e59a6111be1d8c021e65b891c2a211167abb8c5e079e09e2c8a8339c")


@dataclass(frozen=True, slots=True)
class ServerHello:
    """What the server chose."""

    random: bytes
    suite: int
    is_tls13: bool


class MessageFramer:
    """Handshake messages, which may spread over records."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def feed(self, body: bytes) -> Iterator[tuple[int, bytes]]:
        """The messages that are whole now: kind and content."""
        self._waiting += body
        while len(self._waiting) >= 4:
            end = 4 + int.from_bytes(self._waiting[1:4], "big")
            if end > _MESSAGE_BYTES_MAX:
                self._waiting.clear()
            if len(self._waiting) < end:
                return
            kind, content = self._waiting[0], bytes(self._waiting[4:end])
            del self._waiting[:end]
            yield kind, content


def read_client_random(content: bytes) -> bytes:
    """The random of a ClientHello; b"" if it is none."""
    return content[2:34] if len(content) >= 34 else b""


def read_server_hello(content: bytes) -> ServerHello | None:
    """None if it is no ServerHello that chooses TLS 1.2 or 1.3."""
    if len(content) < 38:
        return None
    version, random = int.from_bytes(content[:2], "big"), content[2:34]
    at = 35 + content[34]
    suite = int.from_bytes(content[at : at + 2], "big")
    for kind, value in _read_extensions(content[at + 3 :]):
        if kind == _VERSIONS_EXTENSION:
            version = int.from_bytes(value, "big")
    if random == _RETRY or version not in {_TLS12, _TLS13}:
        return None
    return ServerHello(random, suite, version == _TLS13)


def _read_extensions(content: bytes) -> Iterator[tuple[int, bytes]]:
    at = 2
    while at + 4 <= len(content):
        size = int.from_bytes(content[at + 2 : at + 4], "big")
        yield int.from_bytes(content[at : at + 2], "big"), content[at + 4 : at + 4 + size]
        at += 4 + size
