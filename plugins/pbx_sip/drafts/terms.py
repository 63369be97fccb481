"""On what terms a call is recorded, and what that makes of its sound."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Self

from hub.sdk import Verdict
from plugins.pbx_sip.calls.dialog import Side
from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.calls.recorded import RecordedCall
from plugins.pbx_sip.calls.stopper import Stopper
from plugins.pbx_sip.calls.voicemail import find_voicemails
from plugins.pbx_sip.media.g711 import LAWS, Sound
from plugins.pbx_sip.media.tones import find_tones
from plugins.pbx_sip.rtp.events import KeyPress

_MARGIN_S = 0.05  # a key is heard a little before and after it is told
_TOLD_S = 0.1  # how long a key of which INFO tells is taken to be pressed
_HARDLY_NS = 1_000_000_000
_TWICE_S = 1.0  # a key that is told among the sound and by INFO

Span = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """verdict: what the rules say. pauses: when the recording was paused, (from, until) in ns since 1970.

    stopped_ns: when somebody ended it, or it ended at voicemail, 0 if it did not; stopper: who that was.
    voicemails_ns: when the call went to voicemail, where the rule stops there.
    unheeded: what the telephone system asked for in words that mean nothing, (ns since 1970, the header field).
    """

    verdict: Verdict = field(default_factory=Verdict)
    pauses: tuple[tuple[int, int], ...] = ()
    stopped_ns: int = 0
    stopper: Stopper = Stopper.NOBODY
    voicemails_ns: tuple[int, ...] = ()
    unheeded: tuple[tuple[int, str], ...] = ()

    @classmethod
    def of_capture(cls, call: RecordedCall, verdict: Verdict, plan: NumberPlan) -> Self:
        """What a rule says of a call that is over, of which all is there."""
        spans = find_voicemails(call.hops, plan) if verdict.stops_at_voicemail else ()
        over_ns = max([call.ended_ns, *(hop.ended_ns or hop.last_ns for hop in call.hops)])
        ends_there = bool(spans) and (spans[-1][1] or over_ns) > over_ns - _HARDLY_NS
        return cls(
            verdict=verdict,
            pauses=tuple((since_ns, until_ns or over_ns) for since_ns, until_ns in spans),
            stopped_ns=spans[-1][0] if ends_there else 0,
            voicemails_ns=tuple(since_ns for since_ns, _ in spans),
        )

    def is_left_to_voicemail(self, call: RecordedCall) -> bool:
        """Whether the call went to voicemail at once and stayed there."""
        return bool(self.voicemails_ns) and 0 < self.stopped_ns < call.began_ns + _HARDLY_NS

    def length_s(self, call: RecordedCall) -> float:
        """How long the recording is: a pause at its end counts, what was not to be recorded any more does not."""
        ended_s = (call.dialog.ended_ns - call.began_ns) / 1e9 if call.dialog.ended_ns else call.length_s
        paused_s = max((min(until_s, ended_s) for _, until_s in self.paused(call)), default=0.0)
        stopped_s = (self.stopped_ns - call.began_ns) / 1e9 if self.stopped_ns else self.verdict.longest_s
        return min(max(call.length_s, paused_s), self.verdict.longest_s, max(stopped_s, 0.0))

    def paused(self, call: RecordedCall) -> list[Span]:
        """The pauses in seconds of the recording, in time."""
        spans = (
            ((since_ns - call.began_ns) / 1e9, (until_ns - call.began_ns) / 1e9) for since_ns, until_ns in self.pauses
        )
        return sorted((max(since_s, 0.0), until_s) for since_s, until_s in spans if until_s > max(since_s, 0.0))

    def apply(self, call: RecordedCall, channels: Sequence[Sound], paused: Sequence[Span] = ()) -> list[Sound]:
        """The channels without what must not be heard: pauses, and the tones of keys where the rules mask them.

        paused: by others than ourselves, in seconds of the recording.
        """
        spans = [*self.paused(call), *paused]
        if self.verdict.masks_keys:
            presses = [key for lane in call.lanes for key in lane.keys] + [key for key, _ in keys_told(call)]
            heard = [span for lane in call.lanes for span in find_tones(lane.sound, call.rate_hz, call.law)]
            keys = [*((key.at_s, key.at_s + key.length_s) for key in presses), *heard]
            spans += [(since_s - _MARGIN_S, until_s + _MARGIN_S) for since_s, until_s in keys]
        silence = LAWS[call.law].silence if call.law else 0
        return [_silence(channel, spans, call.rate_hz, silence) for channel in channels]


def keys_told(call: RecordedCall) -> list[tuple[KeyPress, Side]]:
    """Keys of which INFO tells and the sound does not, and who pressed them."""
    known = {
        (key.key, round(key.at_s / _TWICE_S) + step) for lane in call.lanes for key in lane.keys for step in (-1, 0, 1)
    }
    told = (
        (KeyPress(key=each.key, at_s=(each.at_ns - call.began_ns) / 1e9, length_s=_TOLD_S), each.side)
        for each in call.keys_told
    )
    return [(key, side) for key, side in told if (key.key, round(key.at_s / _TWICE_S)) not in known]


def _silence(channel: Sound, spans: Iterable[Span], rate_hz: int, silence: int) -> Sound:
    places = [slice(max(round(since_s * rate_hz), 0), max(round(until_s * rate_hz), 0)) for since_s, until_s in spans]
    if not places:
        return channel
    silenced = channel.copy()
    for place in places:
        silenced[place] = silence
    return silenced
