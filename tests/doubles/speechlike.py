"""Audio that looks and sounds a little like two people taking turns, made by arithmetic."""

import io
import wave

import numpy as np
import numpy.typing as npt

RATE_HZ = 8000
_LONGEST_S = 60.0
_PITCH_HZ = (118.0, 207.0)


def talk(length_s: float, channels: int, seed: int) -> npt.NDArray[np.int16]:
    """Samples of shape (n, channels): phrases with pauses, each channel silent while the other speaks."""
    if length_s > _LONGEST_S:  # the same minute again and again
        minute = talk(_LONGEST_S, channels, seed)
        return np.resize(minute, (int(length_s * RATE_HZ), channels))
    random = np.random.default_rng(seed)
    samples = np.zeros((max(int(length_s * RATE_HZ), 1), 2))
    at_s, speaker = 0.4, seed % 2
    while at_s < length_s:
        phrase_s = float(random.uniform(0.8, 4.5))
        start, end = int(at_s * RATE_HZ), min(int((at_s + phrase_s) * RATE_HZ), len(samples))
        samples[start:end, speaker] = _phrase(end - start, _PITCH_HZ[speaker], random)
        at_s += phrase_s + float(random.uniform(0.15, 2.4 if random.random() < 0.3 else 0.6))
        speaker = 1 - speaker
    mixed = samples if channels == 2 else samples.sum(axis=1, keepdims=True)
    return np.clip(mixed * 32767, -32768, 32767).astype(np.int16)


def _phrase(count: int, pitch_hz: float, random: np.random.Generator) -> npt.NDArray[np.float64]:
    time_s = np.arange(count) / RATE_HZ
    syllables = 0.5 + 0.5 * np.sin(2 * np.pi * random.uniform(2.8, 4.2) * time_s + random.uniform(0, 6))
    melody = pitch_hz * (1 + 0.12 * np.sin(2 * np.pi * 0.6 * time_s))
    phase = 2 * np.pi * np.cumsum(melody) / RATE_HZ
    voice = sum(np.sin(phase * harmonic) / harmonic for harmonic in range(1, 7))
    fade = np.minimum(1, np.minimum(time_s, time_s[::-1]) * 12)
    return np.asarray(0.26 * random.uniform(0.5, 1.0) * voice * syllables**1.6 * fade)


def wav(samples: npt.NDArray[np.int16]) -> bytes:
    """The samples as a WAV file."""
    buffer = io.BytesIO()
    with wave.open(buffer, "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(samples.tobytes())
    return buffer.getvalue()
