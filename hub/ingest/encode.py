"""Makes the form in which a recording is stored or played, channel by channel as the original has them."""

import errno
import os
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import av.error
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.stream import AudioStream

from hub.ingest.opus import FRAME_MS, OpusCoder
from hub.ingest.opus import RATE_HZ as OPUS_RATE_HZ
from hub.ingest.pcm import Samples

# Two streams that are not coupled, of which the first is the left channel: RFC 7845 section 5.1.1.
_OPUS_UNCOUPLED = 255
_OPUS_STEREO = 1
_OPUS_FAMILY_AT = 18  # in the identification header
_OPUS_FRAME = FRAME_MS * OPUS_RATE_HZ // 1000
_OPUS_TICK_S = Fraction(1, OPUS_RATE_HZ)
_OPUS_RATES_HZ = (8000, 12000, 16000, 24000, 48000)
_MP3_RATES_HZ = (8000, 11025, 12000, 16000, 22050, 24000, 32000, 44100, 48000)
_MP3_BPS_PER_HZ = 2  # 16 kbit/s for a channel of telephony, 32 kbit/s for one of wideband
# Those of FLAC, RFC 9639 section 9.1.3; the names matter little, as no channel is ever mixed into another.
_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "quad", 5: "5.0", 6: "5.1", 7: "6.1", 8: "7.1"}


_DISK = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EROFS, errno.ENOENT, errno.EACCES, errno.ESTALE})


class EncodeFailed(Exception):
    """The form could not be made; the original is untouched."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One stored form; container and codec: as FFmpeg names them."""

    container: str
    codec: str
    extension: str
    sample_rate_hz: int
    channels: int
    bit_rate_bps: int | None = None
    complexity: int | None = None


def choose_target(form: str, sample_rate_hz: int, channels: int, opus_bps: int, opus_complexity: int) -> Target:
    """How `form` (opus, mp3, wav or flac) is made of audio with this rate and these channels.

    opus_bps: for one channel. More than two channels become FLAC, as neither Opus nor MP3 keeps them apart.
    """
    if form in {"opus", "mp3"} and channels > 2:
        form = "flac"
    if form == "opus":
        rate = _at_least(sample_rate_hz, _OPUS_RATES_HZ)
        return Target(
            container="ogg",
            codec="libopus",
            extension="opus",
            sample_rate_hz=rate,
            channels=channels,
            bit_rate_bps=channels * opus_bps,
            complexity=opus_complexity,
        )
    if form == "mp3":
        rate = _at_least(sample_rate_hz, _MP3_RATES_HZ)
        bit_rate = min(max(rate * _MP3_BPS_PER_HZ, 16_000), 64_000) * channels
        return Target(
            container="mp3",
            codec="libmp3lame",
            extension="mp3",
            sample_rate_hz=rate,
            channels=channels,
            bit_rate_bps=bit_rate,
        )
    codec = "flac" if form == "flac" else "pcm_s16le"
    return Target(container=form, codec=codec, extension=form, sample_rate_hz=sample_rate_hz, channels=channels)


