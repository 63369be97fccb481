"""Whether payloads that are called G.711 are encrypted: then all octets are as frequent as one another.

No sound is so: that of octets which follow a logarithm is no more even than noise of full strength, whose quiet octets
are hundreds of times as rare as its loud ones.

Source: NIST/SEMATECH e-Handbook 1.3.5.15 (chi-square goodness of fit).
"""

import numpy as np

from plugins.pbx_sip.packets.windows import gather
from plugins.pbx_sip.rtp.packets import RtpPackets
from plugins.pbx_sip.sdp.codecs import STATIC_CODECS

_LAWS = [number for number, codec in STATIC_CODECS.items() if codec.name in {"PCMU", "PCMA"}]
_IS_LAW = np.isin(np.arange(128), _LAWS)  # by payload type
_PACKETS_MIN, _SAMPLED = 25, 100
_OCTETS_MIN = 2560  # ten of each, below which the figure says little
_CHI_SQUARE_MAX = 400.0  # of 255 degrees of freedom: what is random exceeds it once in 10**8 times


def is_scrambled(packets: RtpPackets) -> bool:
    """Whether what the packets hold as G.711 is not sound but something that looks random."""
    rows = np.flatnonzero(_IS_LAW[packets.payload_type])
    if len(rows) < _PACKETS_MIN:
        return False
    rows = rows[np.linspace(0, len(rows) - 1, _SAMPLED).astype(np.intp)] if len(rows) > _SAMPLED else rows
    octets = gather(packets.buffer, packets.offset[rows], packets.length[rows])
    if len(octets) < _OCTETS_MIN:
        return False
    expected = len(octets) / 256
    counts = np.bincount(octets, minlength=256)
    return float(((counts - expected) ** 2).sum() / expected) < _CHI_SQUARE_MAX
