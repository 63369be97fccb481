"""A recorded call: the lanes of its parties, what was pressed, and how well it came through."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

import numpy as np

from plugins.pbx_sip.calls.dialog import Dialog, Side, ToldKey
from plugins.pbx_sip.calls.hops import Joined
from plugins.pbx_sip.calls.moments import moment
from plugins.pbx_sip.calls.other_media import name_other_media
from plugins.pbx_sip.calls.voices import LOCKS, Voice, coding_of
from plugins.pbx_sip.media.clocks import set_clocks_right
from plugins.pbx_sip.media.g711 import LAWS, Samples, Sound
from plugins.pbx_sip.media.gaps import Gap, find_common, find_gaps
from plugins.pbx_sip.media.lanes import Stretch, lay, measure_concealed, measure_cut
from plugins.pbx_sip.rtp.arrivals import is_timed, make_up_times
from plugins.pbx_sip.rtp.events import KeyPress, find_keys
from plugins.pbx_sip.rtp.far_end import FarEnd, find_far_end
from plugins.pbx_sip.rtp.opinion import estimate_mos
from plugins.pbx_sip.rtp.packets import RtpPackets, find_values
from plugins.pbx_sip.rtp.quality import Quality, measure
from plugins.pbx_sip.rtp.runs import find_runs
from plugins.pbx_sip.rtp.scrambled import is_scrambled
from plugins.pbx_sip.rtp.senders import tell_voices_apart
from plugins.pbx_sip.sdp.codecs import TELEPHONE_EVENT, Codec

_NARROW_HZ, _WIDE_HZ = 8000, 16000
_USUAL_S = 0.02  # how long a packet lasts
_SILENCE_MAX_NS = 2 * 3600 * 10**9  # no call is silent on both sides for so long
_LONGEST_NS = 12 * 3600 * 10**9
_SENTENCES = {
    "failed": "It could not be put together ({failure}).",
    "other": "There was no sound in it, only {media}, which is not recorded.",
    "none": "No media of this call was received.",
    "locked": "Its media {lock}.",
    "undecoded": "Its media cannot be decoded: {codings}.",
    "damaged": "Its media cannot be decoded: it is damaged.",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Lane:
    """One party's sound from the beginning of the recording on.

    far_end: how it reached the other party, as that one reports it; None where it does not. quality: as it came here,
    but for what was lost of several parties at once; None where nothing could be decoded. gaps: where much was lost.
    concealed_s: how much was lost for moments, and filled from the sound around them. is_scrambled: what is called
    sound looks encrypted.
    """

    side: Side
    section: int
    sound: Sound
    codings: tuple[str, ...]
    quality: Quality | None
    far_end: FarEnd | None = None
    keys: tuple[KeyPress, ...] = ()
    gaps: tuple[Gap, ...] = ()
    concealed_s: float = 0.0
    undecoded: tuple[str, ...] = ()
    is_scrambled: bool = False


@dataclass(frozen=True, slots=True)
class Remark:
    """What has to be said of a call from some moment on, ns since 1970, UTC."""

    at_ns: int
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedCall:
    """dialog: of the first hop. began_ns: of the first sound, since 1970, UTC; ended_ns: of the last packet.

    law: "PCMU" or "PCMA" if that is all there was, and the lanes are its octets; "" if they are samples. keys_told:
    pressed, as INFO tells. failure: why it could not be put together, "" where it could.
    """

    dialog: Dialog
    hops: tuple[Dialog, ...]
    began_ns: int
    rate_hz: int
    law: str
    lanes: tuple[Lane, ...]
    ended_ns: int = 0
    keys_told: tuple[ToldKey, ...] = ()
    remarks: tuple[Remark, ...] = ()
    failure: str = ""

    @property
    def call_id(self) -> str:
        """The same for all legs of an interaction, be they calls of their own."""
        return next((hop.interaction for hop in self.hops if hop.interaction), self.dialog.call_id)

    @property
    def started_at(self) -> datetime:
        """When the first sound was made, aware UTC."""
        return moment(self.began_ns)

    @property
    def origin_id(self) -> str:
        """The same whenever this call is put together again from the same packets."""
        return f"{self.dialog.call_id} {self.began_ns // 1_000_000}"

    @property
    def is_heard(self) -> bool:
        """Whether there is any sound."""
        return any(len(lane.sound) for lane in self.lanes)

    @property
    def why_unheard(self) -> str:
        """Why there is none, in words."""
        if self.failure:
            return _SENTENCES["failed"].format(failure=self.failure)
        if not self.lanes and (other_media := name_other_media(self.dialog)):
            return _SENTENCES["other"].format(media=other_media)
        if not self.lanes:
            return _SENTENCES["none"]
        codings = sorted({coding for lane in self.lanes for coding in lane.undecoded})
        if locks := [LOCKS[coding] for coding in codings if coding in LOCKS]:
            return _SENTENCES["locked"].format(lock=locks[0])
        return _SENTENCES["undecoded"].format(codings=", ".join(codings)) if codings else _SENTENCES["damaged"]

    @property
    def was_answered(self) -> bool:
        """Whether it came to a conversation."""
        return any(hop.answered_ns or hop.session is not None for hop in self.hops)

    @property
    def length_s(self) -> float:
        """Of the longest lane; of the media, where nothing of it can be heard."""
        heard_s = max((len(lane.sound) for lane in self.lanes), default=0) / self.rate_hz
        return heard_s or max(self.ended_ns - self.began_ns, 0) / 1e9

    def as_failed(self, error: Exception) -> "RecordedCall":
        """What is left of a call that could not be put together: its signalling, and how long it was."""
        return replace(self, lanes=(), failure=f"{type(error).__name__}: {error}")

    def samples(self, lane: Lane) -> Samples:
        """The samples of a lane, whatever it is kept as."""
        return LAWS[self.law].table[lane.sound] if self.law else lane.sound.astype(np.int16)

    def lanes_of(self, side: Side) -> list[Lane]:
        """What one side sent."""
        return [lane for lane in self.lanes if lane.side is side]


@dataclass(frozen=True, slots=True, kw_only=True)
class _Heard:
    """A voice taken apart: its sound, its telephone events, the names of codings that cannot be decoded here.

    recovered: how many lost packets are known from those that repeat them.
    """

    voice: Voice
    stretches: tuple[Stretch, ...]
    events: tuple[tuple[Codec, RtpPackets], ...]
    undecoded: tuple[str, ...]
    recovered: int


def record(call: Joined, pauses_ns: Sequence[tuple[int, int]] = ()) -> RecordedCall:
    """Put the voices of a call on one time line, which begins with the first packet.

    pauses_ns: spans of which nothing was kept, since 1970, UTC.
    """
    dialog = call.dialog
    known = _leave_out_strangers(call.voices)
    has_times = is_timed(max((len(voice.packets) for voice in known), default=0), _span_ns(known))
    voices = [each for voice in known for each in _tell_apart(voice if has_times else _make_up_times(voice))]
    first_ns = min((int(voice.packets.time_ns[0]) for voice in voices), default=dialog.answered_ns or dialog.first_ns)
    heard = [_take_apart(voice, first_ns) for voice in voices]
    every = [stretch for each in heard for stretch in each.stretches]
    # The first packet may have been slower than those after it: then its sound began before it could be expected.
    origin_s = min((stretch.run.began_s for stretch in every), default=0.0)
    began_ns = first_ns + round(origin_s * 1e9)
    rate_hz = _WIDE_HZ if any(stretch.coding.rate_hz > _NARROW_HZ for stretch in every) else _NARROW_HZ
    codings = {stretch.coding.name for stretch in every}
    law = codings.pop() if len(codings) == 1 and codings <= LAWS.keys() and rate_hz == _NARROW_HZ else ""
    gaps = [find_gaps(each.voice.packets, began_ns) for each in heard]
    own_losses = [(began_ns + round(gap.at_s * 1e9), began_ns + round(gap.until_s * 1e9)) for gap in find_common(gaps)]
    return RecordedCall(
        dialog=dialog,
        hops=call.hops,
        began_ns=began_ns,
        ended_ns=max((int(voice.packets.time_ns[-1]) for voice in voices), default=0),
        rate_hz=rate_hz,
        law=law,
        lanes=tuple(
            _make_lane(
                each,
                lay(each.stretches, rate_hz, origin_s, LAWS.get(law)),
                began_ns,
                missed,
                _measure(each, [*pauses_ns, *own_losses], has_times=has_times),
            )
            for each, missed in zip(heard, gaps, strict=True)
        ),
        keys_told=call.keys,
    )


def describe_failure(call: Joined, error: Exception) -> RecordedCall:
    """A call of which there is nothing but its signalling, since its media could not be put together."""
    dialog = call.dialog
    began_ns = dialog.answered_ns or dialog.first_ns
    ended_ns = max(dialog.ended_ns or dialog.last_ns, began_ns)
    made = RecordedCall(
        dialog=dialog, hops=call.hops, began_ns=began_ns, ended_ns=ended_ns, rate_hz=_NARROW_HZ, law="", lanes=()
    )
    return made.as_failed(error)


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


def _make_up_times(voice: Voice) -> Voice:
    """A voice of a capture that does not tell when packets came."""
    codings = filter(None, (coding_of(codec) for codec, _ in voice.by_codec()))
    clock_hz = next((coding.clock_hz for coding in codings), _NARROW_HZ)
    return replace(voice, packets=make_up_times(voice.packets, clock_hz))


def _tell_apart(voice: Voice) -> list[Voice]:
    """The voices of senders that are heard at the same time on one way."""
    if voice.lock:
        return [voice]
    first, *others = tell_voices_apart(voice.packets)
    if not others:
        return [voice]
    return [
        replace(voice, packets=voice.packets.take(first)),
        *(replace(voice, packets=voice.packets.take(rows), repeated=0) for rows in others),
    ]


def _span_ns(voices: Sequence[Voice]) -> int:
    """From the first packet to the last, whichever order their times are in."""
    first_ns = min((int(voice.packets.time_ns.min()) for voice in voices), default=0)
    return max((int(voice.packets.time_ns.max()) for voice in voices), default=0) - first_ns


def _take_apart(voice: Voice, first_ns: int) -> _Heard:
    stretches: list[Stretch] = []
    events: list[tuple[Codec, RtpPackets]] = []
    undecoded: set[str] = set()
    found = voice.by_codec()
    for codec, packets in found:
        if codec.name == TELEPHONE_EVENT:
            events.append((codec, packets))
        elif (coding := coding_of(codec)) is not None:
            steady = set_clocks_right(packets, coding)
            runs = find_runs(steady, coding.clock_hz, first_ns)
            stretches += [Stretch(packets=steady, run=run, coding=coding) for run in runs]
        elif not codec.is_auxiliary:
            undecoded.add(codec.name or str(codec.payload_type))
    return _Heard(
        voice=voice,
        stretches=tuple(stretches),
        events=tuple(events),
        undecoded=tuple(sorted(undecoded)),
        recovered=max(sum(len(packets) for _, packets in found) - len(voice.packets), 0),
    )


def _make_lane(heard: _Heard, sound: Sound, began_ns: int, gaps: Sequence[Gap], quality: Quality | None) -> Lane:
    return Lane(
        side=heard.voice.side,
        section=heard.voice.section,
        sound=sound,
        codings=tuple(dict.fromkeys(stretch.coding.name for stretch in heard.stretches)),
        quality=quality,
        far_end=_find_far_end(heard),
        keys=tuple(_find_keys(heard, began_ns)),
        gaps=tuple(gaps),
        concealed_s=sum(map(measure_concealed, heard.stretches)),
        undecoded=heard.undecoded,
        is_scrambled=not heard.voice.lock and is_scrambled(heard.voice.packets),
    )


def _find_keys(heard: _Heard, began_ns: int) -> Iterator[KeyPress]:
    most = max(heard.stretches, key=lambda stretch: len(stretch.run.rows), default=None)
    sound_s = (most and most.run.packet_s) or _USUAL_S
    for codec, packets in heard.events:
        yield from find_keys(packets, codec.clock_rate_hz or _NARROW_HZ, began_ns, sound_s)


def _find_far_end(heard: _Heard) -> FarEnd | None:
    if not heard.stretches or not heard.voice.reports:
        return None
    senders = find_values(heard.voice.packets.ssrc)
    return find_far_end(heard.voice.reports, senders, heard.stretches[0].coding.clock_hz)


def _measure(heard: _Heard, pauses_ns: Sequence[tuple[int, int]], *, has_times: bool) -> Quality | None:
    if not heard.stretches:
        return None
    most = max(heard.stretches, key=lambda stretch: len(stretch.run.rows))
    sounds = [(stretch.packets, stretch.run) for stretch in heard.stretches]
    name = most.coding.name
    measured = measure(
        heard.voice.packets,
        sounds,
        name,
        repeated=heard.voice.repeated,
        recovered=heard.recovered,
        pauses_ns=pauses_ns,
        is_timed=has_times,
    )
    cut = measure_cut(most)
    if not cut:
        return measured
    opinions = (each for each in (measured.mos, estimate_mos(name, cut)) if each is not None)
    return replace(measured, mos=min(opinions, default=None))
