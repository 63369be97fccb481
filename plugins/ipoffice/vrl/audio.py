"""What a container says about the audio in it."""

from dataclasses import dataclass

WAVE_CODECS = {
    0x0001: "PCM",
    0x0002: "ADPCM (Microsoft)",
    0x0003: "PCM float",
    0x0006: "G.711 A-law",
    0x0007: "G.711 µ-law",
    0x0011: "ADPCM (IMA)",
    0x0014: "G.723",
    0x0031: "GSM 06.10",
    0x0040: "G.726",
    0x0042: "G.723.1",
    0x0045: "G.726",
    0x0055: "MP3",
    0x0064: "G.726",
    0x0065: "G.722",
    0x0083: "G.729",
    0x0111: "G.723.1",
    0x0133: "G.729",
    0x028F: "G.722",
    0x704F: "Opus",
}


@dataclass(frozen=True, slots=True)
class Audio:
    """Codec and shape of the sound; 0 or None where the container does not say."""

    codec: str
    channels: int = 0
    sample_rate_hz: int = 0
    bit_rate_bps: int = 0
    duration_s: float | None = None


def name_wave_codec(tag: int, bits: int) -> str:
    """The codec behind a WAVE format tag."""
    name = WAVE_CODECS.get(tag, f"format 0x{tag:04X}")
    return f"{name} {bits} bit" if name.startswith("PCM") and bits else name
