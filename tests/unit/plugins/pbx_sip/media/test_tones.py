"""Keys are found by their tones, whatever is heard beside them, and speech and music are none."""

import io
import subprocess

import av
import numpy as np
import pytest

from plugins.pbx_sip.media.g711 import LAWS, RATE_HZ, Samples
from plugins.pbx_sip.media.tones import find_tones

ROWS_HZ, COLUMNS_HZ = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
KEYS = [(row, column) for row in ROWS_HZ for column in COLUMNS_HZ]
AT_S = 0.4017
TEXT = (
    "Thank you for calling, my name is Anna, how may I help you today? Please tell me the number of your order, and I "
    "will look it up for you. It was sent on Monday, so it should be with you by the end of the week. Is there anything "
    "else that I can do? Then I wish you a pleasant evening, and please call again. "
)


def press(
    key: tuple[float, float], length_s: float, level: float, twist_db: float = 0.0, rate_hz: int = RATE_HZ
) -> np.ndarray:
    """Both tones of a key; twist_db: how much the higher one is louder; level: its amplitude or that of the other."""
    at_s = np.arange(round(length_s * rate_hz)) / rate_hz
    low, high = level * 10 ** (min(-twist_db, 0) / 20), level * 10 ** (min(twist_db, 0) / 20)
    return low * np.sin(2 * np.pi * key[0] * at_s) + high * np.sin(2 * np.pi * key[1] * at_s + 1)


def put(sound: np.ndarray, tones: np.ndarray, rate_hz: int = RATE_HZ) -> Samples:
    """The sound with tones in it from AT_S on."""
    first, mixed = round(AT_S * rate_hz), sound.astype(float)
    mixed[first : first + len(tones)] += tones
    return np.clip(mixed, -32768, 32767).astype(np.int16)


def noise(level: float, length_s: float = 1.0, rate_hz: int = RATE_HZ) -> np.ndarray:
    return np.random.default_rng(7).normal(0, level, round(length_s * rate_hz))


def speak(voice: str, pitch: int) -> Samples:
    """A minute of speech."""
    command = ["espeak-ng", "-v", voice, "-p", str(pitch), "--stdout", TEXT * 5]
    said = subprocess.run(command, capture_output=True, check=True).stdout
    resampler = av.AudioResampler("s16", "mono", RATE_HZ)
    with av.open(io.BytesIO(said)) as opened:
        parts = [part.to_ndarray()[0] for frame in opened.decode(audio=0) for part in resampler.resample(frame)]
    return np.concatenate(parts)[: 60 * RATE_HZ]


def is_covered(sound: np.ndarray, length_s: float, rate_hz: int = RATE_HZ, law: str = "") -> bool:
    """Whether one span holds the key, and little more."""
    spans = find_tones(sound, rate_hz, law)
    return any(
        AT_S - 0.035 <= since_s <= AT_S + 0.02 and AT_S + length_s - 0.02 <= until_s <= AT_S + length_s + 0.035
        for since_s, until_s in spans
    )


@pytest.mark.parametrize("length_s", [0.04, 0.065, 0.25])
@pytest.mark.parametrize("twist_db", [-8, -4, 0, 4, 8])
@pytest.mark.parametrize("level", [200.0, 2000.0, 15_000.0])
def test_every_key_is_found_in_noise_at_any_level_and_twist(level: float, twist_db: float, length_s: float) -> None:
    missed = [
        key for key in KEYS if not is_covered(put(noise(level / 40), press(key, length_s, level, twist_db)), length_s)
    ]
    assert missed == []


@pytest.mark.parametrize("law", ["PCMU", "PCMA"])
def test_every_key_is_found_in_octets(law: str) -> None:
    for key in KEYS:
        octets = LAWS[law].compress(put(noise(30), press(key, 0.06, 3000)))
        assert is_covered(octets, 0.06, law=law), key


def test_every_key_is_found_in_wide_sound_and_when_its_tones_are_a_little_off() -> None:
    for low, high in KEYS:
        for off in (-0.015, 0.015):
            wide = put(
                noise(50, rate_hz=16_000), press((low * (1 + off), high * (1 + off)), 0.06, 3000, 0, 16_000), 16_000
            )
            assert is_covered(wide, 0.06, 16_000), (low, high)


def test_every_key_is_found_while_somebody_speaks() -> None:
    speech = speak("en", 50)
    quieter = speech / np.sqrt(np.mean(speech.astype(float) ** 2)) * 300
    for place, key in enumerate(KEYS):
        for twist_db in (-4, 4):
            said = quieter[place * 16_000 : place * 16_000 + RATE_HZ]
            assert is_covered(put(said, press(key, 0.1, 3000, twist_db)), 0.1), key


@pytest.mark.parametrize(("voice", "pitch"), [("en", 50), ("en+f3", 70), ("de", 30), ("de+f4", 60), ("fr+f4", 80)])
def test_a_minute_of_speech_has_no_key_in_it_but_perhaps_one(voice: str, pitch: int) -> None:
    assert len(find_tones(speak(voice, pitch), RATE_HZ)) <= 1


def test_chords_are_no_keys() -> None:
    def hum(frequency_hz: float, harmonics: int) -> np.ndarray:
        at_s = np.arange(2400) / RATE_HZ
        return sum(3000 / n * np.sin(2 * np.pi * frequency_hz * n * at_s) for n in range(1, harmonics + 1))

    notes_hz = [440 * 2 ** ((note - 69) / 12) for note in range(48, 92)]
    for harmonics in (1, 3):
        chords = [
            sum(hum(notes_hz[root + step], harmonics) for step in steps)
            for root in range(36)
            for steps in ((0, 4, 7), (0, 3, 7), (0, 4), (0, 7))
        ]
        assert find_tones(np.clip(np.concatenate(chords), -32768, 32767).astype(np.int16), RATE_HZ) == []


def test_single_tones_noise_silence_and_next_to_nothing_have_no_keys() -> None:
    at_s = np.arange(RATE_HZ) / RATE_HZ
    for frequency_hz in (*ROWS_HZ, *COLUMNS_HZ, 425, 440, 2100):
        tone = (5000 * np.sin(2 * np.pi * frequency_hz * at_s)).astype(np.int16)
        assert find_tones(tone, RATE_HZ) == [], frequency_hz
    assert find_tones(noise(3000, 20).astype(np.int16), RATE_HZ) == []
    for length in (0, 1, 255, 256, 300, 8000):
        assert find_tones(np.zeros(length, np.int16), RATE_HZ) == []
        assert find_tones(np.full(length, 32767, np.int16), RATE_HZ) == []


def test_a_long_sound_is_read_in_parts_that_lose_nothing_between_them() -> None:
    row = put(noise(30), press(KEYS[5], 0.05, 3000))
    assert len(find_tones(np.tile(row, 100), RATE_HZ)) == 100
