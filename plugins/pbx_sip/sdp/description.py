"""A session description as it is understood: where from, which media, how.

Source: RFC 8866; RFC 4574 (label), RFC 3605 (rtcp), RFC 5761 (rtcp-mux), RFC 3264 section 8.4 (hold), RFC 5764
section 8 (keys by DTLS), RFC 5939 (capabilities).
"""

import ipaddress
from dataclasses import dataclass
from enum import StrEnum

from plugins.pbx_sip.sdp.codecs import Codec
from plugins.pbx_sip.sdp.keys import Crypto

SECURE_PROTOCOLS = frozenset({"RTP/SAVP", "RTP/SAVPF"})
RTP_PROTOCOLS = SECURE_PROTOCOLS | {"RTP/AVP", "RTP/AVPF"}
DTLS_PROTOCOLS = frozenset({"UDP/TLS/RTP/SAVP", "UDP/TLS/RTP/SAVPF"})


class Direction(StrEnum):
    """Which way media goes, seen from the side that wrote the description."""

    SENDRECV = "sendrecv"
    SENDONLY = "sendonly"
    RECVONLY = "recvonly"
    INACTIVE = "inactive"


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """The o= line; session_id and version as numbers."""

    session_id: int = 0
    version: int = 0
    address: str = ""
    username: str = "-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Media:
    """One m= section, with what it takes over from the session filled in.

    address: host that media goes to, "" if nothing says it. formats: as written in the m= line. codecs: of RTP only.
    rtcp_port: from a=rtcp, None without it; rtcp_address: "" if it is that of the media.
    crypto: keys for the media as it is; possible_crypto: for when the other side goes over to SRTP. has_fingerprint: of
    a DTLS certificate. recording: whether its writer records: on, off or paused; recording_wish: whether it wants to be
    recorded: on, off, pause or nopreference; "" where that is not said. attributes: (name, value) of all that has no
    field here, but for ICE.
    """

    kind: str
    port: int
    protocol: str
    formats: tuple[str, ...]
    port_count: int = 1
    codecs: tuple[Codec, ...] = ()
    address: str = ""
    direction: Direction = Direction.SENDRECV
    label: str = ""
    ptime_ms: int | None = None
    maxptime_ms: int | None = None
    rtcp_port: int | None = None
    rtcp_address: str = ""
    rtcp_mux: bool = False
    crypto: tuple[Crypto, ...] = ()
    possible_crypto: tuple[Crypto, ...] = ()
    has_fingerprint: bool = False
    recording: str = ""
    recording_wish: str = ""
    attributes: tuple[tuple[str, str], ...] = ()

    @property
    def is_rejected(self) -> bool:
        """Whether port 0 says that the section is not used."""
        return self.port == 0

    @property
    def is_sound(self) -> bool:
        """Whether it is in use for sound: audio, and not for key presses or comfort noise alone."""
        is_silent = bool(self.codecs) and all(codec.is_auxiliary for codec in self.codecs)
        return self.kind == "audio" and not self.is_rejected and not is_silent

    @property
    def is_rtp(self) -> bool:
        """Whether the section carries RTP with or without keys in the description."""
        return self.protocol.upper() in RTP_PROTOCOLS

    @property
    def is_dtls(self) -> bool:
        """Whether it carries SRTP whose keys are agreed on by DTLS, which nobody else can know."""
        return self.protocol.upper() in DTLS_PROTOCOLS

    @property
    def is_secure(self) -> bool:
        """Whether its RTP has to be SRTP."""
        return self.protocol.upper() in SECURE_PROTOCOLS

    @property
    def is_held(self) -> bool:
        """Whether the other party of an ordinary call is on hold: inactive, sendonly or the address 0.0.0.0."""
        return self.direction in {Direction.INACTIVE, Direction.SENDONLY} or is_unspecified(self.address)

    @property
    def is_sending(self) -> bool:
        """Whether its writer means to send media now, as a recorder has to know; 0.0.0.0 is how some clients pause.

        A client whose every address is 0.0.0.0 from the first offer on may send all the same.
        """
        sends = self.direction in {Direction.SENDRECV, Direction.SENDONLY}
        return sends and not self.is_rejected and not is_unspecified(self.address)


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """A whole session description.

    address: of the session's c= line, "" without one. attributes: (name, value) of the session, but for ICE.
    problems: what was passed over in reading, in words.
    """

    origin: Origin
    media: tuple[Media, ...] = ()
    name: str = "-"
    address: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    problems: tuple[str, ...] = ()

    @property
    def audio_labels(self) -> dict[int, str]:
        """Index of each line in use for sound -> its label, "" without one."""
        return {index: media.label for index, media in enumerate(self.media) if media.is_sound}


def is_unspecified(address: str) -> bool:
    """Whether it is 0.0.0.0 or ::, which nothing can be sent to."""
    try:
        return ipaddress.ip_address(address).is_unspecified
    except ValueError:
        return False
