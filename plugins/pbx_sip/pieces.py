"""Calls that were still going on at the end of a capture: more of them may come, when the capture is copied again.

The hub has one recording of what bears one name, so that the whole call, which comes later, needs another name than the
piece of it that the hub has.
"""

from hashlib import sha256

from hub.sdk import PluginContext
from plugins.pbx_sip.calls.recorded import RecordedCall

_PREFIX = "piece:"
_PIECES_MAX = 5000
_LONGER_S = 0.5


class Pieces:
    """Remembers, over restarts, how long the calls were that a capture broke off."""

    def __init__(self, ctx: PluginContext) -> None:
        self._state = ctx.state

    def name(self, call: RecordedCall) -> str:
        """What makes a call unique: where more of it was found than the hub has, that too."""
        known = self._state.get(_key(call))
        if known is None or call.length_s <= known[0] + _LONGER_S:
            return call.origin_id
        return f"{call.origin_id} {round(call.length_s * 1000)}"

    def remember(self, call: RecordedCall) -> None:
        """Note a call that was going on when its capture ended, under the name that it was given."""
        key = _key(call)
        known = self._state.get(key)
        self._state.put(key, [max(call.length_s, known[0] if known else 0.0), call.began_ns])
        pieces = list(self._state.items(_PREFIX))
        if len(pieces) > _PIECES_MAX:
            oldest = sorted(pieces, key=lambda piece: piece[1][1])[: _PIECES_MAX // 10]
            self._state.delete(*(each for each, _ in oldest))


def _key(call: RecordedCall) -> str:
    return f"{_PREFIX}{sha256(call.origin_id.encode('utf-8', 'surrogatepass')).hexdigest()}"
