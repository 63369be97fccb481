"""Which of the captured media is whose voice: media that arrives where one side listens was sent by the other."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from plugins.pbx_sip.calls.claims import Claims
from plugins.pbx_sip.calls.dialog import Dialog, Listening, Side
from plugins.pbx_sip.calls.flows import Flow, Flows, join
from plugins.pbx_sip.media.coding import Coding, find_coding
from plugins.pbx_sip.rtp.packets import Mask, RtpPackets, find_values
from plugins.pbx_sip.rtp.redundancy import unwrap
from plugins.pbx_sip.rtp.repeats import leave_out_repeats
from plugins.pbx_sip.rtp.rtcp import RtcpReport
from plugins.pbx_sip.rtp.scrambled import is_scrambled
from plugins.pbx_sip.rtp.senders import leave_out_crowd
from plugins.pbx_sip.rtp.srtp import SrtpKey, decrypt
from plugins.pbx_sip.sdp.codecs import REDUNDANT, STATIC_CODECS, Codec

LOCKS = {
    "SRTP": "is encrypted, and no key is known that opens it",
    "DTLS-SRTP": "is encrypted with keys that its ends agreed on by themselves (DTLS-SRTP) and nobody else can know",
}
_EARLY_NS = 2_000_000_000  # media may overtake the message that says where it goes
_LATE_NS = 1_000_000_000
_END_NS = 1 << 62
_NARROW_HZ = 8000


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """What one side sent in one of the media sections.

    codecs: by payload type, in the order in which they came to hold: (since, by type). lock: "" if it can be read; else
    what it is encrypted by, "SRTP" or "DTLS-SRTP", and no key is known that opens it. repeated: how many packets were
    seen once more and left out. reports: what anybody in the call says over RTCP.
    """

    side: Side
    section: int
    packets: RtpPackets
    codecs: tuple[tuple[int, Mapping[int, Codec]], ...]
    lock: str = ""
    repeated: int = 0
    reports: tuple[RtcpReport, ...] = ()

    def take(self, rows: Mask) -> "Voice":
        """Some of its packets."""
        return replace(self, packets=self.packets.take(rows))

    def by_codec(self) -> list[tuple[Codec, RtpPackets]]:
        """Its packets apart by what they are in."""
        if self.lock:
            return [(Codec(payload_type=0, encoding=self.lock), self.packets)]
        payload_types = self.packets.payload_type
        known: dict[int, Codec] = dict(STATIC_CODECS)
        starts = [since for since, _ in self.codecs]
        rows: dict[Codec, Mask] = {}
        for place, (since, mapping) in enumerate(self.codecs):
            known |= mapping
            begins = self.packets.time_ns >= since if place else True
            ends = self.packets.time_ns < starts[place + 1] if place + 1 < len(starts) else True
            epoch = np.full(len(self.packets), begins & ends)
            for payload_type in find_values(payload_types[epoch]):
                codec = known.get(payload_type, Codec(payload_type=payload_type))
                here = epoch & (payload_types == payload_type)
                rows[codec] = rows[codec] | here if codec in rows else here
        found = [(codec, self.packets if here.all() else self.packets.take(here)) for codec, here in rows.items()]
        return _unwrap(found, known) if any(codec.name == REDUNDANT for codec, _ in found) else found


def _unwrap(found: list[tuple[Codec, RtpPackets]], known: Mapping[int, Codec]) -> list[tuple[Codec, RtpPackets]]:
    """Packets by what they are in, and what redundant ones carry with those that carried it alone."""
    parts: dict[Codec, list[RtpPackets]] = {}
    for codec, packets in found:
        if codec.name != REDUNDANT:
            parts.setdefault(codec, []).append(packets)
            continue
        carried = unwrap(packets, codec.clock_rate_hz or _NARROW_HZ)
        for payload_type in find_values(carried.payload_type):
            inner = known.get(payload_type, Codec(payload_type=payload_type))
            parts.setdefault(inner, []).append(carried.take(carried.payload_type == payload_type))
    return [(codec, join(packets)) for codec, packets in parts.items()]


def coding_of(codec: Codec) -> Coding | None:
    """How a codec of a description is decoded; None if it cannot be, here."""
    return find_coding(codec.name, codec.clock_rate_hz, _parameters(codec.parameters), codec.channels)


def _parameters(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(";")[:50])
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """A place where a side of a call listened, and how long; since_ns: when it said so."""

    dialog: Dialog
    claims: Claims
    endpoint: int
    since_ns: int
    from_ns: int
    until_ns: int

    def among(self, flows: Iterable[Flow]) -> list[RtpPackets]:
        """What is found of its time, and is no other call's."""
        found: list[RtpPackets] = []
        for flow in flows:
            if self.claims.is_anothers(self.dialog.call_id, flow.source, flow.target):
                continue
            parts = flow.between(self.from_ns, self.ends_ns(flow))
            flow.is_known |= bool(parts)
            found += parts
        return found

    def ends_ns(self, flow: Flow) -> int:
        """Until when a flow is the call's: a call that takes the endpoint has it from then on, unless it is a hop."""
        peer = flow.source if flow.target == self.endpoint else flow.target
        taken_ns = self.claims.taken_ns(self.endpoint, self.dialog.call_id, self.since_ns, peer)
        # One that takes the endpoint while this call goes on is another hop of the same call.
        over_ns = self.dialog.ended_ns - _LATE_NS if self.dialog.ended_ns else self.dialog.said_ns
        return min(self.until_ns, taken_ns) if taken_ns > over_ns else self.until_ns


