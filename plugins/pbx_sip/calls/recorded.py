"""A recorded call: the lanes of its parties, what was pressed, and how well it came through."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

import numpy as np

from plugins.pbx_sip.calls.dialog import Dialog, Side
from plugins.pbx_sip.calls.hops import Joined
from plugins.pbx_sip.calls.voices import Voice, coding_of
from plugins.pbx_sip.media.g711 import LAWS, Samples, Sound
from plugins.pbx_sip.media.gaps import Gap, find_gaps
from plugins.pbx_sip.media.lanes import Stretch, lay, measure_concealed
from plugins.pbx_sip.rtp.events import KeyPress, find_keys
from plugins.pbx_sip.rtp.packets import RtpPackets
from plugins.pbx_sip.rtp.quality import Quality, measure
from plugins.pbx_sip.rtp.runs import find_runs
from plugins.pbx_sip.sdp.codecs import TELEPHONE_EVENT, Codec

_NARROW_HZ, _WIDE_HZ = 8000, 16000
_SILENCE_MAX_NS = 2 * 3600 * 10**9  # no call is silent on both sides for so long
_LONGEST_NS = 12 * 3600 * 10**9
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One party's sound from the beginning of the recording on.

    quality: None where nothing of it could be decoded. gaps: where much was lost. concealed_s: how much was lost for
    moments, and filled from the sound around them.
    """

    side: Side
    section: int
    sound: Sound
    codings: tuple[str, ...]
    quality: Quality | None
    keys: tuple[KeyPress, ...] = ()
    gaps: tuple[Gap, ...] = ()
    concealed_s: float = 0.0
    undecoded: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCall:
    """dialog: of the first hop. began_ns: of the first sound, since 1970, UTC.

    law: "PCMU" or "PCMA" if that is all there was, and the lanes are its octets; "" if they are samples.
    """

    dialog: Dialog
    hops: tuple[Dialog, ...]
    began_ns: int
    rate_hz: int
    law: str
    lanes: tuple[Lane, ...]

    @property
    def started_at(self) -> datetime:
        """When the first sound was made, aware UTC."""
        return _EPOCH + timedelta(microseconds=self.began_ns // 1000)

    @property
    def origin_id(self) -> str:
        """The same whenever this call is put together again from the same packets."""
        return f"{self.dialog.call_id} {self.began_ns // 1_000_000}"

    @property
    def length_s(self) -> float:
        """Of the longest lane."""
        return max((len(lane.sound) for lane in self.lanes), default=0) / self.rate_hz

    def samples(self, lane: Lane) -> Samples:
        """The samples of a lane, whatever it is kept as."""
        return LAWS[self.law].table[lane.sound] if self.law else lane.sound.astype(np.int16)

    def lanes_of(self, side: Side) -> list[Lane]:
        """What one side sent."""
        return [lane for lane in self.lanes if lane.side is side]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """A voice taken apart: its sound, its telephone events, the names of codings that cannot be decoded here."""

    voice: Voice
    stretches: tuple[Stretch, ...]
    events: tuple[tuple[Codec, RtpPackets], ...]
    undecoded: tuple[str, ...]


def record(call: Joined, pauses_ns: Sequence[tuple[int, int]] = ()) -> RecordedCall:
    """Put the voices of a call on one time line, which begins with the first packet.

    pauses_ns: spans of which nothing was kept, since 1970, UTC.
    """
    dialog, voices = call.dialog, _leave_out_strangers(call.voices)
    first_ns = min((int(voice.packets.time_ns[0]) for voice in voices), default=dialog.answered_ns or dialog.first_ns)
    heard = [_take_apart(voice, first_ns) for voice in voices]
    every = [stretch for each in heard for stretch in each.stretches]
    # The first packet may have been slower than those after it: then its sound began before it could be expected.
    origin_s = min((stretch.run.began_s for stretch in every), default=0.0)
    began_ns = first_ns + round(origin_s * 1e9)
    rate_hz = _WIDE_HZ if any(stretch.coding.rate_hz > _NARROW_HZ for stretch in every) else _NARROW_HZ
    codings = {stretch.coding.name for stretch in every}
    law = codings.pop() if len(codings) == 1 and codings <= LAWS.keys() and rate_hz == _NARROW_HZ else ""
    return RecordedCall(
        dialog=dialog,
        hops=call.hops,
        began_ns=began_ns,
        rate_hz=rate_hz,
        law=law,
        lanes=tuple(
            _make_lane(each, lay(each.stretches, rate_hz, origin_s, LAWS.get(law)), began_ns, _measure(each, pauses_ns))
            for each in heard
        ),
    )


def _leave_out_strangers(voices: Sequence[Voice]) -> Sequence[Voice]:
    """The voices without packets whose time is far from all others, as damaged captures have them."""
    if _span_ns(voices) < _SILENCE_MAX_NS:
        return voices
    times_ns = np.sort(np.concatenate([voice.packets.time_ns for voice in voices]))
    clusters = np.split(times_ns, np.flatnonzero(np.diff(times_ns) > _SILENCE_MAX_NS) + 1)
    most = max(clusters, key=len)
    first_ns, last_ns = int(most[0]), min(int(most[-1]), int(most[0]) + _LONGEST_NS)
    kept = []
    for voice in voices:
        within = (voice.packets.time_ns >= first_ns) & (voice.packets.time_ns <= last_ns)
        if within.any():
            kept.append(replace(voice, packets=voice.packets.take(within)))
    return kept


def _span_ns(voices: Sequence[Voice]) -> int:
    """From the first packet to the last, whichever order their times are in."""
    first_ns = min((int(voice.packets.time_ns.min()) for voice in voices), default=0)
    return max((int(voice.packets.time_ns.max()) for voice in voices), default=0) - first_ns


def _take_apart(voice: Voice, first_ns: int) -> _Heard:
    stretches: list[Stretch] = []
    events: list[tuple[Codec, RtpPackets]] = []
    undecoded: set[str] = set()
    for codec, packets in voice.by_codec():
        if codec.name == TELEPHONE_EVENT:
            events.append((codec, packets))
        elif (coding := coding_of(codec)) is not None:
            runs = find_runs(packets, coding.clock_hz, first_ns)
            stretches += [Stretch(packets=packets, run=run, coding=coding) for run in runs]
        elif not codec.is_auxiliary:
            undecoded.add(codec.name or str(codec.payload_type))
    return _Heard(voice=voice, stretches=tuple(stretches), events=tuple(events), undecoded=tuple(sorted(undecoded)))


def _make_lane(heard: _Heard, sound: Sound, began_ns: int, quality: Quality | None) -> Lane:
    return Lane(
        side=heard.voice.side,
        section=heard.voice.section,
        sound=sound,
        codings=tuple(dict.fromkeys(stretch.coding.name for stretch in heard.stretches)),
        quality=quality,
        keys=tuple(
            key for codec, packets in heard.events for key in find_keys(packets, codec.clock_rate_hz or 8000, began_ns)
        ),
        gaps=tuple(find_gaps(heard.voice.packets, began_ns)),
        concealed_s=sum(map(measure_concealed, heard.stretches)),
        undecoded=heard.undecoded,
    )


def _measure(heard: _Heard, pauses_ns: Sequence[tuple[int, int]]) -> Quality | None:
    if not heard.stretches:
        return None
    most = max(heard.stretches, key=lambda stretch: len(stretch.run.rows))
    sounds = [(stretch.packets, stretch.run) for stretch in heard.stretches]
    return measure(heard.voice.packets, sounds, most.coding.name, heard.voice.repeated, pauses_ns)
