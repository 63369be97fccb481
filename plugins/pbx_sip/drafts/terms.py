"""On what terms a call is recorded, and what that makes of its sound."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from hub.sdk import Verdict
from plugins.pbx_sip.calls.recorded import RecordedCall
from plugins.pbx_sip.media.g711 import LAWS, Sound
from plugins.pbx_sip.rtp.events import KeyPress

_MARGIN_S = 0.05  # a key is heard a little before and after it is told
_TOLD_S = 0.1  # how long a key of which INFO tells is taken to be pressed
_TWICE_S = 1.0  # a key that is told among the sound and by INFO

Span = tuple[float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """verdict: what the rules say. pauses: when the recording was paused, (from, until) in ns since 1970."""

    verdict: Verdict = field(default_factory=Verdict)
    pauses: tuple[tuple[int, int], ...] = ()

    def length_s(self, call: RecordedCall) -> float:
        """How long the recording is: a pause at its end counts, what is beyond the longest length does not."""
        ended_s = (call.dialog.ended_ns - call.began_ns) / 1e9 if call.dialog.ended_ns else call.length_s
        paused_s = max((min(until_s, ended_s) for _, until_s in self.paused(call)), default=0.0)
        return min(max(call.length_s, paused_s), self.verdict.longest_s)

    def paused(self, call: RecordedCall) -> list[Span]:
        """The pauses in seconds of the recording, in time."""
        spans = (
            ((since_ns - call.began_ns) / 1e9, (until_ns - call.began_ns) / 1e9) for since_ns, until_ns in self.pauses
        )
        return sorted((max(since_s, 0.0), until_s) for since_s, until_s in spans if until_s > max(since_s, 0.0))

    def apply(self, call: RecordedCall, channels: Sequence[Sound]) -> list[Sound]:
        """The channels without what must not be heard: pauses, and the tones of keys where the rules mask them."""
        spans = self.paused(call)
        if self.verdict.masks_keys:
            presses = [key for lane in call.lanes for key in lane.keys] + keys_told(call)
            spans += [(key.at_s - _MARGIN_S, key.at_s + key.length_s + _MARGIN_S) for key in presses]
        silence = LAWS[call.law].silence if call.law else 0
        return [_silence(channel, spans, call.rate_hz, silence) for channel in channels]


def keys_told(call: RecordedCall) -> list[KeyPress]:
    """Keys of which INFO tells and the sound does not."""
    known = {
        (key.key, round(key.at_s / _TWICE_S) + step) for lane in call.lanes for key in lane.keys for step in (-1, 0, 1)
    }
    told = (KeyPress(key=key, at_s=(at_ns - call.began_ns) / 1e9, length_s=_TOLD_S) for at_ns, key in call.dialog.keys)
    return [key for key in told if (key.key, round(key.at_s / _TWICE_S)) not in known]


def _silence(channel: Sound, spans: Iterable[Span], rate_hz: int, silence: int) -> Sound:
    places = [slice(max(round(since_s * rate_hz), 0), max(round(until_s * rate_hz), 0)) for since_s, until_s in spans]
    if not places:
        return channel
    silenced = channel.copy()
    for place in places:
        silenced[place] = silence
    return silenced
