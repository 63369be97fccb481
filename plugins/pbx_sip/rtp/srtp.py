"""SRTP, decrypted with keys that the session descriptions tell.

Source: RFC 3711 (SRTP), RFC 4568 (keys in descriptions), RFC 6188 (AES-256), RFC 7714 (AEAD).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from pylibsrtp import Error, Policy, Session

from plugins.pbx_sip.rtp.counter_mode import CounterMode
from plugins.pbx_sip.rtp.packets import Rows, RtpPackets, read_rtp

# By the name of the suite: libsrtp's number, bytes of master key and salt, bytes of the tag behind a key's name.
_PROFILES = {
    "AES_256_CM_HMAC_SHA1_80": (None, 46, 10),
    "AES_256_CM_HMAC_SHA1_32": (None, 46, 4),
    "AES_CM_256_HMAC_SHA1_80": (None, 46, 10),
    "AES_CM_256_HMAC_SHA1_32": (None, 46, 4),
    "AES_CM_128_HMAC_SHA1_80": (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 30, 10),
    "AES_CM_128_HMAC_SHA1_32": (Policy.SRTP_PROFILE_AES128_CM_SHA1_32, 30, 4),
    "AEAD_AES_128_GCM": (Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 28, 0),
    "AEAD_AES_256_GCM": (Policy.SRTP_PROFILE_AEAD_AES_256_GCM, 44, 0),
}
_TRIED = 300  # packets of which none fits any key: the rest will not fit either
_ROLLOVERS_MAX = 50  # of the sequence number before the first packet seen: 18 hours of packets of 20 ms
_STRIDE = 0x5555  # libsrtp follows steps of less than 0x8000
_TRIES, _SOURCES_MAX = 5, 100


@dataclass(frozen=True, slots=True)
class SrtpKey:
    """One key of a sender. suite: its name; material: master key and salt; mki_bytes: how long key names are."""

    suite: str
    material: bytes = field(repr=False)
    mki_bytes: int = 0

    @property
    def is_usable(self) -> bool:
        """Whether this suite can be decrypted here, with a key of this length."""
        return self.suite in _PROFILES and len(self.material) == _PROFILES[self.suite][1]


def decrypt(packets: RtpPackets, keys: Sequence[SrtpKey]) -> tuple[RtpPackets, Rows]:
    """The packets that are authentic under one of the keys, decrypted, in the order of arrival, and which they are.

    A sender may go over to another of its keys at any time. Packets that come twice are given once.
    """
    return SrtpOpener(keys).decrypt(packets)


def _ends(packets: RtpPackets) -> np.ndarray:
    return packets.offset + packets.length


class SrtpOpener:
    """Opens the packets of one sender, one after the other as they come."""

    def __init__(self, keys: Sequence[SrtpKey]) -> None:
        self._doors = [_Door(key) for key in keys if key.is_usable]
        self._in_vain = 0  # packets that no key opened, while none did

    def decrypt(self, packets: RtpPackets) -> tuple[RtpPackets, Rows]:
        """Those of the packets that can be opened, decrypted, and which they are."""
        opened: list[bytes] = []
        rows: list[int] = []
        for row, (start, end) in enumerate(zip(packets.start.tolist(), _ends(packets).tolist(), strict=True)):
            if not self._doors or self._in_vain == _TRIED:
                break
            plain = self._open(packets.buffer[start:end].tobytes())
            if plain is not None:
                opened.append(plain)
                rows.append(row)
        length = np.array([len(plain) for plain in opened], np.int32)
        offset = np.cumsum(length, dtype=np.int64) - length
        buffer = np.frombuffer(b"".join(opened), np.uint8)
        found = np.array(rows, np.intp)
        read, is_rtp = read_rtp(buffer, packets.time_ns[found], offset, length)
        return read, found[is_rtp]

    def _open(self, content: bytes) -> bytes | None:
        """The packet decrypted; None if it is not authentic under any key, or was opened before."""
        for place, door in enumerate(self._doors):
            plain = door.open(content)
            if plain is not None:
                self._doors.insert(0, self._doors.pop(place))
                self._in_vain = -1
                return plain
        if self._in_vain >= 0:
            self._in_vain += 1
        return None


class _Door:
    """One key, and how long its name is in each packet."""

    def __init__(self, key: SrtpKey) -> None:
        profile, _, self._tag_bytes = _PROFILES[key.suite]
        self._name_bytes = key.mki_bytes
        self._lock = (
            CounterMode(key.material, self._tag_bytes) if profile is None else _LibsrtpKey(key.material, profile)
        )

    def open(self, content: bytes) -> bytes | None:
        """The packet decrypted; None if it is not authentic under this key, or was opened before."""
        if self._name_bytes:  # RFC 3711 section 3.1: it stands before the authentication tag
            tag = len(content) - self._tag_bytes
            content = content[: max(tag - self._name_bytes, 0)] + content[max(tag, 0) :]
        return self._lock.open(content)


class _LibsrtpKey:
    """A key that libsrtp knows, with what it remembers: how often sequence numbers ran over, which packets it saw."""

    def __init__(self, material: bytes, profile: int) -> None:
        self._material, self._profile = material, profile
        self._session = self._open_session(Policy.SSRC_ANY_INBOUND)
        self._late: dict[bytes, Session] = {}  # by source: those whose first packets were not seen
        self._tried: dict[bytes, int] = {}

    def open(self, content: bytes) -> bytes | None:
        """The packet decrypted; None if it is not authentic under this key, or was opened before."""
        source = content[8:12]
        plain = _unprotect(self._late.get(source, self._session), content)
        tried = self._tried.get(source, 0)
        if plain is not None:
            self._tried[source] = _TRIES
        elif tried < _TRIES and len(self._tried) < _SOURCES_MAX:
            self._tried[source] = tried + 1
            plain = self._catch_up(content, source)
        return plain

    def _catch_up(self, content: bytes, source: bytes) -> bytes | None:
        """The packet decrypted, if sequence numbers ran over some times before it.

        How often is no part of a packet, but its authentication tag depends on it. libsrtp counts along by itself, so
        that it is led there by packets of our own.
        """
        sender = self._open_session(Policy.SSRC_ANY_OUTBOUND)
        receiver = self._open_session(Policy.SSRC_ANY_INBOUND)
        first = int.from_bytes(content[2:4], "big")
        for step in range(3 * _ROLLOVERS_MAX):
            sequence = (first + step // 3 + step * _STRIDE) & 0xFFFF  # three steps are one round
            led = sender.protect(bytes([0x80, 0]) + sequence.to_bytes(2, "big") + bytes(4) + source + bytes(16))
            _unprotect(receiver, led)
            if step % 3 == 2 and (plain := _unprotect(receiver, content)) is not None:
                self._late[source] = receiver
                return plain
        return None

    def _open_session(self, direction: int) -> Session:
        policy = Policy(key=self._material, ssrc_type=direction, srtp_profile=self._profile)
        policy.window_size = 1024
        return Session(policy)


def _unprotect(session: Session, content: bytes) -> bytes | None:
    try:
        plain: bytes = session.unprotect(content)
    except (Error, TypeError, ValueError):
        return None
    return plain