class Encoder:
    """Writes one file of `target`, whole once `finish` returned; `close` after a failure is safe at any time."""

    def __init__(self, path: Path, target: Target, sample_rate_hz: int) -> None:
        self._rate = sample_rate_hz
        self._layout = _LAYOUTS[target.channels]
        self._samples = 0
        self._resampler = (
            None
            if sample_rate_hz == target.sample_rate_hz and target.codec in {"libopus", "pcm_s16le", "flac"}
            else av.AudioResampler(
                "s16p" if target.codec == "libmp3lame" else "s16", self._layout, target.sample_rate_hz
            )
        )
        try:
            # bitexact: the same audio gives the same bytes, so that a second attempt finds its first one's object.
            self._output = av.open(f"file:{path}", "w", format=target.container, options={"fflags": "+bitexact"})
            self._stream = self._add_stream(target)
            self._opus = _Opus(target, self._stream) if target.codec == "libopus" else None
        except (av.error.FFmpegError, OSError, ValueError) as exc:
            raise _blame(exc) from exc

    def add(self, block: Samples) -> None:
        """Encode a block of shape (frames, channels).

        Raises: EncodeFailed; OSError (the disk).
        """
        try:
            if self._opus and not self._resampler:
                self._output.mux(self._opus.code(block))
                return
            frame = av.AudioFrame.from_ndarray(
                np.ascontiguousarray(block).reshape(1, -1), format="s16", layout=self._layout
            )
            frame.sample_rate, frame.pts, frame.time_base = self._rate, self._samples, Fraction(1, self._rate)
            self._samples += len(block)
            for piece in self._resampler.resample(frame) if self._resampler else (frame,):
                self._output.mux(self._code(piece))
        except (av.error.FFmpegError, OSError, ValueError) as exc:
            raise _blame(exc) from exc

    def finish(self) -> None:
        """Encode what is left and close the file.

        Raises: EncodeFailed; OSError (the disk).
        """
        try:
            for piece in self._resampler.resample(None) if self._resampler else ():
                self._output.mux(self._code(piece))
            self._output.mux(self._opus.finish() if self._opus else self._stream.encode(None))
            self._output.close()
        except (av.error.FFmpegError, OSError, ValueError) as exc:
            raise _blame(exc) from exc

    def close(self) -> None:
        """Close the file as it is."""
        with suppress(av.error.FFmpegError, OSError, ValueError):
            self._output.close()

    def _code(self, piece: av.AudioFrame) -> "list[av.Packet[Any]]":
        if self._opus:
            return self._opus.code(piece.to_ndarray().reshape(-1, self._stream.channels).astype(np.int16, copy=False))
        return self._stream.encode(piece)

    def _add_stream(self, target: Target) -> AudioStream:
        options: dict[str, str] = {}
        if target.codec == "libopus":
            options = {
                "application": "audio",  # voip would filter what is to be kept as it was
                "frame_duration": str(FRAME_MS),
                "compression_level": str(target.complexity),
            }
            if target.channels > 1:
                options["mapping_family"] = str(_OPUS_UNCOUPLED)
        elif target.codec == "libmp3lame":
            options = {"compression_level": "7", "joint_stereo": "0"}
        stream = self._output.add_stream(target.codec, rate=target.sample_rate_hz, options=options)
        assert isinstance(stream, AudioStream)
        stream.layout = self._layout
        stream.format = "s16p" if target.codec == "libmp3lame" else "s16"
        if target.bit_rate_bps:
            stream.bit_rate = target.bit_rate_bps
        if target.codec == "libopus" and target.channels > 1:
            _name_channels(stream.codec_context)
        return stream


class _Opus:
    """The packets of an Opus stream with their times."""

    def __init__(self, target: Target, stream: AudioStream) -> None:
        self._coder = OpusCoder(
            target.sample_rate_hz, target.channels, target.bit_rate_bps or 0, target.complexity or 0
        )
        self._stream = stream
        self._rate = target.sample_rate_hz
        self._samples = 0
        self._at = -self._coder.pre_skip  # what a decoder says before the first sample is left out

    def code(self, block: Samples) -> "list[av.Packet[Any]]":
        self._samples += len(block)
        return [self._time(content, _OPUS_FRAME) for content in self._coder.code(block)]

    def finish(self) -> "list[av.Packet[Any]]":
        end = self._samples * OPUS_RATE_HZ // self._rate
        return [self._time(content, min(_OPUS_FRAME, end - self._at)) for content in self._coder.finish()]

    def _time(self, content: bytes, duration: int) -> "av.Packet[Any]":
        packet = av.Packet(content)
        packet.stream, packet.time_base = self._stream, _OPUS_TICK_S
        packet.pts = packet.dts = self._at
        packet.duration = duration
        self._at += duration
        return packet


def _name_channels(context: AudioCodecContext) -> None:
    """Say in the header which stream is which side."""
    context.open()
    header = bytearray(context.extradata or b"")
    header[_OPUS_FAMILY_AT] = _OPUS_STEREO
    context.extradata = bytes(header)


def _blame(exc: Exception) -> Exception:
    """The disk, which may be well again later, or what was to be encoded."""
    if isinstance(exc, OSError) and exc.errno in _DISK:
        return OSError(exc.errno, os.strerror(exc.errno))
    return EncodeFailed(str(exc))


def _at_least(rate_hz: int, rates_hz: tuple[int, ...]) -> int:
    return next((rate for rate in rates_hz if rate >= rate_hz), rates_hz[-1])
