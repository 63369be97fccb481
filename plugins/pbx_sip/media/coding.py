"""Codings of speech on the wire: what a payload of each holds, and its samples.

Source: RFC 3551 section 4.5 (static codings), RFC 3952 (iLBC), RFC 4867 (AMR), RFC 5574 (Speex), RFC 7587 (Opus).
"""

import io
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from struct import pack

import av
import av.error
import numpy as np
from av.audio.codeccontext import AudioCodecContext
from av.audio.resampler import AudioResampler

from plugins.pbx_sip.media import amr, g711
from plugins.pbx_sip.media.g711 import Samples

_SILENT = np.empty(0, np.int16)
_FRAME_MAX_SAMPLES = 5760  # 120 ms at 48 kHz: no coding here makes more of one frame


@dataclass(frozen=True, slots=True)
class Coding:
    """One coding as a session description names it.

    name: upper case, such as "PCMU". clock_hz: of its timestamps. rate_hz: of its samples.
    decode: payloads in order -> the samples of each; none where a payload is comfort noise or damaged.
    """

    name: str
    clock_hz: int
    rate_hz: int
    decode: Callable[[Sequence[bytes]], list[Samples]] = field(repr=False)


def find_coding(name: str, clock_hz: int, parameters: Mapping[str, str], channels: int = 1) -> Coding | None:
    """The coding that `a=rtpmap` and `a=fmtp` describe, None if it cannot be decoded here.

    parameters: of fmtp, names in lower case.
    """
    make = _CODINGS.get(name.upper())
    return make(clock_hz, parameters, channels) if make else None


def _pcmu(clock_hz: int, _parameters: Mapping[str, str], channels: int) -> Coding:
    return Coding("PCMU", clock_hz, clock_hz, partial(_look_up, g711.MU_LAW, channels))


def _pcma(clock_hz: int, _parameters: Mapping[str, str], channels: int) -> Coding:
    return Coding("PCMA", clock_hz, clock_hz, partial(_look_up, g711.A_LAW, channels))


def _look_up(table: Samples, channels: int, payloads: Sequence[bytes]) -> list[Samples]:
    return [_mix(table[np.frombuffer(payload, np.uint8)], channels) for payload in payloads]


def _l16(clock_hz: int, _parameters: Mapping[str, str], channels: int) -> Coding:
    return Coding("L16", clock_hz, clock_hz, partial(_linear, channels))


