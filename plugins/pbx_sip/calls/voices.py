"""Which of the captured media is whose voice: media that arrives where one side listens was sent by the other."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from plugins.pbx_sip.calls.claims import Claims
from plugins.pbx_sip.calls.dialog import Dialog, Listening, Side
from plugins.pbx_sip.calls.flows import Flow, Flows, join
from plugins.pbx_sip.media.coding import Coding, find_coding
from plugins.pbx_sip.rtp.packets import Mask, RtpPackets, find_values
from plugins.pbx_sip.rtp.repeats import leave_out_repeats
from plugins.pbx_sip.rtp.srtp import SrtpKey, decrypt
from plugins.pbx_sip.sdp.codecs import STATIC_CODECS, Codec

_EARLY_NS = 2_000_000_000  # media may overtake the message that says where it goes
_LATE_NS = 1_000_000_000
_END_NS = 1 << 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Voice:
    """What one side sent in one of the media sections.

    codecs: by payload type, in the order in which they came to hold: (since, by type). is_locked: encrypted, and no key
    is known that opens it. repeated: how many packets were seen once more and left out.
    """

    side: Side
    section: int
    packets: RtpPackets
    codecs: tuple[tuple[int, Mapping[int, Codec]], ...]
    is_locked: bool = False
    repeated: int = 0

    def by_codec(self) -> list[tuple[Codec, RtpPackets]]:
        """Its packets apart by what they are in."""
        if self.is_locked:
            return [(Codec(payload_type=0, encoding="SRTP"), self.packets)]
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
        return [(codec, self.packets if here.all() else self.packets.take(here)) for codec, here in rows.items()]


def coding_of(codec: Codec) -> Coding | None:
    """How a codec of a description is decoded; None if it cannot be, here."""
    return find_coding(codec.name, codec.clock_rate_hz, _parameters(codec.parameters), codec.channels)


def _parameters(text: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in text.split(";")[:50])
    return {name.strip().lower(): value.strip() for name, _, value in pairs}


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """A place where a side listened, and how long."""

    endpoint: int
    from_ns: int
    until_ns: int

    def among(self, flows: Iterable[Flow]) -> list[RtpPackets]:
        """What is found of its time."""
        found: list[RtpPackets] = []
        for flow in flows:
            parts = flow.between(self.from_ns, self.until_ns)
            flow.is_known |= bool(parts)
            found += parts
        return found


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
            parts = [part for span in spans for part in span.among(flows.to(span.endpoint))]
            if parts:
                voices[side, section] = _make_voice(side, section, parts, places)
        for side in Side:
            if (side, section) not in voices and (parts := _latch(places, side, dialog, flows, claims)):
                voices[side, section] = _make_voice(side, section, parts, places)
    return list(voices.values())


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
    codecs = [(each.since_ns, {codec.payload_type: codec for codec in each.media.codecs}) for each in heard_by]
    packets, repeated = leave_out_repeats(join(parts))
    is_locked = False
    if any(each.media.is_secure for each in places[side] + heard_by):
        opened = decrypt(packets, _keys_of(places[side]))
        is_locked = not len(opened)
        packets = packets if is_locked else opened
    return Voice(
        side=side,
        section=section,
        packets=packets,
        codecs=tuple(codecs) or ((0, {}),),
        is_locked=is_locked,
        repeated=repeated,
    )


def _keys_of(places: list[Listening]) -> list[SrtpKey]:
    """Who describes its media with a key encrypts what it sends with it: RFC 4568 section 6.1."""
    keys = {
        SrtpKey(crypto.suite.name, key.material, key.mki_bytes): None
        for each in places
        for crypto in each.media.crypto
        for key in crypto.keys
    }
    return list(keys)


def _spans(listenings: list[Listening], dialog: Dialog, claims: Claims) -> list[_Span]:
    """Each place where a side listened, once."""
    spans: dict[int, _Span] = {}
    for listening in listenings:
        moved = [
            each.since_ns
            for each in listenings
            if each.since_ns > listening.since_ns and each.endpoint != listening.endpoint
        ]
        known = spans.get(listening.endpoint)
        freed_ns, taken_ns = claims.around(listening.endpoint, dialog.call_id, listening.since_ns)
        from_ns = known.from_ns if known else max(_earliest_ns(listening, dialog), freed_ns)
        ends = [each + _LATE_NS for each in moved]
        if dialog.ended_ns:
            # One that takes the endpoint while this call goes on is another hop of the same call.
            is_next = taken_ns > dialog.ended_ns - _LATE_NS
            ends.append(min(dialog.ended_ns + _LATE_NS, taken_ns) if is_next else dialog.ended_ns + _LATE_NS)
        until_ns = max(min(ends, default=_END_NS), known.until_ns if known else 0)
        spans[listening.endpoint] = _Span(endpoint=listening.endpoint, from_ns=from_ns, until_ns=until_ns)
    return list(spans.values())


def _earliest_ns(listening: Listening, dialog: Dialog) -> int:
    """From when on media is meant by what a side said: what is said anew in a call that went on held before, too."""
    is_said_anew = dialog.joined_late and listening.since_ns - dialog.first_ns < _EARLY_NS
    return 0 if is_said_anew else listening.since_ns - _EARLY_NS
