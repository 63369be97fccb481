"""Streams that no signalling was seen of: calls that began before the capture, or whose signalling is encrypted."""

from collections.abc import Hashable, Iterable

import numpy as np

from plugins.pbx_sip.calls.dialog import Dialog, Side
from plugins.pbx_sip.calls.farewells import Farewells
from plugins.pbx_sip.calls.flows import Flow, join
from plugins.pbx_sip.calls.hops import Joined, sample
from plugins.pbx_sip.calls.voices import Voice
from plugins.pbx_sip.packets.datagrams import Endpoints
from plugins.pbx_sip.rtp.packets import RtpPackets, find_values, step_sequence
from plugins.pbx_sip.rtp.repeats import leave_out_repeats
from plugins.pbx_sip.rtp.senders import leave_out_crowd
from plugins.pbx_sip.sdp.codecs import DECODABLE, STATIC_CODECS
from plugins.pbx_sip.sip.address import Address

_PACKETS_MIN = 50  # a second of sound: less is no call, and much else looks like RTP for a moment
_SHARE_MIN, _STEP_MAX = 0.9, 100
_PASSED_ON_NS = 1_000_000_000

_Way = tuple[int, int]


def find_strays(
    flows: Iterable[Flow], known: Iterable[Flow], endpoints: Endpoints, farewells: Farewells | None = None
) -> list[Joined]:
    """Calls of two flows that run to and fro between the same endpoints, or of one; known by their addresses.

    known: flows of calls; flows whose senders are heard in one of them are other hops of its call, and so are flows
    that carry on the very packets of another one. farewells: by which they may be known better.
    """
    senders = {ssrc for flow in known for part in flow.parts for ssrc in find_values(part.ssrc)}
    heard = {(flow.source, flow.target): leave_out_repeats(leave_out_crowd(join(flow.parts))) for flow in flows}
    heard = {
        way: (packets, repeated)
        for way, (packets, repeated) in heard.items()
        if _is_sound(packets) and senders.isdisjoint(find_values(packets.ssrc))
    }
    calls: list[tuple[_Way, Joined]] = []
    carried: dict[Hashable, tuple[_Way, int]] = {}
    for way in sorted(heard, key=lambda way: int(heard[way][0].time_ns[0])):
        if way not in heard:
            continue
        packets, repeated = heard.pop(way)
        if any(
            _is_passed_on(*carried[mark], way, at_ns) for mark, at_ns in _sample(packets).items() if mark in carried
        ):
            continue
        voices = [_make_voice(Side.CALLER, packets, repeated)]
        if way[::-1] in heard:
            voices.append(_make_voice(Side.CALLED, *heard.pop(way[::-1])))
        for voice, its_way in zip(voices, (way, way[::-1]), strict=False):
            carried |= {mark: (its_way, at_ns) for mark, at_ns in _sample(voice.packets).items()}
        calls.append((way, _make_call(endpoints.text(way[0]), endpoints.text(way[1]), voices)))
    return (farewells or Farewells()).name(calls)


def _sample(packets: RtpPackets) -> dict[Hashable, int]:
    """The first packets of each sender, and when each came, ns since 1970."""
    return {mark: int(packets.time_ns[row]) for mark, row in sample(packets).items()}


def _is_passed_on(before: _Way, before_ns: int, way: _Way, at_ns: int) -> bool:
    """Whether a packet that is heard twice came from one machine to the next; load generators only repeat theirs."""
    other_source, other_target = (one >> 16 != other >> 16 for one, other in zip(before, way, strict=True))
    return other_source and other_target and abs(at_ns - before_ns) < _PASSED_ON_NS


def _is_sound(packets: RtpPackets) -> bool:
    """Whether this is speech in a coding that needs no description, numbered one after the other."""
    if len(packets) < _PACKETS_MIN:
        return False
    payload_types, counts = np.unique(packets.payload_type, return_counts=True)
    codec = STATIC_CODECS.get(int(payload_types[counts.argmax()]))
    steps = step_sequence(packets.sequence)
    follows = int(np.count_nonzero((steps > 0) & (steps < _STEP_MAX)))
    return codec is not None and codec.name in DECODABLE and follows > _SHARE_MIN * len(steps)


def _make_voice(side: Side, packets: RtpPackets, repeated: int) -> Voice:
    return Voice(side=side, section=0, packets=packets, codecs=((0, {}),), repeated=repeated)


def _make_call(one: str, other: str, voices: list[Voice]) -> Joined:
    first_ns = min(int(voice.packets.time_ns[0]) for voice in voices)
    last_ns = max(int(voice.packets.time_ns[-1]) for voice in voices)
    dialog = Dialog(
        call_id=f"rtp {one} {other}",
        caller=Address(f"sip:{one}", one),
        called=Address(f"sip:{other}", other),
        first_ns=first_ns,
        last_ns=last_ns,
        answered_ns=first_ns,
        ended_ns=last_ns,
    )
    return Joined(dialog=dialog, hops=(dialog,), voices=tuple(voices))