def _linear(channels: int, payloads: Sequence[bytes]) -> list[Samples]:
    whole = [payload[: len(payload) // 2 * 2] for payload in payloads]
    return [_mix(np.frombuffer(payload, ">i2").astype(np.int16), channels) for payload in whole]


def _mix(samples: Samples, channels: int) -> Samples:
    if channels < 2:
        return samples
    whole = samples[: len(samples) // channels * channels].reshape(-1, channels)
    mixed: Samples = whole.mean(axis=1).astype(np.int16)
    return mixed


@dataclass(frozen=True, slots=True, kw_only=True)
class _Frames:
    """A coding whose frames all have one size, and FFmpeg's bare container of it."""

    container: str
    frame_bytes: int
    frame_samples: int
    head: bytes = b""
    options: Mapping[str, str] = field(default_factory=dict)

    def decode(self, payloads: Sequence[bytes]) -> list[Samples]:
        """The samples of each payload; what is left over after its last whole frame is comfort noise."""
        counts = [len(payload) // self.frame_bytes for payload in payloads]
        body = b"".join(payload[: count * self.frame_bytes] for payload, count in zip(payloads, counts, strict=True))
        samples = _read_container(self, body) if body else _SILENT
        ends = np.cumsum(counts) * self.frame_samples
        return np.split(samples, ends[:-1]) if payloads else []


def _read_container(frames: _Frames, body: bytes) -> Samples:
    """All samples; exactly as many as the frames have, silence in the place of damaged ones."""
    wanted = len(body) // frames.frame_bytes * frames.frame_samples
    parts: list[Samples] = []
    content = io.BytesIO(frames.head + body)
    with av.open(content, "r", format=frames.container, options=dict(frames.options)) as opened:
        for packet in opened.demux(audio=0):
            try:
                parts += [_samples_of(frame) for frame in packet.decode()]
            except av.error.InvalidDataError:
                parts.append(np.zeros(packet.size // frames.frame_bytes * frames.frame_samples, np.int16))
    samples = np.concatenate(parts) if parts else _SILENT
    return np.concatenate([samples, np.zeros(max(wanted - len(samples), 0), np.int16)])[:wanted]


def _samples_of(frame: av.AudioFrame) -> Samples:
    content = frame.to_ndarray().reshape(-1)
    scale = 1.0 if content.dtype == np.int16 else 32768.0
    samples: Samples = np.clip(content * scale, -32768, 32767).astype(np.int16)
    return samples


def _g722(clock_hz: int, _parameters: Mapping[str, str], _channels: int) -> Coding:
    # Its timestamps count 8000 a second for 16000 samples: RFC 3551 section 4.5.2 keeps an old error.
    del clock_hz
    return Coding("G722", 8000, 16000, _Frames(container="g722", frame_bytes=1, frame_samples=2).decode)


def _g726(bits: int, prefix: str = "") -> Callable[[int, Mapping[str, str], int], Coding]:
    """RFC 3551 packs the first sample into the lowest bits; what its name calls AAL2 (ITU-T I.366.2), the highest."""
    options = {"code_size": str(bits), "sample_rate": "8000"}
    container = "g726" if prefix else "g726le"
    frames = _Frames(container=container, frame_bytes=bits, frame_samples=8, options=options)
    name = f"{prefix}G726-{bits * 8}"
    return lambda clock_hz, _parameters, _channels: Coding(name, clock_hz, 8000, frames.decode)


def _ilbc(clock_hz: int, parameters: Mapping[str, str], _channels: int) -> Coding:
    if parameters.get("mode") == "20":
        frames = _Frames(container="ilbc", frame_bytes=38, frame_samples=160, head=b"#!iLBC20\n")
    else:
        frames = _Frames(container="ilbc", frame_bytes=50, frame_samples=240, head=b"#!iLBC30\n")
    return Coding("ILBC", clock_hz, 8000, frames.decode)


def _framed(name: str, frames: _Frames) -> Callable[[int, Mapping[str, str], int], Coding]:
    return lambda clock_hz, _parameters, _channels: Coding(name, clock_hz, 8000, frames.decode)


def _opus(_clock_hz: int, _parameters: Mapping[str, str], _channels: int) -> Coding:
    return Coding("OPUS", 48000, 16000, partial(_decode_packets, "libopus", b"", 48000))


def _speex(clock_hz: int, _parameters: Mapping[str, str], _channels: int) -> Coding:
    mode = {8000: 0, 16000: 1}.get(clock_hz, 2)
    head = pack("<8s20s13i", b"Speex   ", b"1.2", 1, 80, clock_hz, mode, 4, 1, -1, 160 << mode, 0, 1, 0, 0, 0)
    return Coding("SPEEX", clock_hz, min(clock_hz, 16000), partial(_decode_packets, "speex", head, clock_hz))


def _amr(name: str, codec: str, rate_hz: int) -> Callable[[int, Mapping[str, str], int], Coding]:
    def make(clock_hz: int, parameters: Mapping[str, str], _channels: int) -> Coding:
        aligned = parameters.get("octet-align") == "1"

        def decode(payloads: Sequence[bytes]) -> list[Samples]:
            frames = [amr.read_frames(payload, is_wide=rate_hz == 16000, octet_aligned=aligned) for payload in payloads]
            flat = _decode_packets(codec, b"", rate_hz, [frame for each in frames for frame in each])
            ends = np.cumsum([len(each) for each in frames]).tolist()
            return [
                np.concatenate([_SILENT, *flat[end - len(each) : end]]) for end, each in zip(ends, frames, strict=True)
            ]

        return Coding(name, clock_hz, rate_hz, decode)

    return make


def _decode_packets(codec: str, head: bytes, rate_hz: int, payloads: Sequence[bytes]) -> list[Samples]:
    """Decode one payload after the other; the samples come at 16000 Hz where the coding has more."""
    context = av.CodecContext.create(codec, "r")
    assert isinstance(context, AudioCodecContext)
    context.sample_rate, context.layout = rate_hz, "mono"
    if head:
        context.extradata = head
    resampler = AudioResampler("s16", "mono", 16000) if rate_hz > 16000 else None
    decoded = []
    for payload in payloads:
        try:
            frames = context.decode(av.Packet(payload)) if payload else []
            if resampler is not None:
                frames = [piece for frame in frames for piece in resampler.resample(frame)]
        except av.error.FFmpegError:
            frames = []
        decoded.append(np.concatenate([_SILENT, *(_samples_of(frame)[:_FRAME_MAX_SAMPLES] for frame in frames)]))
    return decoded


_CODINGS: dict[str, Callable[[int, Mapping[str, str], int], Coding]] = {
    "PCMU": _pcmu,
    "PCMA": _pcma,
    "L16": _l16,
    "G722": _g722,
    "G729": _framed("G729", _Frames(container="g729", frame_bytes=10, frame_samples=80)),
    "GSM": _framed("GSM", _Frames(container="gsm", frame_bytes=33, frame_samples=160)),
    "ILBC": _ilbc,
    "G726-16": _g726(2),
    "G726-24": _g726(3),
    "G726-32": _g726(4),
    "G726-40": _g726(5),
    "AAL2-G726-16": _g726(2, "AAL2-"),
    "AAL2-G726-24": _g726(3, "AAL2-"),
    "AAL2-G726-32": _g726(4, "AAL2-"),
    "AAL2-G726-40": _g726(5, "AAL2-"),
    "OPUS": _opus,
    "SPEEX": _speex,
    "AMR": _amr("AMR", "libopencore_amrnb", 8000),
    "AMR-WB": _amr("AMR-WB", "libopencore_amrwb", 16000),
}
