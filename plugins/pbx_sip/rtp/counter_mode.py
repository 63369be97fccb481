"""SRTP whose keys have 256 bits and count (AES_256_CM), which libsrtp's Python binding does not open.

Source: RFC 3711 sections 3.3 and 4, RFC 6188.
"""

import hmac
from dataclasses import dataclass

from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import AES
from cryptography.hazmat.primitives.ciphers.modes import CTR

SALT_BYTES = 14
_AUTHENTICATION_BYTES = 20
_ENCRYPTION, _AUTHENTICATION, _SALTING = range(3)  # labels of section 4.3.1
_SHORTEST, _EXTENSION = 12, 0x10
_WINDOW = 1024  # packets that may come so much later than others
_ROLLOVERS_MAX = 50  # of the sequence number before the first packet seen
_SOURCES_MAX = 100


@dataclass(slots=True)
class _Source:
    """The highest index that came from one source, and which of those below it did, one bit each."""

    highest: int
    seen: int = 1

    def guess(self, sequence: int) -> int:
        """The index that a packet most likely has. Source: RFC 3711 section 3.3.1."""
        rollovers, latest = self.highest >> 16, self.highest & 0xFFFF
        if latest - sequence > 0x8000:
            rollovers += 1
        elif sequence - latest > 0x8000:
            rollovers -= 1
        return max(rollovers, 0) << 16 | sequence

    def is_new(self, index: int) -> bool:
        behind = self.highest - index
        return behind < 0 or (behind < _WINDOW and not self.seen >> behind & 1)

    def mark(self, index: int) -> None:
        ahead = max(index - self.highest, 0)
        self.highest += ahead
        self.seen = (self.seen << min(ahead, _WINDOW) | 1 << self.highest - index) & (1 << _WINDOW) - 1


class CounterMode:
    """One key, with what is remembered of each source that sends under it. material: master key, then salt."""

    def __init__(self, material: bytes, tag_bytes: int) -> None:
        master, salt = material[:-SALT_BYTES], int.from_bytes(material[-SALT_BYTES:], "big")
        self._key = _derive(master, salt, _ENCRYPTION, len(master))
        self._authentication = _derive(master, salt, _AUTHENTICATION, _AUTHENTICATION_BYTES)
        self._salt = int.from_bytes(_derive(master, salt, _SALTING, SALT_BYTES), "big")
        self._tag_bytes = tag_bytes
        self._sources: dict[bytes, _Source] = {}

    def open(self, content: bytes) -> bytes | None:
        """The packet decrypted; None if it is not authentic under this key, or was opened before."""
        packet, tag = content[: -self._tag_bytes], content[-self._tag_bytes :]
        if len(packet) < _SHORTEST:
            return None
        sequence, name = int.from_bytes(packet[2:4], "big"), packet[8:12]
        source = self._sources.get(name)
        likely = [source.guess(sequence)] if source else [each << 16 | sequence for each in range(_ROLLOVERS_MAX)]
        index = next((each for each in likely if self._is_authentic(packet, tag, each)), None)
        if index is None or (source and not source.is_new(index)):
            return None
        if source:
            source.mark(index)
        elif len(self._sources) < _SOURCES_MAX:
            self._sources[name] = _Source(index)
        return self._decrypt(packet, index)

    def _is_authentic(self, packet: bytes, tag: bytes, index: int) -> bool:
        said = packet + (index >> 16).to_bytes(4, "big")
        return hmac.compare_digest(hmac.digest(self._authentication, said, "sha1")[: self._tag_bytes], tag)

    def _decrypt(self, packet: bytes, index: int) -> bytes | None:
        head = _SHORTEST + 4 * (packet[0] & 0x0F)
        if packet[0] & _EXTENSION:
            head += 4 + 4 * int.from_bytes(packet[head + 2 : head + 4], "big")
        if head > len(packet):
            return None
        counter = self._salt << 16 ^ int.from_bytes(packet[8:12], "big") << 64 ^ index << 16
        return packet[:head] + _count(self._key, counter, packet[head:])


def _derive(master: bytes, salt: int, label: int, length: int) -> bytes:
    """A key of the session. Source: RFC 3711 section 4.3.1, RFC 6188 section 3."""
    return _count(master, (label << 48 ^ salt) << 16, bytes(length))


def _count(key: bytes, counter: int, content: bytes) -> bytes:
    worker = Cipher(AES(key), CTR(counter.to_bytes(16, "big"))).encryptor()
    return worker.update(content) + worker.finalize()
