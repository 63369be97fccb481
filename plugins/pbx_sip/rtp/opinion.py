"""The opinion that listeners would have of a stream, of what its coding and its losses make of it.

Source: ITU-T G.107 (06/15) and G.113 (11/07) appendix I, table I.1 (codings) and I.4 (loss); of the modes of AMR,
Telektronikk 2/3.2001, "Internet Traffic Engineering", bounds of packetised voice, table 3.
"""

import numpy as np

_BASE_R = 93.2
_CONCEALED = 25.1  # how well G.711 bears loss that is concealed, as we do with all codings that do not do so themselves
# Impairment of the coding itself, and how well it bears loss. What is wider than telephony is no worse than G.711 here.
_IMPAIRMENTS = {
    **dict.fromkeys(("PCMU", "PCMA", "L16", "G722", "OPUS", "AMR-WB"), (0.0, _CONCEALED)),
    **{
        f"{prefix}G726-{rate}": (impairment, _CONCEALED)
        for prefix in ("", "AAL2-")
        for rate, impairment in ((16, 50.0), (24, 25.0), (32, 7.0), (40, 2.0))
    },
    "G729": (11.0, 19.0),
    "GSM": (20.0, 43.0),
}
_AMR_BITS_PER_S = (5600, 6000, 6600, 7400, 8200, 8800, 11_000, 13_000)  # with the heads of its payloads
_AMR_IMPAIRMENTS = (21.0, 20.0, 17.0, 14.0, 12.0, 10.0, 6.0, 5.0)
_AMR_ROBUSTNESS = 10.0


def depends_on_rate(coding: str) -> bool:
    """Whether a coding has to be told how many bits a second there are of it."""
    return coding == "AMR"


def estimate_mos(coding: str, lost_share: float, burst: float = 1.0, bits_per_s: float = 0.0) -> float | None:
    """The mean opinion of listeners, 1 (bad) to 4.5, without delay, which a recording does not have.

    coding: its name. lost_share: 0 to 1. burst: mean number of packets lost in a row. bits_per_s: of the payloads,
    where it depends on that. Returns: None for a coding of which nothing is known.
    """
    if depends_on_rate(coding):
        impairment = float(np.interp(bits_per_s, _AMR_BITS_PER_S, _AMR_IMPAIRMENTS))
        robustness = _AMR_ROBUSTNESS
    elif coding in _IMPAIRMENTS:
        impairment, robustness = _IMPAIRMENTS[coding]
    else:
        return None
    burst_ratio = max(burst * (1 - lost_share), 1.0)
    percent = lost_share * 100
    r = _BASE_R - impairment - (95 - impairment) * percent / (percent / burst_ratio + robustness)
    if r <= 0:
        return 1.0
    return min(1 + 0.035 * r + r * (r - 60) * (100 - r) * 7e-6, 4.5)
