"""TLS records out of a stream of bytes.

Source: RFC 8446 section 5.1, RFC 5246 section 6.2.
"""

from collections.abc import Iterator
from typing import NamedTuple

CHANGE_CIPHER, ALERT, HANDSHAKE, APPLICATION = 20, 21, 22, 23
_HEAD_BYTES = 5
_BODY_BYTES_MAX = (1 << 14) + 2048


class Record(NamedTuple):
    """One record. head: its five bytes, as they are authenticated."""

    kind: int
    head: bytes
    body: bytes


class RecordFramer:
    """Cuts one direction of a connection; what is no record is passed over until one begins."""

    def __init__(self) -> None:
        self._waiting = bytearray()

    def feed(self, data: bytes) -> Iterator[Record]:
        """The records that are whole now."""
        self._waiting += data
        while self._seek() and len(self._waiting) >= _HEAD_BYTES:
            end = _HEAD_BYTES + int.from_bytes(self._waiting[3:5], "big")
            if len(self._waiting) < end:
                return
            head, body = bytes(self._waiting[:_HEAD_BYTES]), bytes(self._waiting[_HEAD_BYTES:end])
            del self._waiting[:end]
            yield Record(head[0], head, body)

    def begin_anew(self) -> None:
        """Bytes were lost."""
        self._waiting.clear()

    def _seek(self) -> bool:
        """Go to where a record may begin; False if there is nothing left."""
        at = 0
        while at < len(self._waiting) and not _may_begin(self._waiting[at : at + _HEAD_BYTES]):
            at += 1
        del self._waiting[:at]
        return bool(self._waiting)


def is_tls(data: bytes) -> bool:
    """Whether a connection that begins so is one of TLS."""
    return len(data) > 2 and data[0] == HANDSHAKE and data[1] == 3


def _may_begin(head: bytes | bytearray) -> bool:
    if not CHANGE_CIPHER <= head[0] <= APPLICATION or (len(head) > 1 and head[1] != 3):
        return False
    return len(head) < _HEAD_BYTES or int.from_bytes(head[3:5], "big") <= _BODY_BYTES_MAX
