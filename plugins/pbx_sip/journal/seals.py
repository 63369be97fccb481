"""What is done with the key of a journal: tables are checked, calls get marks, notes are encrypted."""

import secrets
from hashlib import blake2b
from struct import Struct, error, pack

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from plugins.pbx_sip.journal.layout import CHECK_BYTES, MARK_BYTES, NONCE_BYTES, Bytes
from plugins.pbx_sip.journal.unit import Note

KEY_BYTES = 32
_NONCE_BEGIN_BYTES = NONCE_BYTES - 4  # random; the rest is the low half of the serial number
_NOTE = Struct("<qBH")  # at_ns, kind, bytes of the call's key, which follows before the content


class Broken(ValueError):
    """A note that is not as it was written."""


class Seals:
    """The key of a journal.

    Raises: ValueError (a key of another length than 32 bytes).
    """

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_BYTES:
            raise ValueError(f"the key of a journal has {KEY_BYTES} bytes, not {len(key)}")
        self._key = key
        self._nonce = secrets.token_bytes(_NONCE_BEGIN_BYTES)
        self._notes = AESGCM(blake2b(key=key, person=b"notes", digest_size=32).digest())

    def check(self, *parts: Bytes) -> bytes:
        """A keyed hash by which bytes are known to be the journal's own and whole."""
        digest = blake2b(key=self._key, person=b"check", digest_size=CHECK_BYTES)
        for part in parts:
            digest.update(part)
        return digest.digest()

    def mark(self, call: str) -> bytes:
        """What stands for a call where others can read."""
        name = call.encode(errors="surrogatepass")
        return blake2b(name, key=self._key, person=b"mark", digest_size=MARK_BYTES).digest()

    def close_note(self, note: Note, mark: bytes, serial: int) -> bytes:
        """A note as it lies on the disk. serial: its number, each greater than the one before.

        Raises: ValueError (a kind, a time or a call's key that does not fit).
        """
        call = note.call.encode(errors="surrogatepass")
        try:
            head = _NOTE.pack(note.at_ns, note.kind, len(call))
        except error as exc:
            raise ValueError(f"a note cannot be kept: {exc}") from exc
        if not serial & 0xFFFFFFFF:
            self._nonce = secrets.token_bytes(_NONCE_BEGIN_BYTES)
        nonce = self._nonce + pack("<I", serial & 0xFFFFFFFF)
        return nonce + self._notes.encrypt(nonce, head + call + note.content, _bound(mark, serial))

    def open_note(self, content: bytes, mark: bytes, serial: int) -> Note:
        """The note that was closed.

        Raises: Broken.
        """
        try:
            plain = self._notes.decrypt(content[:NONCE_BYTES], content[NONCE_BYTES:], _bound(mark, serial))
        except (InvalidTag, ValueError) as exc:
            raise Broken("a note cannot be decrypted") from exc
        at_ns, kind, size = _NOTE.unpack_from(plain)
        end = _NOTE.size + size
        call = plain[_NOTE.size : end].decode(errors="surrogatepass")
        return Note(call=call, at_ns=at_ns, kind=kind, content=plain[end:])


def _bound(mark: bytes, serial: int) -> bytes:
    return mark + pack("<Q", serial)