def find_voices(dialog: Dialog, flows: Flows, claims: Claims) -> list[Voice]:
    """The voices of both sides, as far as media was found, section by section.

    claims: since when endpoints belong to which dialog, as ports are used again by the next call.
    """
    voices: dict[tuple[Side, int], Voice] = {}
    audio = [listening for listening in dialog.listenings if listening.media.kind == "audio"]
    for section in sorted({listening.section for listening in audio}):
        places = {side: [each for each in audio if (each.side, each.section) == (side, section)] for side in Side}
        for side in Side:
            spans = _spans(places[side.other], dialog, claims)
            heard = [part for span in spans for part in span.among(flows.to(span.endpoint))]
            if parts := _leave_out_fax(dialog, section, heard):
                voices[side, section] = _make_voice(side, section, parts, places)
        for side in Side:
            if (side, section) not in voices and (
                parts := _leave_out_fax(dialog, section, _latch(places, side, dialog, flows, claims))
            ):
                voices[side, section] = _make_voice(side, section, parts, places)
    reports = tuple(_find_reports(dialog, audio, flows))
    return [replace(voice, reports=reports) for voice in voices.values()]


def find_last_ns(dialog: Dialog, flows: Flows, claims: Claims) -> int:
    """When media of a call was heard last; 0 if it never was."""
    latest_ns = 0
    for side in Side:
        for span in _spans([each for each in dialog.listenings if each.side is side], dialog, claims):
            for flow in flows.to(span.endpoint):
                if not claims.is_anothers(dialog.call_id, flow.source, flow.target):
                    latest_ns = max(latest_ns, flow.last_before(span.ends_ns(flow)))
    return latest_ns


def _leave_out_fax(dialog: Dialog, section: int, parts: list[RtpPackets]) -> list[RtpPackets]:
    """What came while sound was meant: packets of a fax (UDPTL) go the same way and may look like RTP."""
    for from_ns, until_ns in dialog.find_faxes(section):
        left = [part.take((part.time_ns < from_ns) | (part.time_ns >= until_ns)) for part in parts]
        parts = [part for part in left if len(part)]
    return parts


def _find_reports(dialog: Dialog, audio: Iterable[Listening], flows: Flows) -> list[RtcpReport]:
    """What is said about the media of a call while it lasts."""
    endpoints = {endpoint for each in audio for endpoint in each.control_endpoints}
    from_ns = 0 if dialog.joined_late else dialog.first_ns - _EARLY_NS
    return flows.reports.of(endpoints, from_ns, dialog.ended_ns + _LATE_NS if dialog.ended_ns else _END_NS)


def _latch(
    places: Mapping[Side, list[Listening]], side: Side, dialog: Dialog, flows: Flows, claims: Claims
) -> list[RtpPackets]:
    """The voice of a side that sends elsewhere than was said: back to where the other really sends from, or from home.

    Source: RFC 4961 (symmetric RTP).
    """
    mine, theirs = (_spans(places[each], dialog, claims) for each in (side, side.other))
    for span in mine:
        heard = [flow for flow in flows.to(span.endpoint) if span.among([flow])]
        if parts := [part for flow in heard for part in span.among(flows.to(flow.source))]:
            return parts
    taken = {span.endpoint for span in theirs}
    return [
        part
        for span in mine
        for part in span.among(flow for flow in flows.from_(span.endpoint) if flow.target not in taken)
    ]


def _make_voice(side: Side, section: int, parts: list[RtpPackets], places: Mapping[Side, list[Listening]]) -> Voice:
    heard_by = places[side.other]
    codecs = codecs_of(heard_by, places[side])
    packets, repeated = leave_out_repeats(leave_out_crowd(join(parts)))
    packets, lock = _unlock(packets, places[side], heard_by)
    return Voice(
        side=side,
        section=section,
        packets=packets,
        codecs=tuple(codecs) or ((0, {}),),
        lock=lock,
        repeated=repeated,
    )


def _unlock(packets: RtpPackets, mine: list[Listening], theirs: list[Listening]) -> tuple[RtpPackets, str]:
    """The packets of a side as they were before it encrypted them, and what by, if they cannot be opened.

    Many encrypt what they call plain RTP where both sides gave keys (best effort): what is authentic is taken for SRTP.
    """
    both = mine + theirs
    keys = keys_of(mine)
    agreed = [each for each in theirs if each.is_agreed and not each.refused_ns]
    if len({each.media.is_secure for each in agreed}) > 1:
        return _unlock_in_turn(packets, keys, agreed), ""
    is_secure = any(each.media.is_secure for each in both)
    if is_secure or (keys and any(each.media.crypto for each in theirs)):
        opened, _ = decrypt(packets, keys)
        if len(opened):
            return opened, ""
    is_agreed = all(any(each.media.has_fingerprint for each in side) for side in (mine, theirs))
    if any(each.media.is_dtls for each in both) or (is_agreed and (is_secure or is_scrambled(packets))):
        return packets, "DTLS-SRTP"
    return packets, "SRTP" if is_secure else ""


