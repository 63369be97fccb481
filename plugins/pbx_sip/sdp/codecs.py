"""Codecs as session descriptions name them: by payload type, encoding name, clock rate and channels."""

from collections.abc import Iterable
from dataclasses import dataclass

TELEPHONE_EVENT = "TELEPHONE-EVENT"
COMFORT_NOISE = "CN"
REDUNDANT = "RED"
PAYLOAD_TYPE_MAX = 127

# Names that vendors write for codecs that have another registered name.
ALIASES = {
    "G729A": "G729",
    "G729B": "G729",
    "G729AB": "G729",
    "G.729": "G729",
    "G.722": "G722",
    "G721": "G726-32",
    "G726": "G726-32",
    "AMRWB": "AMR-WB",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Codec:
    """One payload type of a media section.

    encoding: as written, "" if the description does not say. clock_rate_hz: 0 if it does not say.
    parameters: the text of a=fmtp.
    """

    payload_type: int
    encoding: str = ""
    clock_rate_hz: int = 0
    channels: int = 1
    parameters: str = ""

    @property
    def name(self) -> str:
        """The encoding in upper case under its registered name."""
        upper = self.encoding.upper()
        return ALIASES.get(upper, upper)

    @property
    def is_auxiliary(self) -> bool:
        """Whether it only accompanies a codec: key presses or comfort noise."""
        return self.name in {TELEPHONE_EVENT, COMFORT_NOISE}


# Source: RFC 3551 table 4 and 5; 2 was G726-32 and 19 was CN before they were reserved, and both are still used so.
_STATIC = (
    (0, "PCMU", 8000, 1),
    (2, "G726-32", 8000, 1),
    (3, "GSM", 8000, 1),
    (4, "G723", 8000, 1),
    (5, "DVI4", 8000, 1),
    (6, "DVI4", 16000, 1),
    (7, "LPC", 8000, 1),
    (8, "PCMA", 8000, 1),
    (9, "G722", 8000, 1),
    (10, "L16", 44100, 2),
    (11, "L16", 44100, 1),
    (12, "QCELP", 8000, 1),
    (13, "CN", 8000, 1),
    (14, "MPA", 90000, 1),
    (15, "G728", 8000, 1),
    (16, "DVI4", 11025, 1),
    (17, "DVI4", 22050, 1),
    (18, "G729", 8000, 1),
    (19, "CN", 8000, 1),
    (25, "CelB", 90000, 1),
    (26, "JPEG", 90000, 1),
    (28, "nv", 90000, 1),
    (31, "H261", 90000, 1),
    (32, "MPV", 90000, 1),
    (33, "MP2T", 90000, 1),
    (34, "H263", 90000, 1),
)
STATIC_CODECS = {
    payload_type: Codec(payload_type=payload_type, encoding=encoding, clock_rate_hz=clock_rate_hz, channels=channels)
    for payload_type, encoding, clock_rate_hz, channels in _STATIC
}

# What a recorder can make audible again.
DECODABLE = frozenset(
    {"PCMU", "PCMA", "G722", "G729", "OPUS", "GSM", "ILBC", "SPEEX", "L16", "AMR", "AMR-WB"}
    | {f"{prefix}G726-{rate}" for prefix in ("", "AAL2-") for rate in (16, 24, 32, 40)}
)


def select_codecs(codecs: Iterable[Codec], decodable: frozenset[str] = DECODABLE) -> tuple[Codec, ...]:
    """Those of the codecs that can be recorded in their order, then key presses and comfort noise; () if none can."""
    known = tuple(codecs)
    voices = tuple(codec for codec in known if codec.name in decodable)
    return (*voices, *(codec for codec in known if codec.is_auxiliary)) if voices else ()
