"""Refusals that somebody should know of, each told once in a while."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar

from plugins.pbx_sip.recorder.hooks import Hooks
from plugins.pbx_sip.sip.digest import ASKED_FOR, find_unsupported
from plugins.pbx_sip.sip.errors import BadRequest
from plugins.pbx_sip.sip.link import Peer
from plugins.pbx_sip.sip.timers import CallLater

AGAIN_AFTER_S = 60.0
REMEMBERED_MAX = 1000
ASKED_MAX = 3
PATIENCE_S = 2.0
# They are part of ordinary talk: other intervals, offers that cross, a dialog that is over, a call that came on another
# way as well, a method we do not serve.
_ORDINARY = frozenset({405, 422, 423, 481, 482, 491})

_SENTENCES = {"wrong": "401 the secret is wrong", "none": "401 it gave no secret when it was asked for one"}

_Key = TypeVar("_Key")


class Complaints:
    """Tells the owner who was refused and why."""

    def __init__(
        self, hooks: Hooks, clock: Callable[[], float] = time.monotonic, call_later: CallLater | None = None
    ) -> None:
        """call_later: of the running loop, unless given."""
        self._hooks = hooks
        self._clock = clock
        self._call_later = call_later
        self._told: OrderedDict[tuple[str, str], float] = OrderedDict()
        self._asked: OrderedDict[str, int] = OrderedDict()

    def note(self, refusal: BadRequest, peer: Peer) -> None:
        """A request is refused; a question for the secret is no refusal unless it is never answered."""
        if refusal.status in _ORDINARY:
            return
        if refusal.status == 401 and _is_question(refusal):
            self._ask(refusal, peer)
        else:
            self._tell(refusal, peer, _explain(refusal))

    def note_stranger(self, host: str, why: str) -> None:
        """TLS could not be agreed on with a host."""
        if self._is_news(host, why):
            self._hooks.not_secured(host, why)

    def forgive(self, host: str) -> None:
        """Somebody at a host knows the secret."""
        self._asked.pop(host, None)

    def _ask(self, refusal: BadRequest, peer: Peer) -> None:
        """Count who is asked; several calls may well be asked at once before the first of them answers."""
        asked = self._asked[peer.host] = self._asked.get(peer.host, 0) + 1
        if asked == ASKED_MAX:
            call_later = self._call_later or asyncio.get_running_loop().call_later
            call_later(PATIENCE_S, lambda: self._judge(refusal, peer))
        _keep_few(self._asked, peer.host)

    def _judge(self, refusal: BadRequest, peer: Peer) -> None:
        if self._asked.pop(peer.host, 0) >= ASKED_MAX:
            self._tell(refusal, peer, _SENTENCES["none"])

    def _tell(self, refusal: BadRequest, peer: Peer, why: str) -> None:
        if self._is_news(peer.host, why):
            self._hooks.refused(peer, why, refusal)

    def _is_news(self, host: str, why: str) -> bool:
        now = self._clock()
        if now - self._told.get((host, why), -AGAIN_AFTER_S) < AGAIN_AFTER_S:
            return False
        self._told[host, why] = now
        _keep_few(self._told, (host, why))
        return True


def _keep_few(known: OrderedDict[_Key, Any], last: _Key) -> None:
    """Forget what was noted longest ago."""
    known.move_to_end(last)
    if len(known) > REMEMBERED_MAX:
        known.popitem(last=False)


def _is_question(refusal: BadRequest) -> bool:
    """Whether the secret was asked for, and not given wrongly: a nonce that is too old says nothing of the secret."""
    is_stale = any(name == "WWW-Authenticate" and value.endswith("stale=true") for name, value in refusal.headers)
    return is_stale or "Authorization" not in refusal.request.headers


def _explain(refusal: BadRequest) -> str:
    """Status, reason, and what a Warning or Unsupported adds to it."""
    added = [value for name, value in refusal.headers if name in {"Warning", "Unsupported"}]
    reason = _explain_secret(refusal) if refusal.status == 401 else f"{refusal.status} {refusal.reason}".strip()
    return ": ".join([reason, *added])


def _explain_secret(refusal: BadRequest) -> str:
    strange = find_unsupported(refusal.request)
    if not strange:
        return _SENTENCES["wrong"]
    return (
        f"401 it proves the secret by {strange}, which is not supported: let it use {' or '.join(ASKED_FOR)}, qop auth"
    )
