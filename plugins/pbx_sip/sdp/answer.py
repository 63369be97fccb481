"""What a recorder answers to an offer, offers by itself, and what both sides then have agreed on.

Source: RFC 3264 section 6 (answer) and 8 (re-offer), RFC 7866 section 7.1 (recording), RFC 4568 section 5.1 (keys).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from plugins.pbx_sip.sdp.codecs import DECODABLE, STATIC_CODECS, Codec, select_codecs
from plugins.pbx_sip.sdp.description import Description, Direction, Media, Origin
from plugins.pbx_sip.sdp.keys import SUITES, Crypto, choose_crypto, make_crypto
from plugins.pbx_sip.sdp.writer import is_token

OFFERED_PTIME_MS = 20
OFFERED_SUITE = next(suite for suite in SUITES if suite.name == "AES_CM_128_HMAC_SHA1_80")
OFFERED_CODECS = (
    *(STATIC_CODECS[payload_type] for payload_type in (0, 8, 9, 18, 3)),
    Codec(payload_type=96, encoding="opus", clock_rate_hz=48000, channels=2),
    Codec(payload_type=97, encoding="iLBC", clock_rate_hz=8000),
    STATIC_CODECS[13],
    Codec(payload_type=101, encoding="telephone-event", clock_rate_hz=8000, parameters="0-16"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the recorder receives one stream.

    rtcp_port: None for the port after that of the media. material: at least 46 random bytes of which our SRTP key is
    made, used for this stream only; b"" where no keys are wanted.
    """

    address: str
    port: int
    rtcp_port: int | None = None
    material: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Agreement:
    """What both sides settled for one media line that is in use.

    index: of the media line, from 0. codecs: what may arrive, by payload type, the preferred one first.
    direction: ours. peer_address, peer_port: where the peer wants media, "" if it did not say; its RTP mostly comes
    from there.
    own_crypto, peer_crypto: keys of what we send and of what we receive, None for RTP in the clear.
    """

    index: int
    label: str
    direction: Direction
    codecs: tuple[Codec, ...]
    place: Place
    peer_address: str
    peer_port: int
    ptime_ms: int | None = None
    rtcp_mux: bool = False
    own_crypto: Crypto | None = None
    peer_crypto: Crypto | None = None


def can_record(media: Media, decodable: frozenset[str] = DECODABLE) -> bool:
    """Whether a media line of an offer can be taken: audio in use, in a known codec, with usable keys where needed."""
    if media.kind != "audio" or not media.is_rtp or media.is_rejected:
        return False
    has_keys = not media.is_secure or choose_crypto(media.crypto) is not None
    return has_keys and bool(select_codecs(media.codecs, decodable))


def is_unknown_sound(media: Media) -> bool:
    """Whether a line of sound is offered that cannot be recorded."""
    return media.is_sound and not can_record(media)


def name_coding(media: Media) -> str:
    """What a line of sound that cannot be recorded was to be in.

    Returns: "SRTP" or "DTLS-SRTP" where no key is known that opens it, else its codings.
    """
    if media.is_dtls:
        return "DTLS-SRTP"
    if media.is_secure and choose_crypto(media.crypto) is None:
        return "SRTP"
    names = [codec.name or str(codec.payload_type) for codec in media.codecs if not codec.is_auxiliary]
    return ", ".join(names) or media.protocol


def answer_offer(
    offer: Description,
    places: Mapping[int, Place],
    *,
    origin: Origin,
    previous: Description | None = None,
    decodable: frozenset[str] = DECODABLE,
) -> Description:
    """The recorder's answer: a line for each line, port 0 for those without a place and those that cannot be recorded.

    places: by index of the media line; `can_record` tells which lines want one. origin: its address is the c= address.
    previous: our last description in the same dialog; its session id is kept, and its version is raised by one unless
    the answer says the same again, which tells a refresh from a change (RFC 3264 section 8, RFC 4028 section 7.4).

    Raises: BadDescription (a place has too few bytes for a key).
    """
    media = tuple(
        _answer_media(offered, places[index], decodable)
        if index in places and can_record(offered, decodable)
        else _reject_media(offered)
        for index, offered in enumerate(offer.media)
    )
    return _follow(previous, Description(origin=origin, media=media, address=origin.address))


