"""Two parties stay on their own channels in what browsers decode, at the bit rate that recordings are stored with."""

import subprocess
from io import BytesIO
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
import pytest

from hub.config.policy import MediaPolicy
from hub.ingest.encode import Encoder, choose_target
from tests.doubles import frontend
from tests.doubles.decoding import decode_in

RATE_HZ, HEARD_HZ = 8000, 48_000
LEAST = {"opus": 0.95, "mp3": 0.9, "wav": 0.99, "flac": 0.99}
"""How much of each party is to be left in each form, 1 being all."""
SENTENCES = (
    ("en+m3", "Good morning, this is the service desk of the company, how may I help you today? One moment please."),
    ("de+f2", "Guten Tag, ich möchte gerne wissen, wo meine Bestellung geblieben ist. Die Nummer ist vier sieben elf."),
)
Samples = npt.NDArray[np.int16]


def _say(voice: str, text: str) -> Samples:
    program = frontend.require("espeak-ng", "espeak-ng")
    spoken = subprocess.run(
        [program, "-v", voice, "--stdout", text], capture_output=True, check=True, timeout=60
    ).stdout
    resampler = av.AudioResampler("s16", "mono", RATE_HZ)
    with av.open(BytesIO(spoken), "r") as file:
        pieces = [piece.to_ndarray()[0] for frame in file.decode(audio=0) for piece in resampler.resample(frame)]
    return np.concatenate(pieces).astype(np.int16)


@pytest.fixture(scope="module")
def both_at_once() -> Samples:
    """Two people who talk at the same time all the while, shape (n, 2)."""
    lanes = [_say(*each) for each in SENTENCES]
    return np.stack([lane[: min(map(len, lanes))] for lane in lanes], axis=1)


def _stored(samples: Samples, form: str, path: Path) -> bytes:
    policy = MediaPolicy()
    target = choose_target(form, RATE_HZ, 2, policy.opus_bitrate_bps, policy.opus_complexity)
    encoder = Encoder(path, target, RATE_HZ)
    encoder.add(samples)
    encoder.finish()
    return path.read_bytes()


def _closeness(said: Samples, heard: npt.NDArray[np.float32]) -> float:
    """Their correlation where they fit best: codecs and resampling delay, by less than a sample and by more."""
    step = HEARD_HZ // RATE_HZ
    found = [_correlate(said.astype(float), heard[phase::step].astype(float)) for phase in range(step)]
    return max(found, key=abs)


def _correlate(one: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    size = len(one) + len(other)
    products = np.fft.irfft(np.fft.rfft(one, size).conj() * np.fft.rfft(other, size), size)
    best = float(products[np.abs(products).argmax()])
    return best / float(np.linalg.norm(one) * np.linalg.norm(other))


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
def test_each_party_is_heard_on_its_own_channel_alone(both_at_once: Samples, browser: str, tmp_path: Path) -> None:
    files = [_stored(both_at_once, form, tmp_path / f"call.{form}") for form in LEAST]
    for heard, (form, least) in zip(decode_in(browser, files, tmp_path), LEAST.items(), strict=True):
        kept = [[_closeness(said, lane) for lane in heard] for said in both_at_once.T]
        assert len(heard) == 2
        assert min(kept[0][0], kept[1][1]) >= least, (form, kept)
        assert max(abs(kept[0][1]), abs(kept[1][0])) < 0.05, (form, kept)
