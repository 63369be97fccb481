"""What is settled on the media of a call: descriptions answered and offered, with ports of ours for each line.

Source: RFC 3264, RFC 7866 section 7.1.
"""

import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from ipaddress import ip_address

from plugins.pbx_sip.recorder.hooks import MediaLine
from plugins.pbx_sip.recorder.offers import refuse_media
from plugins.pbx_sip.recorder.ports import PortPool
from plugins.pbx_sip.sdp.answer import (
    OFFERED_CODECS,
    Agreement,
    Place,
    agree,
    answer_offer,
    can_record,
    make_offer,
    make_reoffer,
)
from plugins.pbx_sip.sdp.description import Description, Direction, Media, Origin
from plugins.pbx_sip.sdp.keys import MATERIAL_BYTES_MAX, choose_crypto
from plugins.pbx_sip.sdp.reader import parse_description
from plugins.pbx_sip.sdp.writer import render_description
from plugins.pbx_sip.sip.message import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """What is settled: our description as it was sent last, b"" before, and the lines in use."""

    sdp: bytes = b""
    lines: tuple[MediaLine, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Ends:
    """Between whom: our address for media, and the hosts that it may come from whatever a description says.

    others: hosts that it may come from where a description names no address, or one that nothing can come from.
    call_id: by which the call is known, as `StandingCalls.name` has it.
    """

    call_id: str
    address: str
    hosts: tuple[str, ...]
    others: tuple[str, ...] = ()


class Negotiator:
    """Answers and makes offers; whoever drops a result gives back the ports that are new in it."""

    def __init__(self, ports: PortPool, *, offers_keys: bool = False) -> None:
        self._ports = ports
        self._offers_keys = offers_keys

    def answer(
        self, request: Request, offer: Description, standing: Settled, ends: Ends, *, is_paused: bool
    ) -> Settled:
        """Answer an offer; lines that go on keep their ports and keys.

        Raises: BadRequest with 488; NoPorts.
        """
        own = parse_description(standing.sdp) if standing.sdp else None
        with self._taking() as taken:
            places = dict(self._place(offer, own, standing, ends, taken))
            if not places and any(not media.is_rejected for media in offer.media):
                raise refuse_media(offer, request)
            address = own.address if own else ends.address
            origin = own.origin if own else _make_origin(address)
            answer = answer_offer(offer, places, origin=replace(origin, address=address))
            if is_paused:
                answer = _turn(answer, Direction.INACTIVE)
            sdp = _write(answer, standing.sdp)
            return Settled(sdp=sdp, lines=read_lines(answer, offer, ends))

    def offer(self, count: int, ends: Ends, *, is_paused: bool) -> Settled:
        """Offer lines to a client that leaves the first word to us. Raises: NoPorts."""
        with self._taking() as taken:
            places = []
            for _ in range(count):
                taken.append(self._ports.take())
                material = secrets.token_bytes(MATERIAL_BYTES_MAX) if self._offers_keys else b""
                places.append(Place(address=ends.address, port=taken[-1], material=material))
            offer = make_offer(places, origin=_make_origin(ends.address), secure=self._offers_keys)
            if is_paused:
                offer = _turn(offer, Direction.INACTIVE)
            return Settled(sdp=render_description(offer), lines=read_lines(offer, silence(offer), ends))

    def _place(
        self, offer: Description, own: Description | None, standing: Settled, ends: Ends, taken: list[int]
    ) -> Iterator[tuple[int, Place]]:
        in_use = {line.section: line.rtp_port for line in standing.lines}
        for index, media in enumerate(offer.media):
            if not can_record(media):
                continue
            if index not in in_use:
                taken.append(self._ports.take())
            address = own.address if own else ends.address
            material = _key_material(media, own.media[index] if own and index < len(own.media) else None)
            yield index, Place(address=address, port=in_use.get(index) or taken[-1], material=material)

    @contextmanager
    def _taking(self) -> Iterator[list[int]]:
        """Ports that are taken, and given back if it comes to nothing."""
        taken: list[int] = []
        try:
            yield taken
        except Exception:
            for port in taken:
                self._ports.free(port)
            raise


def offer_again(sdp: bytes, *, is_paused: bool, is_wide: bool = False) -> bytes:
    """Our last description as an offer, to pause or to go on. is_wide: with all codecs we know."""
    own = parse_description(sdp)
    if is_wide:
        own = replace(own, media=tuple(_widen(media) for media in own.media))
    return _write(make_reoffer(own, Direction.INACTIVE if is_paused else Direction.RECVONLY), sdp)


def silence(own: Description) -> Description:
    """What the peer of an offer of ours is taken to say until it answers: all lines, and not where it is."""
    return replace(own, address="", media=tuple(replace(media, address="") for media in own.media))


def read_lines(own: Description, peer: Description, ends: Ends) -> tuple[MediaLine, ...]:
    """The lines in use once both descriptions are exchanged, whichever was the offer."""
    return tuple(_read_line(agreement, peer.media[agreement.index], ends) for agreement in agree(own, peer))


def is_pause(own: Description, offer: Description | None) -> bool | None:
    """Whether it is us who want no media, by our answer to an offer, or by our own offer if there is none.

    Returns: None if the offer wanted no media either, which says nothing.
    """
    offered = offer.media if offer else tuple(replace(media, direction=Direction.SENDONLY) for media in own.media)
    wishes = [
        mine.direction is Direction.INACTIVE
        for mine, theirs in zip(own.media, offered, strict=False)
        if not mine.is_rejected and theirs.direction in {Direction.SENDONLY, Direction.SENDRECV}
    ]
    return all(wishes) if wishes else None


def _read_line(agreement: Agreement, theirs: Media, ends: Ends) -> MediaLine:
    place = agreement.place
    rtcp_port = place.port if agreement.rtcp_mux else place.rtcp_port or place.port + 1
    named = _addresses([agreement.peer_address, theirs.rtcp_address])
    return MediaLine(
        call_id=ends.call_id,
        section=agreement.index,
        label=agreement.label,
        address=place.address,
        rtp_port=place.port,
        rtcp_port=rtcp_port,
        peers=_addresses([*named, *ends.hosts, *(() if named else ends.others)]),
        is_secure=theirs.is_secure,
        is_sending=theirs.is_sending and agreement.direction is Direction.RECVONLY,
    )


def _addresses(hosts: Iterable[str]) -> tuple[str, ...]:
    """Those of the hosts that are addresses something can come from, each once."""
    found: dict[str, None] = {}
    for host in filter(None, hosts):
        if host in found:
            continue
        try:
            address = ip_address(host)
        except ValueError:
            continue  # a name: where it leads is not asked, its media mostly comes from where its signalling does
        if not address.is_unspecified:
            found[str(address)] = None
    return tuple(found)


def _key_material(offered: Media, own: Media | None) -> bytes:
    """Random bytes for our key: those of the key that the line has already, if it fits the suite."""
    chosen = choose_crypto(offered.crypto) if offered.is_secure else None
    if chosen is None:
        return b""
    known = own.crypto[0].keys[0].material if own and own.crypto else b""
    return known if len(known) == chosen.suite.material_bytes else secrets.token_bytes(MATERIAL_BYTES_MAX)


def _turn(description: Description, direction: Direction) -> Description:
    return replace(description, media=tuple(replace(media, direction=direction) for media in description.media))


def _widen(media: Media) -> Media:
    names, types = {codec.name for codec in media.codecs}, {codec.payload_type for codec in media.codecs}
    more = tuple(codec for codec in OFFERED_CODECS if codec.name not in names and codec.payload_type not in types)
    if media.is_rejected or not media.is_rtp:
        return media
    formats = (*media.formats, *(str(codec.payload_type) for codec in more))
    return replace(media, codecs=(*media.codecs, *more), formats=formats)


def _make_origin(address: str) -> Origin:
    return Origin(session_id=secrets.randbits(31) + 1, version=1, address=address)


def _write(description: Description, previous: bytes) -> bytes:
    """The bytes of our description; its version is raised by one unless it says again what it said before."""
    if not previous:
        return render_description(description)
    origin = parse_description(previous).origin
    same = render_description(replace(description, origin=origin))
    if same == previous:
        return same
    return render_description(replace(description, origin=replace(origin, version=origin.version + 1)))