def _unlock_in_turn(packets: RtpPackets, keys: list[SrtpKey], heard_by: list[Listening]) -> RtpPackets:
    """The packets of a side that goes over from plain to encrypted sound or back, as its listener asked for it.

    What is authentic is taken for SRTP, and what is not for plain where it came while that was meant.
    """
    encrypted = np.flatnonzero(_find_while(packets.time_ns, heard_by, _LATE_NS, is_secure=True))
    opened, rows = decrypt(packets.take(encrypted), keys)
    plain = _find_while(packets.time_ns, heard_by, _LATE_NS if len(opened) else 0, is_secure=False)
    plain[encrypted[rows]] = False
    return join([opened, packets.take(plain)])


def _find_while(time_ns: npt.NDArray[np.int64], heard_by: list[Listening], margin_ns: int, *, is_secure: bool) -> Mask:
    """Which packets came while encrypted, or plain, sound was meant, and so long before and after."""
    ends_ns = [each.since_ns + margin_ns for each in heard_by[1:]] + [_END_NS]
    found = np.zeros(len(time_ns), bool)
    for place, (each, end_ns) in enumerate(zip(heard_by, ends_ns, strict=True)):
        if each.media.is_secure is is_secure:
            found |= (time_ns >= (each.since_ns - margin_ns if place else 0)) & (time_ns < end_ns)
    return found


def codecs_of(
    listenings: Iterable[Listening], senders: Iterable[Listening] = ()
) -> list[tuple[int, Mapping[int, Codec]]]:
    """By payload type, since when; what was not agreed on may add a coding, and gives none another meaning.

    senders: what the sender said itself, by which payload types are known that the listener did not name: some send
    what they offered although it was declined.
    """
    epochs: list[tuple[int, Mapping[int, Codec]]] = []
    known: set[int] = set()
    for each in listenings:
        said = {codec.payload_type: codec for codec in each.media.codecs}
        codecs = {number: codec for number, codec in said.items() if each.is_agreed or number not in known}
        known |= codecs.keys()
        epochs.append((each.since_ns, codecs))
    if epochs:
        offered = {codec.payload_type: codec for each in senders for codec in each.media.codecs}
        epochs[0] = epochs[0][0], {**offered, **epochs[0][1]}
    return epochs


def keys_of(places: Iterable[Listening]) -> list[SrtpKey]:
    """The keys of a side, by where it listens: who describes its media with a key encrypts with it what it sends.

    Source: RFC 4568 section 6.1.
    """
    keys = {
        SrtpKey(crypto.suite.name, key.material, key.mki_bytes): None
        for each in places
        for crypto in (*each.media.crypto, *each.media.possible_crypto)
        for key in crypto.keys
    }
    return list(keys)


def _spans(listenings: list[Listening], dialog: Dialog, claims: Claims) -> list[_Span]:
    """Each place where a side listened, once.

    Who asked for another place, and was not told yet that he may have it, listens where he did as well. So does who has
    answered, where another one does, too, until he is hung up.
    """
    spans: dict[int, _Span] = {}
    for listening in listenings:
        has_answered = listening.branch in dialog.branches
        ends = [
            each.since_ns + _LATE_NS
            for each in listenings
            if each.is_agreed
            and each.since_ns > listening.since_ns
            and each.endpoint != listening.endpoint
            and not (has_answered and each.branch != listening.branch)
        ]
        if hung_up_ns := dialog.branches.get(listening.branch, 0):
            ends.append(hung_up_ns + _LATE_NS)
        if dialog.ended_ns:
            ends.append(dialog.ended_ns + _LATE_NS)
        if listening.refused_ns:
            ends.append(listening.refused_ns + _LATE_NS)
        known = spans.get(listening.endpoint)
        freed_ns = claims.freed_ns(listening.endpoint, dialog.call_id, listening.since_ns)
        spans[listening.endpoint] = _Span(
            dialog=dialog,
            claims=claims,
            endpoint=listening.endpoint,
            since_ns=known.since_ns if known else listening.since_ns,
            from_ns=known.from_ns if known else max(_earliest_ns(listening, dialog), freed_ns),
            until_ns=max(min(ends, default=_END_NS), known.until_ns if known else 0),
        )
    return list(spans.values())


def _earliest_ns(listening: Listening, dialog: Dialog) -> int:
    """From when on media is meant by what a side said: what is said anew in a call that went on held before, too."""
    is_said_anew = dialog.joined_late and listening.since_ns - dialog.first_ns < _EARLY_NS
    return 0 if is_said_anew else listening.since_ns - _EARLY_NS
