"""The file that the hub is given: the recorded side left, all others right."""

from collections.abc import Callable, Sequence
from enum import StrEnum
from pathlib import Path
from struct import pack
from typing import Any

import numpy as np
import numpy.typing as npt

from plugins.pbx_sip.media.g711 import Samples, compress_a, compress_mu

_BLOCK = 1 << 20


class WavForm(StrEnum):
    """How samples stand in the file: in the law they came in, so that nothing is lost, or linear."""

    MU_LAW = "PCMU"
    A_LAW = "PCMA"
    LINEAR = "L16"


_TAGS: dict[WavForm, tuple[int, int, Callable[[Samples], npt.NDArray[Any]]]] = {
    WavForm.MU_LAW: (7, 1, compress_mu),
    WavForm.A_LAW: (6, 1, compress_a),
    WavForm.LINEAR: (1, 2, lambda samples: samples),
}


def mix(lanes: Sequence[Samples]) -> Samples:
    """Several lanes as one, clipped where they are loud together; of the longest one's length."""
    if len(lanes) == 1:
        return lanes[0]
    total = np.zeros(max((len(lane) for lane in lanes), default=0), np.int32)
    for lane in lanes:
        total[: len(lane)] += lane
    return np.clip(total, -32768, 32767).astype(np.int16)


def write_wav(path: Path, channels: Sequence[Samples], rate_hz: int, form: WavForm) -> None:
    """Write one or two channels; shorter ones end in silence."""
    length = max((len(channel) for channel in channels), default=0)
    tag, sample_bytes, code = _TAGS[form]
    block_bytes = sample_bytes * len(channels)
    layout = pack("<HHIIHHH", tag, len(channels), rate_hz, rate_hz * block_bytes, block_bytes, sample_bytes * 8, 0)
    data_bytes = length * block_bytes
    # A data chunk of odd size is followed by one octet that belongs to nobody.
    chunks = b"WAVEfmt " + pack("<I", len(layout)) + layout + b"data" + pack("<I", data_bytes)
    with path.open("wb") as file:
        file.write(b"RIFF" + pack("<I", len(chunks) + data_bytes + data_bytes % 2) + chunks)
        for start in range(0, length, _BLOCK):
            block = np.zeros((min(_BLOCK, length - start), len(channels)), np.int16)
            for place, channel in enumerate(channels):
                part = channel[start : start + _BLOCK]
                block[: len(part), place] = part
            file.write(code(block).tobytes())
        file.write(b"\0" * (data_bytes % 2))