def _answer_media(offered: Media, place: Place, decodable: frozenset[str]) -> Media:
    codecs = select_codecs(offered.codecs, decodable)
    crypto = choose_crypto(offered.crypto) if offered.is_secure or place.material else None
    rtcp_port = place.port + 1 if place.rtcp_port is None else place.rtcp_port
    if offered.rtcp_mux:
        rtcp_port = place.port
    says_rtcp = offered.rtcp_port is not None or rtcp_port not in {place.port, place.port + 1}
    return Media(
        kind=offered.kind,
        port=place.port,
        protocol=offered.protocol,
        formats=tuple(str(codec.payload_type) for codec in codecs),
        codecs=codecs,
        address=place.address,
        direction=_receive(offered.direction),
        label=offered.label if is_token(offered.label) else "",
        ptime_ms=offered.ptime_ms,
        maxptime_ms=offered.maxptime_ms,
        rtcp_port=rtcp_port if says_rtcp else None,
        rtcp_mux=offered.rtcp_mux,
        crypto=(make_crypto(crypto.tag, crypto.suite, place.material, crypto.shared),) if crypto else (),
    )


def _receive(offered: Direction) -> Direction:
    """A recorder sends nothing: it receives what is sent to it, or nothing goes either way."""
    sends = offered in {Direction.SENDRECV, Direction.SENDONLY}
    return Direction.RECVONLY if sends else Direction.INACTIVE


def _reject_media(offered: Media) -> Media:
    return Media(
        kind=offered.kind if is_token(offered.kind) else "audio",
        port=0,
        protocol=offered.protocol if all(map(is_token, offered.protocol.split("/"))) else "RTP/AVP",
        formats=tuple(text for text in offered.formats if is_token(text)) or ("0",),
        label=offered.label if is_token(offered.label) else "",
        direction=Direction.INACTIVE,
    )


def make_offer(
    places: Sequence[Place], *, origin: Origin, codecs: Sequence[Codec] = OFFERED_CODECS, secure: bool = False
) -> Description:
    """The recorder's own offer for an INVITE that brings none: one line to receive audio on for each place.

    Raises: BadDescription (secure, and a place has too few bytes for a key).
    """
    media = tuple(
        Media(
            kind="audio",
            port=place.port,
            protocol="RTP/SAVP" if secure else "RTP/AVP",
            formats=tuple(str(codec.payload_type) for codec in codecs),
            codecs=tuple(codecs),
            address=place.address,
            direction=Direction.RECVONLY,
            ptime_ms=OFFERED_PTIME_MS,
            rtcp_port=place.rtcp_port if place.rtcp_port not in {None, place.port + 1} else None,
            crypto=(make_crypto(1, OFFERED_SUITE, place.material),) if secure else (),
        )
        for place in places
    )
    return Description(origin=origin, media=media, address=origin.address)


def make_reoffer(previous: Description, direction: Direction) -> Description:
    """Our last description offered again with another direction for every line in use: to pause, and to go on."""
    media = tuple(line if line.is_rejected else replace(line, direction=direction) for line in previous.media)
    return _follow(previous, replace(previous, media=media))


def _follow(previous: Description | None, description: Description) -> Description:
    if previous is None:
        return description
    same = replace(description, origin=previous.origin)
    if same == previous:
        return same
    return replace(same, origin=replace(previous.origin, version=previous.origin.version + 1))


def agree(own: Description, peer: Description) -> tuple[Agreement, ...]:
    """What holds once offer and answer are exchanged, whichever of the two was ours: one for each line in use."""
    return tuple(
        _agree_media(index, mine, theirs)
        for index, (mine, theirs) in enumerate(zip(own.media, peer.media, strict=False))
        if not mine.is_rejected and not theirs.is_rejected
    )


def _agree_media(index: int, mine: Media, theirs: Media) -> Agreement:
    known = {(codec.name, codec.clock_rate_hz, codec.channels) for codec in theirs.codecs}
    types = {codec.payload_type for codec in theirs.codecs}
    pairs = [(ours, other) for ours in mine.crypto for other in theirs.crypto if ours.tag == other.tag]
    own_crypto, peer_crypto = pairs[0] if pairs else (None, None)
    return Agreement(
        index=index,
        label=mine.label or theirs.label,
        direction=mine.direction,
        codecs=tuple(
            codec
            for codec in mine.codecs
            if codec.payload_type in types or (codec.name, codec.clock_rate_hz, codec.channels) in known
        ),
        place=Place(address=mine.address, port=mine.port, rtcp_port=mine.rtcp_port),
        peer_address=theirs.address,
        peer_port=theirs.port,
        ptime_ms=theirs.ptime_ms or mine.ptime_ms,
        rtcp_mux=mine.rtcp_mux and theirs.rtcp_mux,
        own_crypto=own_crypto,
        peer_crypto=peer_crypto,
    )
