"""The rows of keys that the parties of calls press, and what they ask for: keys of one do not break another's row."""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from hub.sdk import CallControl
from plugins.pbx_sip.calls.dialog import Side

_PRESSES_KNOWN = 8  # packets of a press overtake those of the next one, but not many more
_RARE = frozenset("ABCD")


@dataclass(slots=True)
class _Row:
    """The last keys that came one way; presses: the last ones, as their packets name them, (SSRC, timestamp)."""

    keys: str = ""
    presses: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=_PRESSES_KNOWN))


@dataclass(slots=True)
class Keypads:
    """The keys of one call, by the way they come: the endpoint that RTP is sent to, or whose INFO tells of them."""

    rows: dict[int | Side, _Row] = field(default_factory=dict)

    def press(
        self, codes: Sequence[tuple[str, CallControl]], way: int | Side, key: str, press: tuple[int, int] | None = None
    ) -> CallControl | None:
        """Take in a key; press: by which a press is known that is told of several times, None where each is told once.

        Returns: what is asked for, once all keys of a code were pressed.
        """
        if key in _RARE and not any(key in keys for keys, _ in codes):
            return None  # no telephone has such a key: sound was taken for one
        row = self.rows.setdefault(way, _Row())
        if press is not None:
            if press in row.presses:
                return None
            row.presses.append(press)
        longest = max((len(keys) for keys, _ in codes), default=0)
        row.keys = (row.keys + key)[-longest:] if longest else ""
        for keys, action in codes:
            if row.keys.endswith(keys):
                row.keys = ""
                return action
        return None
