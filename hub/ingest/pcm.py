"""Audio samples from WAV files in PCM and G.711, without FFmpeg: most telephone systems record in one of these."""

from collections.abc import Iterator
from typing import BinaryIO

import numpy as np
import numpy.typing as npt

from hub.ingest.riff import A_LAW, MU_LAW, PCM, WavLayout

Samples = npt.NDArray[np.int16]

BLOCK_FRAMES = 1 << 16
CHANNELS_MAX = 8
SAMPLE_RATE_MIN_HZ, SAMPLE_RATE_MAX_HZ = 4000, 192_000


def _expand_mu_law() -> Samples:
    """Source: ITU-T G.711 (11/88) table 2a."""
    code = ~np.arange(256, dtype=np.int32) & 0xFF
    magnitude = (((code & 0x0F) << 3) + 132 << (code >> 4 & 7)) - 132
    return np.where(code & 0x80, -magnitude, magnitude).astype(np.int16)


def _expand_a_law() -> Samples:
    """Source: ITU-T G.711 (11/88) table 1a."""
    code = np.arange(256, dtype=np.int32) ^ 0x55
    segment, step = code >> 4 & 7, (code & 0x0F) << 4
    magnitude = np.where(segment == 0, step + 8, step + 0x108 << np.maximum(segment - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


MU_LAW_SAMPLES = _expand_mu_law()
A_LAW_SAMPLES = _expand_a_law()
_UNSIGNED_SAMPLES = ((np.arange(256, dtype=np.int32) - 128) << 8).astype(np.int16)


def _pair(table: Samples) -> npt.NDArray[np.uint32]:
    """A table for two codes at once, which halves the look-ups."""
    codes = table.view(np.uint16).astype(np.uint32)
    return (codes[None, :] | codes[:, None] << np.uint32(16)).reshape(-1)


_CODECS = {(PCM, 8): "pcm_u8", (PCM, 16): "pcm_s16le", (A_LAW, 8): "pcm_alaw", (MU_LAW, 8): "pcm_mulaw"}
_TABLES = {
    "pcm_u8": _pair(_UNSIGNED_SAMPLES),
    "pcm_alaw": _pair(A_LAW_SAMPLES),
    "pcm_mulaw": _pair(MU_LAW_SAMPLES),
}


def name_codec(layout: WavLayout) -> str:
    """FFmpeg's name of the coding if `read_blocks` reads it, otherwise ""."""
    codec = _CODECS.get((layout.format_tag, layout.sample_bits), "")
    fits = (
        0 < layout.channels <= CHANNELS_MAX
        and SAMPLE_RATE_MIN_HZ <= layout.sample_rate_hz <= SAMPLE_RATE_MAX_HZ
        and layout.block_bytes == layout.channels * layout.sample_bits // 8
    )
    return codec if fits else ""


def read_blocks(file: BinaryIO, layout: WavLayout, block_frames: int = BLOCK_FRAMES) -> Iterator[Samples]:
    """The audio of `file` in blocks of shape (frames, channels); a half frame at the end is left out."""
    table = _TABLES.get(name_codec(layout))
    file.seek(layout.data_offset)
    rest = layout.data_bytes - layout.data_bytes % layout.block_bytes
    while rest > 0:
        content = file.read(min(rest, block_frames * layout.block_bytes))
        content = content[: len(content) - len(content) % layout.block_bytes]
        if not content:
            return
        rest -= len(content)
        samples = np.frombuffer(content, "<i2") if table is None else _expand(content, table)
        yield samples.reshape(-1, layout.channels)


def _expand(content: bytes, table: npt.NDArray[np.uint32]) -> Samples:
    odd = len(content) % 2
    pairs = np.frombuffer(content + b"\0" * odd, "<u2")
    samples = table.take(pairs, mode="wrap").view(np.int16)  # no pair is out of bounds, so none is looked at for it
    return samples[: len(content)] if odd else samples
