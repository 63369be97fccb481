"""The sound of a media file on the disk as samples, to be read at any place."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np

from hub.ingest.decode import Decoder, NotAudio
from hub.ingest.pcm import Samples
from hub.ingest.sniff import HEAD_BYTES, sniff

_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}
_SAMPLE_BYTES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Sound:
    """Samples of 16 bits in `path`, channel by channel within each moment. length: samples in each channel."""

    path: Path
    rate_hz: int
    channels: int
    length: int

    def read(self, start: int, stop: int) -> Samples:
        """The samples from `start` to `stop`, shape (stop - start, channels); silence where there is none."""
        found = np.zeros((max(stop - start, 0), self.channels), np.int16)
        first, last = max(start, 0), min(stop, self.length)
        if first < last:
            count = (last - first) * self.channels
            offset = first * self.channels * _SAMPLE_BYTES
            found[first - start : last - start] = np.fromfile(self.path, "<i2", count, offset=offset).reshape(
                -1, self.channels
            )
        return found

    def blocks(self, start: int, stop: int, length: int) -> Iterator[tuple[int, Samples]]:
        """The samples from `start` to `stop` in blocks, each with the place where it begins."""
        for at in range(start, stop, length):
            yield at, self.read(at, min(at + length, stop))


def unfold(path: Path, target: Path, rate_hz: int, on_progress: Callable[[], None], *, mono: bool = False) -> Sound:
    """Decode the media file `path` into `target` at `rate_hz`; mono: all of its channels as one.

    on_progress: called at least once for some seconds of audio.
    Raises: NotAudio; OSError (the disk).
    """
    with path.open("rb") as file:
        container = sniff(file.read(HEAD_BYTES))
    if not container:
        raise NotAudio("it is of no known audio format")
    length = 0
    with Decoder(path, container) as decoder, target.open("wb") as writer:
        audio = decoder.audio
        layout = _LAYOUTS[audio.channels]
        is_mixed = mono and audio.channels > 1
        blocks = decoder.read_blocks()
        for block in (
            blocks if audio.sample_rate_hz == rate_hz else _resample(blocks, audio.sample_rate_hz, rate_hz, layout)
        ):
            on_progress()
            samples = _mix(block) if is_mixed else block
            length += len(samples)
            writer.write(np.ascontiguousarray(samples, "<i2").data)
    return Sound(path=target, rate_hz=rate_hz, channels=1 if is_mixed else audio.channels, length=length)


def _mix(block: Samples) -> Samples:
    total = block.astype(np.int32).sum(axis=1, keepdims=True)
    mixed: Samples = np.clip(total, -32768, 32767).astype(np.int16)
    return mixed


def _resample(blocks: Iterator[Samples], from_hz: int, to_hz: int, layout: str) -> Iterator[Samples]:
    resampler = av.AudioResampler("s16", layout, to_hz)
    for block in blocks:
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(block).reshape(1, -1), format="s16", layout=layout)
        frame.sample_rate = from_hz
        yield from _pieces(resampler, frame, block.shape[1])
    yield from _pieces(resampler, None, resampler.layout.nb_channels)


def _pieces(resampler: av.AudioResampler, frame: av.AudioFrame | None, channels: int) -> Iterator[Samples]:
    for piece in resampler.resample(frame):
        yield piece.to_ndarray().view(np.int16).reshape(-1, channels)
