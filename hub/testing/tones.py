"""Tones in, tones out: what a recorder must keep can be measured instead of listened to."""

import io
import wave
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]
_LOUDNESS = 8000


def tone(frequency_hz: float, length_s: float, rate_hz: int = 8000) -> Samples:
    """A sine of moderate loudness; shape (samples,)."""
    times_s = np.arange(int(length_s * rate_hz)) / rate_hz
    return (np.sin(2 * np.pi * frequency_hz * times_s) * _LOUDNESS).astype(np.int16)


def wav_bytes(channels: Sequence[Samples], rate_hz: int = 8000) -> bytes:
    """A WAV file of 16-bit PCM; channels of one length each."""
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(len(channels))
        file.setsampwidth(2)
        file.setframerate(rate_hz)
        file.writeframes(np.stack(channels, axis=1).astype("<i2").tobytes())
    return out.getvalue()


def write_wav(path: Path, channels: Sequence[Samples], rate_hz: int = 8000) -> None:
    """The same as a file."""
    path.write_bytes(wav_bytes(channels, rate_hz))


def read_wav(content: bytes) -> tuple[list[Samples], int]:
    """The channels of a 16-bit PCM WAV file, and its rate [Hz]."""
    with wave.open(io.BytesIO(content)) as file:
        frames = np.frombuffer(file.readframes(file.getnframes()), "<i2")
        channels = frames.reshape(-1, file.getnchannels()).T
        return [np.ascontiguousarray(channel, np.int16) for channel in channels], file.getframerate()


def loudest_hz(samples: Samples, rate_hz: int = 8000) -> float:
    """The strongest frequency."""
    strength = np.abs(np.fft.rfft(samples.astype(np.float64) * np.hanning(len(samples))))
    strength[0] = 0
    return float(np.argmax(strength)) * rate_hz / len(samples)
