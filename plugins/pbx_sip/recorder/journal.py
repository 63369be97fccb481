"""Every message of a call, told to the owner before anything depends on it."""

import time
from collections.abc import Callable

from plugins.pbx_sip.recorder.hooks import CallMessage, Hooks
from plugins.pbx_sip.sip.link import Peer
from plugins.pbx_sip.sip.message import Request, Response, write_message


class CallJournal:
    """Hands messages of calls to the owner; clock_ns: since 1970, UTC."""

    def __init__(self, hooks: Hooks, clock_ns: Callable[[], int] = time.time_ns) -> None:
        self._hooks = hooks
        self._clock_ns = clock_ns

    def note_received(self, call_id: str, message: Request | Response, peer: Peer) -> int:
        """A message of a call came. Returns: when, ns since 1970."""
        return self._note(call_id, message, peer, is_ours=False)

    def note_sent(self, call_id: str, message: Request | Response, peer: Peer) -> int:
        """A message of ours is about to be sent. Returns: when, ns since 1970."""
        return self._note(call_id, message, peer, is_ours=True)

    def note_ended(self, call_id: str, peer: Peer, reason: str) -> None:
        """A call is ended by us."""
        self._hooks.hung_up(call_id, peer, reason)

    def now_ns(self) -> int:
        """The moment, ns since 1970."""
        return self._clock_ns()

    def elapsed_s(self, since_ns: int) -> float:
        """How long ago a moment was."""
        return max(0.0, (self._clock_ns() - since_ns) / 1e9)

    def _note(self, call_id: str, message: Request | Response, peer: Peer, *, is_ours: bool) -> int:
        at_ns = self._clock_ns()
        content = write_message(message)
        self._hooks.message(
            CallMessage(call_id=call_id, at_ns=at_ns, is_ours=is_ours, content=content, peer=peer, read=message)
        )
        return at_ns
