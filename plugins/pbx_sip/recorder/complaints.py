"""Refusals that somebody should know of, each told once in a while."""

import time
from collections import OrderedDict
from collections.abc import Callable

from plugins.pbx_sip.recorder.hooks import Hooks
from plugins.pbx_sip.sip.errors import BadRequest
from plugins.pbx_sip.sip.link import Peer

AGAIN_AFTER_S = 60.0
REMEMBERED_MAX = 1000
# They are part of ordinary talk: other intervals, offers that cross, a dialog that is over, a method we do not serve.
_ORDINARY = frozenset({405, 422, 423, 481, 491})


class Complaints:
    """Tells the owner who was refused and why."""

    def __init__(self, hooks: Hooks, clock: Callable[[], float] = time.monotonic) -> None:
        self._hooks = hooks
        self._clock = clock
        self._told: OrderedDict[tuple[str, str], float] = OrderedDict()

    def note(self, refusal: BadRequest, peer: Peer) -> None:
        """A request is refused; a first question for the secret is no refusal."""
        if refusal.status in _ORDINARY or (refusal.status == 401 and "Authorization" not in refusal.request.headers):
            return
        why = _explain(refusal)
        now = self._clock()
        if now - self._told.get((peer.host, why), -AGAIN_AFTER_S) < AGAIN_AFTER_S:
            return
        self._told[peer.host, why] = now
        self._told.move_to_end((peer.host, why))
        if len(self._told) > REMEMBERED_MAX:
            self._told.popitem(last=False)
        self._hooks.refused(peer, why, refusal.request)


def _explain(refusal: BadRequest) -> str:
    """Status, reason, and what a Warning or Unsupported adds to it."""
    added = [value for name, value in refusal.headers if name in {"Warning", "Unsupported"}]
    reason = "the secret is wrong" if refusal.status == 401 else refusal.reason
    return ": ".join([f"{refusal.status} {reason}".strip(), *added])
