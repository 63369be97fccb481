"""SRTP, decrypted with keys that the session descriptions tell.

Source: RFC 3711 (SRTP), RFC 4568 (keys in descriptions), RFC 7714 (AEAD).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from pylibsrtp import Error, Policy, Session

from plugins.pbx_sip.rtp.packets import RtpPackets, read_rtp

# By the name of the suite: libsrtp's number, bytes of master key and salt, bytes of the tag behind a key's name.
_PROFILES = {
    "AES_CM_128_HMAC_SHA1_80": (Policy.SRTP_PROFILE_AES128_CM_SHA1_80, 30, 10),
    "AES_CM_128_HMAC_SHA1_32": (Policy.SRTP_PROFILE_AES128_CM_SHA1_32, 30, 4),
    "AEAD_AES_128_GCM": (Policy.SRTP_PROFILE_AEAD_AES_128_GCM, 28, 0),
    "AEAD_AES_256_GCM": (Policy.SRTP_PROFILE_AEAD_AES_256_GCM, 44, 0),
}
_TRIED = 100  # packets of which none fits any key: the rest will not fit either


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


def decrypt(packets: RtpPackets, keys: Sequence[SrtpKey]) -> RtpPackets:
    """The packets that are authentic under one of the keys, decrypted, in the order of arrival.

    A sender may go over to another of its keys at any time. Packets that come twice are given once.
    """
    doors = [_Door(key) for key in keys if key.is_usable]
    opened: list[bytes] = []
    rows: list[int] = []
    for row, (start, end) in enumerate(zip(packets.start.tolist(), _ends(packets).tolist(), strict=True)):
        if not doors or (row == _TRIED and not opened):
            break
        content = packets.buffer[start:end].tobytes()
        for place, door in enumerate(doors):
            plain = door.open(content)
            if plain is not None:
                opened.append(plain)
                rows.append(row)
                doors.insert(0, doors.pop(place))
                break
    length = np.array([len(plain) for plain in opened], np.int32)
    offset = np.cumsum(length, dtype=np.int64) - length
    buffer = np.frombuffer(b"".join(opened), np.uint8)
    return read_rtp(buffer, packets.time_ns[rows] if rows else packets.time_ns[:0], offset, length)[0]


def _ends(packets: RtpPackets) -> np.ndarray:
    return packets.offset + packets.length


class _Door:
    """One key with what it remembers: how often sequence numbers ran over, which packets were opened."""

    def __init__(self, key: SrtpKey) -> None:
        profile, _, self._tag_bytes = _PROFILES[key.suite]
        self._mki_bytes = key.mki_bytes
        policy = Policy(key=key.material, ssrc_type=Policy.SSRC_ANY_INBOUND, srtp_profile=profile)
        policy.window_size = 1024
        self._session = Session(policy)

    def open(self, content: bytes) -> bytes | None:
        """The packet decrypted; None if it is not authentic under this key, or was opened before."""
        if self._mki_bytes:  # RFC 3711 section 3.1: it stands before the authentication tag
            tag = len(content) - self._tag_bytes
            content = content[: max(tag - self._mki_bytes, 0)] + content[max(tag, 0) :]
        try:
            plain: bytes = self._session.unprotect(content)
        except (Error, TypeError, ValueError):
            return None
        return plain
