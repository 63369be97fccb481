"""Streams that no signalling was seen of: calls that began before the capture, or whose signalling is encrypted."""

from collections.abc import Iterable

import numpy as np

from plugins.pbx_sip.calls.dialog import Dialog, Side
from plugins.pbx_sip.calls.flows import Flow, join
from plugins.pbx_sip.calls.hops import Joined
from plugins.pbx_sip.calls.voices import Voice
from plugins.pbx_sip.packets.datagrams import Endpoints
from plugins.pbx_sip.rtp.packets import RtpPackets, extend_sequence, find_values
from plugins.pbx_sip.rtp.repeats import leave_out_repeats
from plugins.pbx_sip.sdp.codecs import DECODABLE, STATIC_CODECS
from plugins.pbx_sip.sip.address import Address

_PACKETS_MIN = 50  # a second of sound: less is no call, and much else looks like RTP for a moment
_SHARE_MIN, _STEP_MAX = 0.9, 100


def find_strays(flows: Iterable[Flow], known: Iterable[Flow], endpoints: Endpoints) -> list[Joined]:
    """Calls of two flows that run to and fro between the same endpoints, or of one; known by their addresses.

    known: flows of calls; flows whose senders are heard in one of them are other hops of its call.
    """
    senders = {ssrc for flow in known for part in flow.parts for ssrc in find_values(part.ssrc)}
    heard = {(flow.source, flow.target): leave_out_repeats(join(flow.parts)) for flow in flows}
    heard = {
        way: (packets, repeated)
        for way, (packets, repeated) in heard.items()
        if _is_sound(packets) and senders.isdisjoint(find_values(packets.ssrc))
    }
    calls = []
    for source, target in sorted(heard, key=lambda way: int(heard[way][0].time_ns[0])):
        if (source, target) not in heard:
            continue
        voices = [_make_voice(Side.CALLER, *heard.pop((source, target)))]
        if (target, source) in heard:
            voices.append(_make_voice(Side.CALLED, *heard.pop((target, source))))
        calls.append(_make_call(endpoints.text(source), endpoints.text(target), voices))
    return calls


def _is_sound(packets: RtpPackets) -> bool:
    """Whether this is speech in a coding that needs no description, numbered one after the other."""
    if len(packets) < _PACKETS_MIN:
        return False
    payload_types, counts = np.unique(packets.payload_type, return_counts=True)
    codec = STATIC_CODECS.get(int(payload_types[counts.argmax()]))
    steps = np.diff(extend_sequence(packets.sequence))
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
