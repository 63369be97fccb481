"""The file that the hub is given: the recorded side on the first channel, each of the others on one of its own."""

from collections.abc import Sequence
from pathlib import Path
from struct import pack

import numpy as np

from plugins.pbx_sip.media.g711 import LAWS, Sound

_BLOCK = 1 << 20
_LINEAR = 1
_TAGS = {"PCMU": 7, "PCMA": 6}  # RFC 2361 appendix A


def mix(lanes: Sequence[Sound], law: str) -> Sound:
    """Several lanes as one, clipped where they are loud together; of the longest one's length."""
    if len(lanes) == 1:
        return lanes[0]
    total = np.zeros(max((len(lane) for lane in lanes), default=0), np.int32)
    for lane in lanes:
        total[: len(lane)] += LAWS[law].table[lane] if law else lane
    mixed = np.clip(total, -32768, 32767).astype(np.int16)
    return LAWS[law].compress(mixed) if law else mixed


def write_wav(path: Path, channels: Sequence[Sound], rate_hz: int, law: str, length_s: float | None = None) -> None:
    """Write the channels; shorter ones end in silence.

    law: "PCMU" or "PCMA" if the channels are octets of it, "" if they are samples. length_s: of the file, None: of the
    longest channel.
    """
    longest = max((len(channel) for channel in channels), default=0)
    length = longest if length_s is None else round(length_s * rate_hz)
    sample_bytes = 1 if law else 2
    block_bytes = sample_bytes * len(channels)
    layout = pack(
        "<HHIIHHH",
        _TAGS.get(law, _LINEAR),
        len(channels),
        rate_hz,
        rate_hz * block_bytes,
        block_bytes,
        sample_bytes * 8,
        0,
    )
    data_bytes = length * block_bytes
    # A data chunk of odd size is followed by one octet that belongs to nobody.
    chunks = b"WAVEfmt " + pack("<I", len(layout)) + layout + b"data" + pack("<I", data_bytes)
    silence = LAWS[law].silence if law else 0
    with path.open("wb") as file:
        file.write(b"RIFF" + pack("<I", len(chunks) + data_bytes + data_bytes % 2) + chunks)
        for start in range(0, length, _BLOCK):
            end = min(start + _BLOCK, length)
            file.write(_interleave([_cut(channel, start, end, silence) for channel in channels]).data)
        file.write(b"\0" * (data_bytes % 2))


def _cut(channel: Sound, start: int, end: int, silence: int) -> Sound:
    """A channel from one sample to another, with silence behind its end."""
    part = channel[start:end]
    missing = end - start - len(part)
    return np.concatenate([part, np.full(missing, silence, part.dtype)]) if missing else part


def _interleave(channels: Sequence[Sound]) -> np.ndarray:
    """Channels of one length, sample by sample."""
    if len(channels) == 2 and channels[0].itemsize == 1:  # the usual call: two octets at once are moved much faster
        pairs = channels[1].astype("<u2")
        pairs <<= 8
        pairs |= channels[0]
        return pairs
    return np.stack(channels, axis=1)
