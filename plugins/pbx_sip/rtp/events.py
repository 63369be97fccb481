"""Keys pressed during a call, as telephone events among the sound.

Source: RFC 4733 sections 2.3 (payload), 2.5 (one event, many packets) and 3.2 (DTMF).
"""

from dataclasses import dataclass

import numpy as np

from plugins.pbx_sip.rtp.packets import RtpPackets

FLASH = "flash"
"""The hook, pressed for a moment: it asks the switch for something, and is no digit."""

_KEYS = "0123456789*#ABCD"
_EVENT_BYTES = 4
_FLASH = 16
_NS = 1e9
_KEYS_MAX = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPress:
    """One key. key: a digit, "*", "#", "A" to "D" or FLASH. at_s: after the origin; length_s: as far as is known."""

    key: str
    at_s: float
    length_s: float


def find_keys(packets: RtpPackets, clock_hz: int, origin_ns: int, sound_s: float) -> list[KeyPress]:
    """Keys in packets of the payload type that the session description names telephone-event, in time.

    All packets of one key carry the timestamp of its beginning; the last is sent several times. sound_s: how much sound
    a packet of the same sender holds. Like sound, which is sent at the end of its packet and lies where that came, a
    key lies as much later than it was pressed.
    """
    found: dict[tuple[int, int, str], tuple[float, int]] = {}
    for row in np.flatnonzero(packets.length >= _EVENT_BYTES).tolist():
        event, _, high, low = packets.payload(row)[:_EVENT_BYTES]
        key = _KEYS[event] if event < len(_KEYS) else FLASH if event == _FLASH else ""
        if not key or len(found) >= _KEYS_MAX:
            continue
        name = (int(packets.ssrc[row]), int(packets.timestamp[row]), key)
        at_s = (int(packets.time_ns[row]) - origin_ns) / _NS
        ticks = high << 8 | low
        first_s, longest = found.get(name, (at_s - max(ticks / clock_hz - sound_s, 0.0), 0))
        found[name] = (first_s, max(longest, ticks))
    presses = [KeyPress(key=name[2], at_s=at_s, length_s=ticks / clock_hz) for name, (at_s, ticks) in found.items()]
    return sorted(presses, key=lambda press: press.at_s)
