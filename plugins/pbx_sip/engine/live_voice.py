"""What one side of a call sends, decoded as it comes, by the same account of it as its recording."""

from collections import defaultdict, deque
from collections.abc import Iterator
from typing import TYPE_CHECKING

import numpy as np

from plugins.pbx_sip.calls.voices import Voice, coding_of
from plugins.pbx_sip.media.g711 import Samples
from plugins.pbx_sip.media.lanes import resample
from plugins.pbx_sip.rtp.packets import RtpPackets

if TYPE_CHECKING:
    from plugins.pbx_sip.sdp.codecs import Codec

_HEARD_MAX = 500
_HALF = 1 << 31  # of what a timestamp counts to
_LEAD_IN_MAX = 8  # packets by which a coding that remembers finds its way again


class LiveVoice:
    """Decodes a voice piece by piece; what comes again, as in redundant packets, is heard once."""

    def __init__(self, rate_hz: int) -> None:
        """rate_hz: of the samples that are wanted."""
        self._rate_hz = rate_hz
        self._ticks = 0
        self._heard: deque[tuple[int, int]] = deque(maxlen=_HEARD_MAX)
        self._lead_in: dict[Codec, deque[bytes]] = defaultdict(lambda: deque(maxlen=_LEAD_IN_MAX))

    def decode(self, voice: Voice) -> Iterator[tuple[int, Samples]]:
        """What each packet of the next piece holds: when, by its sender's clock counted in samples, and the samples."""
        for codec, packets in voice.by_codec():
            coding = None if codec.is_auxiliary else coding_of(codec)
            new = self._take_new(packets)
            if coding is None or not len(new):
                continue
            payloads = [new.payload(row) for row in range(len(new))]
            lead_in = self._lead_in[codec]
            pieces = coding.decode([*lead_in, *payloads])[len(lead_in) :]
            lead_in.extend(payloads)
            for timestamp, piece in zip(new.timestamp.tolist(), pieces, strict=True):
                self._ticks += (timestamp - self._ticks + _HALF) % (2 * _HALF) - _HALF  # it runs over after 2**32
                if len(piece):
                    at = self._ticks * self._rate_hz // coding.clock_hz
                    yield at, resample(piece, coding.rate_hz, self._rate_hz)

    def _take_new(self, packets: RtpPackets) -> RtpPackets:
        """What was not heard yet, in the order in which it was sent."""
        known = set(self._heard)
        rows: list[int] = []
        for row, key in enumerate(zip(packets.ssrc.tolist(), packets.timestamp.tolist(), strict=True)):
            if key not in known:
                known.add(key)
                self._heard.append(key)
                rows.append(row)
        new = packets.take(np.array(rows, np.intp))
        since_first = (new.timestamp - new.timestamp[:1]).astype(np.int32)
        return new.take(np.argsort(since_first, kind="stable"))
