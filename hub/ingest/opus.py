"""Opus packets of one or two channels, each coded by itself; what is silent is coded once and then said again.

Coupled, libopus silently codes two channels as one at the rates of speech; as two streams of their own they stay apart.
"""

from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt
from av.audio.codeccontext import AudioCodecContext

from hub.ingest.pcm import Samples

FRAME_MS = 60
RATE_HZ = 48_000
"""The clock of Opus, whatever rate its sound has. Source: RFC 7845 section 4."""

_SILENT_UP_TO = 16  # of 32,768, -66 dBFS: nothing that G.711 could say other than silence
_SAID_LATER_MS = 10  # more than the coder looks ahead: such an end of a packet is said in the one after it
_PRE_SKIP_AT = 10  # in the identification header, RFC 7845 section 5.1


class OpusCoder:
    """Codes blocks of sound of shape (samples, channels), 16 bits, as packets of 60 ms; one or two channels."""

    def __init__(self, sample_rate_hz: int, channels: int, bit_rate_bps: int, complexity: int) -> None:
        self._lanes = [_Lane(sample_rate_hz, bit_rate_bps // channels, complexity) for _ in range(channels)]
        self._frame_samples = sample_rate_hz * FRAME_MS // 1000
        self._rate = sample_rate_hz
        self._rest = np.empty((0, channels), np.int16)
        self._samples = self._coded_samples = 0
        self.pre_skip = self._lanes[0].pre_skip

    def code(self, block: Samples) -> list[bytes]:
        """The packets of what is whole by now."""
        self._samples += len(block)
        sound = np.concatenate([self._rest, block]) if len(self._rest) else block
        whole = len(sound) // self._frame_samples * self._frame_samples
        self._rest = sound[whole:].copy()
        self._coded_samples += whole
        lanes = [lane.code(sound[:whole, place]) for place, lane in enumerate(self._lanes)]
        return lanes[0] if len(lanes) == 1 else [delimit(one) + other for one, other in zip(*lanes, strict=True)]

    def finish(self) -> list[bytes]:
        """The packets of what is left, as many as it takes until a decoder has said the last sample."""
        said_later = -(-self.pre_skip * self._rate // RATE_HZ)
        lacking = self._samples + said_later - self._coded_samples if self._samples else 0
        silence = -(-lacking // self._frame_samples) * self._frame_samples - len(self._rest)
        return self.code(np.zeros((max(silence, 0), self._rest.shape[1]), np.int16))


class _Lane:
    """The coder of one channel."""

    def __init__(self, sample_rate_hz: int, bit_rate_bps: int, complexity: int) -> None:
        self._context = _open(sample_rate_hz, bit_rate_bps, complexity)
        self._frame_samples = sample_rate_hz * FRAME_MS // 1000
        self._rate = sample_rate_hz
        self._ended_loud = False
        self._silence = b""
        self._coded_samples = 0
        header = self._context.extradata or b""
        self.pre_skip = int.from_bytes(header[_PRE_SKIP_AT : _PRE_SKIP_AT + 2], "little")

    def code(self, sound: Samples) -> list[bytes]:
        """The packets of whole frames, shape (samples,)."""
        frames = np.ascontiguousarray(sound).reshape(-1, self._frame_samples)
        if not len(frames):
            return []
        loud, ends_loud = _is_loud(frames), _is_loud(frames[:, -self._rate * _SAID_LATER_MS // 1000 :])
        needed = loud.copy()
        needed[1:] |= ends_loud[:-1]
        needed[0] |= self._ended_loud
        self._ended_loud = bool(ends_loud[-1])
        if not self._silence and not needed.all():
            first = int(np.argmin(needed))
            needed[first] = True
            return self._say(frames, needed, first)
        return self._say(frames, needed)

    def _say(self, frames: Samples, needed: npt.NDArray[np.bool_], first_silence: int | None = None) -> list[bytes]:
        said = iter(self._run(frames[needed]))
        packets = []
        for place, is_needed in enumerate(needed.tolist()):
            packet = next(said) if is_needed else self._silence
            if place == first_silence:
                self._silence = packet
            packets.append(packet)
        return packets

    def _run(self, frames: Samples) -> list[bytes]:
        if not len(frames):
            return []
        frame = av.AudioFrame.from_ndarray(frames.reshape(1, -1), format="s16", layout="mono")
        frame.sample_rate, frame.pts, frame.time_base = self._rate, self._coded_samples, Fraction(1, self._rate)
        self._coded_samples += frames.size
        return [bytes(packet) for packet in self._context.encode(frame)]


def _is_loud(frames: Samples) -> npt.NDArray[np.bool_]:
    """Which rows are more than silence."""
    loud: npt.NDArray[np.bool_] = (frames.max(axis=1) > _SILENT_UP_TO) | (frames.min(axis=1) < -_SILENT_UP_TO)
    return loud


def _open(sample_rate_hz: int, bit_rate_bps: int, complexity: int) -> AudioCodecContext:
    context = av.CodecContext.create("libopus", "w")
    assert isinstance(context, AudioCodecContext)
    context.sample_rate, context.time_base = sample_rate_hz, Fraction(1, sample_rate_hz)
    context.layout, context.format, context.bit_rate = "mono", "s16", bit_rate_bps
    context.options = {
        "application": "audio",  # voip would filter what is to be kept as it was
        "frame_duration": str(FRAME_MS),
        "compression_level": str(complexity),
    }
    context.open()
    return context


def delimit(packet: bytes) -> bytes:
    """A packet that says itself where it ends, as all but the last of several streams need it.

    Source: RFC 6716 appendix B.
    """
    code = packet[0] & 3
    if code == 0:
        head, last = packet[:1], len(packet) - 1
    elif code == 1:
        head, last = packet[:1], (len(packet) - 1) // 2
    elif code == 2:
        first, at = _read_length(packet, 1)
        head, last = packet[:at], len(packet) - at - first
    else:
        head, last = _split_many(packet)
    return head + _write_length(last) + packet[len(head) :]


def _split_many(packet: bytes) -> tuple[bytes, int]:
    """The head of a packet with any number of frames, and the length of its last frame. Source: RFC 6716 3.2.5."""
    at, padding = 2, 0
    if packet[1] & 0x40:
        more = 255
        while more == 255:
            more, at = packet[at], at + 1
            padding += min(more, 254)
    count, sizes = packet[1] & 0x3F, 0
    if not packet[1] & 0x80:
        return packet[:at], (len(packet) - at - padding) // count
    for _ in range(count - 1):
        size, at = _read_length(packet, at)
        sizes += size
    return packet[:at], len(packet) - at - padding - sizes


def _read_length(packet: bytes, at: int) -> tuple[int, int]:
    """A length and the place after it. Source: RFC 6716 section 3.2.1."""
    if packet[at] < 252:
        return packet[at], at + 1
    return packet[at] + 4 * packet[at + 1], at + 2


def _write_length(length: int) -> bytes:
    return bytes([length]) if length < 252 else bytes([252 + (length & 3), (length - 252 >> 2)])
