"""Speech by espeak-ng: each turn of a call by its speaker, with the pauses that people make."""

import io
import random
import shutil
import subprocess
import wave

import numpy as np

from plugins.ipoffice.demo.calls import DemoCall, Speaker

PROGRAM = "espeak-ng"
INSTALL = "Install it with: sudo apt-get install --no-install-recommends espeak-ng"
SPEAK_S = 30
NOISE_LEVEL = 12.0
LEVEL = 9000.0


class NoSpeech(RuntimeError):
    """There is nothing to speak with; the message says what to install."""


def speak_call(call: DemoCall) -> tuple[np.ndarray, int]:
    """(samples, rate in Hz) of a whole call; samples: float64, shape (n,), in the range of 16 bit.

    Raises: NoSpeech.
    """
    if shutil.which(PROGRAM) is None:
        raise NoSpeech(f"espeak-ng is not installed. {INSTALL}")
    chance = random.Random(call.title)  # noqa: S311 - pauses, the same each time
    pieces: list[np.ndarray] = []
    rate_hz = 22_050
    for speaker, text in call.speech:
        spoken, rate_hz = _speak(call.voice, call.speakers[speaker], text)
        pieces += [np.zeros(int(rate_hz * chance.uniform(0.25, 0.75))), spoken]
    pieces.append(np.zeros(int(rate_hz * 0.6)))
    samples = np.concatenate(pieces)
    noise = np.random.default_rng(len(samples)).normal(0.0, NOISE_LEVEL, len(samples))
    return samples + noise, rate_hz


def _speak(voice: str, speaker: Speaker, text: str) -> tuple[np.ndarray, int]:
    command = [PROGRAM, "-v", voice + speaker.variant, "-p", str(speaker.pitch), "-s", str(speaker.words_per_min)]
    try:
        done = subprocess.run(  # noqa: S603 - the words are ours
            [*command, "--stdout", text], capture_output=True, check=True, timeout=SPEAK_S, stdin=subprocess.DEVNULL
        )
    except (subprocess.SubprocessError, OSError) as error:
        raise NoSpeech(f"espeak-ng cannot speak {voice}: {error}. {INSTALL}") from None
    # espeak-ng does not know the length when it begins to write: the header says too much.
    with wave.open(io.BytesIO(done.stdout)) as file:
        rate_hz = file.getframerate()
    start = done.stdout.index(b"data") + 8
    samples = np.frombuffer(done.stdout[start : start + (len(done.stdout) - start) // 2 * 2], "<i2").astype(np.float64)
    loudest = float(np.abs(samples).max(initial=1.0))
    return samples * (LEVEL / loudest), rate_hz
