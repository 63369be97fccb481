"""Audio samples from any file that FFmpeg reads; what cannot be read on ends the audio early, with a reason."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import av
import av.error
import av.logging
import numpy as np
from av.audio.stream import AudioStream

from hub.ingest.pcm import BLOCK_FRAMES, CHANNELS_MAX, SAMPLE_RATE_MAX_HZ, SAMPLE_RATE_MIN_HZ, Samples
from hub.ingest.sniff import DEMUXERS

av.logging.set_level(None)


_BAD_PACKETS_MAX = 500


class NotAudio(Exception):
    """No audio that can be decoded is in the file; the text says why."""


@dataclass(frozen=True, slots=True)
class Audio:
    """What FFmpeg says of the first audio stream of a file; duration_s: as its header has it, 0 if it has not."""

    codec: str
    sample_rate_hz: int
    channels: int
    duration_s: float


class Decoder:
    """The first audio stream of one file; used in a `with`.

    flaw: why the audio ended early, "" if it did not; known once `read_blocks` is through.
    """

    def __init__(self, path: Path, container: str) -> None:
        self.flaw = ""
        try:
            # A plain file under a forced format: FFmpeg opens nothing else.
            self._input = av.open(
                f"file:{path}",
                format=DEMUXERS[container],
                options={"protocol_whitelist": "file"},
                metadata_errors="replace",
            )
        except (av.error.FFmpegError, OSError, ValueError) as exc:
            raise NotAudio(_describe(exc)) from exc
        try:
            self._stream = self._find_stream()
            self.audio = self._describe_stream()
        except NotAudio:
            self._input.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exc: object) -> None:
        self._input.close()

    def read_blocks(self) -> Iterator[Samples]:
        """The audio in blocks of shape (frames, channels), at least BLOCK_FRAMES long but for the last.

        Raises: NotAudio if not one frame can be decoded.
        """
        pieces: list[Samples] = []
        length, is_empty = 0, True
        for piece in self._read_pieces():
            pieces.append(piece)
            length += len(piece)
            if length >= BLOCK_FRAMES:
                yield np.concatenate(pieces)
                pieces, length, is_empty = [], 0, False
        if pieces:
            yield np.concatenate(pieces)
        elif is_empty and self.flaw:
            raise NotAudio(self.flaw)

    def _read_pieces(self) -> Iterator[Samples]:
        resampler = self._make_resampler()
        for frame in self._read_frames():
            try:
                converted = resampler.resample(frame)
            except ValueError:  # the stream changed its rate or layout: go on in those that it began with
                resampler = self._make_resampler()
                converted = resampler.resample(frame)
            for piece in converted:
                yield piece.to_ndarray().view(np.int16).reshape(-1, self.audio.channels)

    def _read_frames(self) -> Iterator[av.AudioFrame]:
        """Frames of all packets; a few that cannot be decoded are left out."""
        bad = 0
        packets = self._input.demux(self._stream)
        while bad < _BAD_PACKETS_MAX:
            try:
                packet = next(packets)
                yield from packet.decode()
            except StopIteration:
                return
            except (av.error.InvalidDataError, av.error.UndefinedError) as exc:
                bad += 1
                self.flaw = f"{bad} pieces of it cannot be decoded: {_describe(exc)}"
            except (av.error.FFmpegError, OSError, ValueError) as exc:
                self.flaw = f"it cannot be read to its end: {_describe(exc)}"
                return

    def _find_stream(self) -> AudioStream:
        for stream in self._input.streams.audio:
            if stream.codec_context is not None:
                stream.codec_context.thread_count = 1
                return stream
        raise NotAudio("it holds no audio stream that FFmpeg knows")

    def _describe_stream(self) -> Audio:
        context = self._stream.codec_context
        rate, channels = context.sample_rate, context.layout.nb_channels
        if not SAMPLE_RATE_MIN_HZ <= rate <= SAMPLE_RATE_MAX_HZ or not 1 <= channels <= CHANNELS_MAX:
            raise NotAudio(f"its audio has {channels} channels at {rate} Hz")
        duration_s = max((self._input.duration or 0) / av.time_base, 0.0)
        return Audio(context.codec.canonical_name, rate, channels, duration_s)

    def _make_resampler(self) -> av.AudioResampler:
        return av.AudioResampler(format="s16", layout=self._stream.codec_context.layout, rate=self.audio.sample_rate_hz)


def _describe(exc: Exception) -> str:
    return getattr(exc, "strerror", None) or str(exc) or type(exc).__name__
