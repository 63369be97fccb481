"""Encrypted media that is called G.711, told from sound by how even its octets are."""

import numpy as np
import pytest

from plugins.pbx_sip.media import g711
from plugins.pbx_sip.rtp.scrambled import is_scrambled
from tests.doubles import audio
from tests.doubles.rtp_stream import Sender, cut, received
from tests.doubles.talk import tone


def sent(octets: bytes, payload_type: int = 0) -> bool:
    return is_scrambled(received(Sender(payload_type=payload_type).send(cut(octets)).sent))


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize("payload_type", [0, 8])
def test_what_is_encrypted_looks_random_and_is_no_sound(seed: int, payload_type: int) -> None:
    assert sent(np.random.default_rng(seed).bytes(160 * 200), payload_type)


@pytest.mark.parametrize(
    "samples",
    [
        audio.speech(4, seed=1)[:, 0],
        np.zeros(32_000, np.int16),
        np.random.default_rng(1).integers(-32768, 32767, 32_000).astype(np.int16),
        np.clip(np.random.default_rng(2).normal(0, 3000, 32_000), -32768, 32767).astype(np.int16),
        np.clip(np.random.default_rng(3).laplace(0, 8000, 32_000), -32768, 32767).astype(np.int16),
    ],
    ids=["speech", "silence", "white noise", "gaussian noise", "loud noise"],
)
def test_sound_never_is(samples: np.ndarray) -> None:
    assert not sent(g711.compress_mu(samples).tobytes())
    assert not sent(tone(440, 4))


def test_a_moment_is_too_short_to_tell() -> None:
    assert not sent(np.random.default_rng(1).bytes(160 * 20))


def test_codings_whose_octets_always_look_random_are_left_out() -> None:
    assert not sent(np.random.default_rng(1).bytes(160 * 200), payload_type=18)
