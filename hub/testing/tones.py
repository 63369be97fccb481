"""Signals in, spectrum out: tones that a test sends through a whole chain and finds again at its end.

Samples are floats from -1 to 1 unless said otherwise. Everything here is plain Python, for seconds of audio, not hours.
"""

import cmath
import math
import struct
import wave
from collections.abc import Sequence
from pathlib import Path

RATE_HZ = 8000
_PEAK = 32767
_FFT_LONGEST = 8192


def tone(frequency_hz: float, duration_s: float, *, rate_hz: int = RATE_HZ, level: float = 0.5) -> list[float]:
    """A sine."""
    step = 2 * math.pi * frequency_hz / rate_hz
    return [level * math.sin(step * number) for number in range(round(duration_s * rate_hz))]


def silence(duration_s: float, *, rate_hz: int = RATE_HZ) -> list[float]:
    """Nothing."""
    return [0.0] * round(duration_s * rate_hz)


def mix(*signals: Sequence[float]) -> list[float]:
    """The sum of signals, as long as the longest."""
    length = max((len(signal) for signal in signals), default=0)
    return [sum(signal[number] for signal in signals if number < len(signal)) for number in range(length)]


def to_pcm(channels: Sequence[Sequence[float]]) -> bytes:
    """Signed 16-bit little-endian samples, channels interleaved; shorter channels end in silence."""
    length = max((len(channel) for channel in channels), default=0)
    values = []
    for number in range(length):
        for channel in channels:
            sample = channel[number] if number < len(channel) else 0.0
            values.append(round(max(-1.0, min(1.0, sample)) * _PEAK))
    return struct.pack(f"<{len(values)}h", *values)


def from_pcm(data: bytes, channels: int = 1) -> list[list[float]]:
    """The channels of signed 16-bit little-endian samples."""
    values = struct.unpack(f"<{len(data) // 2}h", data[: len(data) // 2 * 2])
    return [[value / _PEAK for value in values[number::channels]] for number in range(channels)]


def write_wav(path: Path, channels: Sequence[Sequence[float]], *, rate_hz: int = RATE_HZ) -> Path:
    """A PCM WAV file with one signal per channel; returns its path."""
    with wave.open(str(path), "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(to_pcm(channels))
    return path


def read_wav(path: Path) -> tuple[int, list[list[float]]]:
    """Sampling rate [Hz] and channels of a 16-bit PCM WAV file."""
    with wave.open(str(path), "rb") as file:
        assert file.getsampwidth() == 2, "only 16-bit samples are read"
        return file.getframerate(), from_pcm(file.readframes(file.getnframes()), file.getnchannels())


def loudness(samples: Sequence[float]) -> float:
    """Root mean square: 0 for silence, 0.35 for a sine of level 0.5."""
    return math.sqrt(sum(sample * sample for sample in samples) / len(samples)) if samples else 0.0


def dominant_hz(samples: Sequence[float], *, rate_hz: int = RATE_HZ) -> float:
    """The frequency that sounds loudest, to about a hundredth of the band; 0 for silence.

    Looks at the middle of the signal, at most 8192 samples of it.
    """
    length = min(_FFT_LONGEST, 1 << (len(samples).bit_length() - 1) if samples else 0)
    if length < 4 or loudness(samples) < 1e-4:
        return 0.0
    start = (len(samples) - length) // 2
    window = [0.5 - 0.5 * math.cos(2 * math.pi * number / length) for number in range(length)]
    spectrum = _fft([complex(samples[start + number] * window[number]) for number in range(length)])
    strengths = [abs(value) for value in spectrum[1 : length // 2]]
    return (strengths.index(max(strengths)) + 1) * rate_hz / length


def strength(samples: Sequence[float], frequency_hz: float, *, rate_hz: int = RATE_HZ) -> float:
    """How loud one frequency is: about the level of a sine of this frequency in the signal."""
    if not samples:
        return 0.0
    step = -2j * math.pi * frequency_hz / rate_hz
    return abs(sum(sample * cmath.exp(step * number) for number, sample in enumerate(samples))) * 2 / len(samples)


def _fft(values: list[complex]) -> list[complex]:
    """The discrete Fourier transform of 2**n values."""
    length = len(values)
    if length == 1:
        return values
    even, odd = _fft(values[::2]), _fft(values[1::2])
    turned = [cmath.exp(-2j * math.pi * number / length) * odd[number] for number in range(length // 2)]
    return [left + right for left, right in zip(even, turned, strict=True)] + [
        left - right for left, right in zip(even, turned, strict=True)
    ]
