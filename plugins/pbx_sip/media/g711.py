"""G.711, the coding of nearly every desk phone: one octet a sample at 8000 Hz.

Source: ITU-T G.711 (11/88) tables 1a and 2a.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Samples = npt.NDArray[np.int16]
Octets = npt.NDArray[np.uint8]
Sound = Samples | Octets

RATE_HZ = 8000


def _expand_mu_law() -> Samples:
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = (((code & 0x0F) << 3) + 132 << (code >> 4 & 7)) - 132
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _expand_a_law() -> Samples:
    code = np.arange(256, dtype=np.int32) ^ 0x55
    segment, step = code >> 4 & 7, (code & 0x0F) << 4
    magnitude = np.where(segment == 0, step + 8, step + 0x108 << np.maximum(segment - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


def _compress(table: Samples) -> Octets:
    """The code whose value is nearest, for each of the 65536 samples."""
    order = np.argsort(table, kind="stable")
    values = table[order].astype(np.int32)
    limits = (values[1:] + values[:-1]) // 2
    samples = np.arange(-32768, 32768)
    nearest = order[np.searchsorted(limits, samples, side="left")].astype(np.uint8)
    return np.roll(nearest, -32768)  # indexed by the sample's 16 bits


MU_LAW = _expand_mu_law()
A_LAW = _expand_a_law()
_TO_MU_LAW, _TO_A_LAW = _compress(MU_LAW), _compress(A_LAW)


def compress_mu(samples: Samples) -> Octets:
    """Samples as mu-law; those that came from it come back as they were, but for its second zero."""
    return _TO_MU_LAW[samples.view(np.uint16)]


def compress_a(samples: Samples) -> Octets:
    """Samples as A-law; those that came from it come back as they were."""
    return _TO_A_LAW[samples.view(np.uint16)]


@dataclass(frozen=True, slots=True)
class Law:
    """One of the two: the sample of each octet, the octet of silence, and the way back."""

    table: Samples
    silence: int
    compress: Callable[[Samples], Octets]


LAWS = {"PCMU": Law(MU_LAW, 0xFF, compress_mu), "PCMA": Law(A_LAW, 0xD5, compress_a)}
