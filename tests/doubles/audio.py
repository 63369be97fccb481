"""Audio files of every kind that telephone systems write, made by arithmetic: nothing recorded lies in the repository."""

import io
import struct
from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt

from hub.ingest.pcm import A_LAW_SAMPLES, MU_LAW_SAMPLES

Samples = npt.NDArray[np.int16]
RATE_HZ = 8000
PITCHES_HZ = (118.0, 207.0)
VOWELS_HZ = ((730, 1090, 2440), (270, 2290, 3010), (300, 870, 2240), (530, 1840, 2480), (570, 840, 2410))
PCM, A_LAW, MU_LAW, MS_GSM, G729 = 1, 6, 7, 0x31, 0x83


def speech(length_s: float = 2.0, channels: int = 1, seed: int = 1) -> Samples:
    """Talk with vowels and hissing sounds, shape (n, channels); on two channels the talkers take turns."""
    length = max(round(length_s * RATE_HZ), 1)
    lanes = np.zeros((length, 2))
    random = np.random.default_rng(seed)
    at, talker = 400, 0
    while at < length:
        for _ in range(int(random.integers(4, 12))):
            syllable = _syllable(random, PITCHES_HZ[talker])[: length - at] if at < length else np.zeros(0)
            lanes[at : at + len(syllable), talker] = syllable
            at += len(syllable) + 80
        at += int(random.integers(800, 4000))
        talker = 1 - talker
    mixed = lanes if channels == 2 else lanes.sum(axis=1, keepdims=True)
    return np.clip(mixed, -32768, 32767).astype(np.int16)


def _syllable(random: np.random.Generator, pitch_hz: float) -> npt.NDArray[np.float64]:
    hiss = np.diff(random.normal(0, 900, int(random.integers(200, 600))))
    time_s = np.arange(int(random.integers(800, 2000))) / RATE_HZ
    vowel = np.zeros(len(time_s))
    formants = VOWELS_HZ[int(random.integers(len(VOWELS_HZ)))]
    for harmonic in range(1, int(3800 / pitch_hz)):
        at_hz = harmonic * pitch_hz
        weight = sum(np.exp(-(((at_hz - formant) / 120) ** 2)) / number for number, formant in enumerate(formants, 1))
        vowel += (weight + 0.002) * np.sin(2 * np.pi * at_hz * time_s + harmonic)
    fade = np.minimum(1, np.minimum(time_s, time_s[::-1]) * 60)
    return np.concatenate([hiss, 5000 * vowel * fade])


def silence(length_s: float = 2.0, channels: int = 1) -> Samples:
    return np.zeros((round(length_s * RATE_HZ), channels), np.int16)


def noise(length_s: float = 2.0, rms: float = 100.0, seed: int = 1) -> Samples:
    drawn = np.random.default_rng(seed).normal(0, rms, round(length_s * RATE_HZ))
    return np.clip(drawn, -32768, 32767).astype(np.int16)[:, None]


def tone(length_s: float = 2.0, pitch_hz: float = 425.0, on_s: float = 1e9, every_s: float = 1e9) -> Samples:
    """A steady tone, or one that is on for `on_s` every `every_s`."""
    time_s = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    return (8000 * np.sin(2 * np.pi * pitch_hz * time_s) * (time_s % every_s < on_s)).astype(np.int16)[:, None]


def companded(samples: Samples, law: int) -> bytes:
    """G.711 codes of the samples."""
    table = {MU_LAW: MU_LAW_SAMPLES, A_LAW: A_LAW_SAMPLES}[law].astype(np.int32)
    order = np.argsort(table, kind="stable")
    places = np.clip(np.searchsorted(table[order], samples.reshape(-1)), 0, 255)
    return order[places].astype(np.uint8).tobytes()


def wav(samples: Samples, law: int = MU_LAW, rate_hz: int = RATE_HZ, chunks: bytes = b"") -> bytes:
    """A WAV file in PCM of 16 bits or G.711; chunks: what stands between fmt and data."""
    data = samples.astype("<i2").tobytes() if law == PCM else companded(samples, law)
    return wav_of(
        data, tag=law, channels=samples.shape[1], rate_hz=rate_hz, bits=16 if law == PCM else 8, chunks=chunks
    )


def wav_of(
    data: bytes,
    *,
    tag: int,
    channels: int = 1,
    rate_hz: int = 8000,
    bits: int = 8,
    block_bytes: int | None = None,
    chunks: bytes = b"",
    said_bytes: int | None = None,
    extra: bytes = b"",
) -> bytes:
    """A WAV file of coded `data`; said_bytes: a lie about its length."""
    block = block_bytes or channels * bits // 8
    form = struct.pack("<HHIIHH", tag, channels, rate_hz, rate_hz * block, block, bits)
    if extra:
        form += struct.pack("<H", len(extra)) + extra
    body = chunk(b"fmt ", form) + chunks + b"data" + struct.pack("<I", len(data) if said_bytes is None else said_bytes)
    return b"RIFF" + struct.pack("<I", 4 + len(body) + len(data)) + b"WAVE" + body + data


def chunk(name: bytes, content: bytes) -> bytes:
    """One RIFF chunk, padded."""
    return name + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)


def encoded(samples: Samples, codec: str, container: str, rate_hz: int = RATE_HZ) -> bytes:
    """The samples in any form that FFmpeg writes."""
    out = io.BytesIO()
    layout = {1: "mono", 2: "stereo"}[samples.shape[1]]
    with av.open(out, "w", format=container) as file:
        stream = file.add_stream(codec, rate=rate_hz)
        stream.layout = layout  # type: ignore[union-attr]
        frame = av.AudioFrame.from_ndarray(samples.reshape(1, -1), format="s16", layout=layout)
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, 0, Fraction(1, RATE_HZ)
        resampler = av.AudioResampler(stream.format.name, layout, rate_hz)  # type: ignore[union-attr]
        for piece in (*resampler.resample(frame), *resampler.resample(None)):
            file.mux(stream.encode(piece))  # type: ignore[union-attr,arg-type]
        file.mux(stream.encode(None))  # type: ignore[union-attr]
    return out.getvalue()


def decoded(content: bytes) -> tuple[Samples, int]:
    """The samples of any file, shape (n, channels), and their rate."""
    with av.open(io.BytesIO(content)) as file:
        stream = file.streams.audio[0]
        channels = stream.codec_context.layout.nb_channels
        resampler = av.AudioResampler("s16", stream.codec_context.layout, stream.codec_context.sample_rate)
        pieces = [piece.to_ndarray() for frame in file.decode(stream) for piece in resampler.resample(frame)]
        return np.concatenate(pieces, axis=1).reshape(-1, channels).astype(np.int16), stream.codec_context.sample_rate
