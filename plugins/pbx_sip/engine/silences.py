"""Calls of which nothing is heard: people see since when, their client is asked after them, and they end in the end."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from hub.sdk import LiveState, Log
from plugins.pbx_sip.calls.moments import now_ns
from plugins.pbx_sip.engine.call_table import CallTable
from plugins.pbx_sip.engine.foreman import Foreman, WorkerAway
from plugins.pbx_sip.engine.open_call import OpenCall
from plugins.pbx_sip.engine.places import write_places

_LOOK_S = 10.0
_SHOWN_NS = 30_000_000_000
_SELDOM = 10  # so many times as long a client is left alone that is not expected to send
_AT_ONCE = 500
_HEARD = frozenset({LiveState.RECORDING, LiveState.WAITING})


class Clients(Protocol):
    """Those who send the calls, where they can be asked."""

    def means_to_send(self, call_id: str) -> bool:
        """Whether a call is neither on hold nor paused, as far as its client says."""

    async def ask_after(self, call_id: str) -> bool:
        """Whether the client of a call still knows it."""

    def let_go(self, call_id: str) -> None:
        """Nobody knows of a call any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """How long calls may be silent.

    silent_s: one of which nothing at all was heard for so long is over. asks_after_s: one without media for so long is
    asked after, where its client can be asked; 0: never.
    """

    silent_s: float = 900.0
    asks_after_s: float = 0.0


class Silences:
    """Looks after the calls of a table."""

    def __init__(
        self,
        table: CallTable,
        patience: Patience,
        clients: Clients | None,
        changed: Callable[[OpenCall], None],
        log: Log,
    ) -> None:
        """changed: a call is to be shown anew."""
        self._table = table
        self._silent_ns = round(patience.silent_s * 1e9)
        self._asks_after_ns = round(patience.asks_after_s * 1e9)
        self._clients = clients
        self._changed = changed
        self._log = log
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._asking: set[str] = set()

    async def watch(self, foremen: Sequence[Foreman], look: Callable[[], None]) -> None:
        """Look again and again until cancelled; look: is called each time."""
        pause_s = min(_LOOK_S, self._asks_after_ns / 4e9 or _LOOK_S)
        async with asyncio.TaskGroup() as tasks:
            while True:
                await asyncio.sleep(pause_s)
                look()
                if not await self._listen(foremen):
                    continue
                for call in self._going():
                    self._judge(call)
                    if self._is_to_be_asked_after(call):
                        self._asking.add(call.id)
                        tasks.create_task(self._ask_after(call))

    def _going(self) -> list[OpenCall]:
        return [call for call in self._table.calls.values() if not call.dialog.is_over]

    async def _listen(self, foremen: Sequence[Foreman]) -> bool:
        """Note when media came last of the calls that are not known to be heard; whether all workers could say."""
        before_ns = now_ns() - min(_SHOWN_NS, self._asks_after_ns // 2 or _SHOWN_NS)
        unknown = [call for call in self._going() if call.heard_ns < before_ns]
        ends = [(call, endpoint) for call in unknown for endpoint in self._own_endpoints(call)]
        if not ends:
            return True
        places = write_places(self._table.endpoints, (endpoint for _, endpoint in ends))
        for foreman in [each for each in foremen if not each.is_gone]:
            try:
                told = (await foreman.ask("lasts", places=places)).facts
            except WorkerAway:
                return False
            if told["waits"]:
                return False
            for (call, _), last_ns in zip(ends, told["last_ns"], strict=True):
                # Nothing is older than the call: another one may have had the port before.
                call.heard_ns = max(call.heard_ns, last_ns if last_ns >= call.dialog.first_ns else 0)
        return True

    def _own_endpoints(self, call: OpenCall) -> list[int]:
        """Where media of a call comes; what another call has taken since the last message is no sign of this one."""
        claims, said_ns = self._table.signalling.claims, call.dialog.said_ns
        return [
            each.endpoint
            for each in call.dialog.listenings
            if not said_ns < claims.taken_ns(each.endpoint, call.id, each.since_ns) < now_ns()
        ]

    def _judge(self, call: OpenCall) -> None:
        """Show since when a call is silent; end one that was silent for too long."""
        since_ns = max(call.heard_ns, call.began_ns)
        is_silent = call.state in _HEARD and self._means_to_send(call) and since_ns < now_ns() - _SHOWN_NS
        shown, call.silent_since_ns = call.silent_since_ns, since_ns if is_silent else 0
        if shown != call.silent_since_ns:
            self._changed(call)
        if max(call.last_sign_ns, call.asked_ns) < now_ns() - self._silent_ns:
            self._log.info("call.given_up", call_id=call.id)
            self._table.give_up(call, call.last_sign_ns)

    def _is_to_be_asked_after(self, call: OpenCall) -> bool:
        if not self._asks_after_ns or self._clients is None or call.id in self._asking or call.dialog.is_over:
            return False
        is_expected = call.state in _HEARD and self._means_to_send(call)
        patience_ns = self._asks_after_ns * (1 if is_expected else _SELDOM)
        return max(call.heard_ns, call.began_ns, call.asked_ns) < now_ns() - patience_ns

    def _means_to_send(self, call: OpenCall) -> bool:
        return self._clients is None or self._clients.means_to_send(call.id)

    async def _ask_after(self, call: OpenCall) -> None:
        """Ask the client of a call, and end it where nobody knows of it any more."""
        assert self._clients is not None
        try:
            async with self._room:
                is_known = await self._clients.ask_after(call.id)
            if is_known:
                call.asked_ns = now_ns()
            elif not call.dialog.is_over:
                self._log.warning("call.lost", call_id=call.id)
                self._table.lose(call)
                self._clients.let_go(call.id)
        finally:
            self._asking.discard(call.id)
