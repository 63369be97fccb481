"""The supervisor's list of the calls that go on, and its way to the database, which may be away for a while."""

import asyncio
from collections.abc import Mapping

import structlog

from hub import ids
from hub.catalog import live_calls
from hub.catalog.live_calls import LiveChange
from hub.db.database import Database
from hub.errors import HubError
from hub.runtime.live.wire import MOST_CALLS
from hub.sdk import LiveCall

_TOGETHER_S = 0.2
_APART_S = 0.6
_AWAY_S = 2.0
_log = structlog.get_logger(__name__)


class LiveBoard:
    """Takes news from the event loop and has them written in a thread; nothing waits for the database.

    What waits is no more than what is listed or was written: only the newest word on each call is kept.
    """

    def __init__(self, db: Database) -> None:
        self._db = db
        self._begun = False
        self._ids: dict[int, dict[str, int]] = {}
        self._refs: dict[int, str] = {}
        self._written: dict[int, int] = {}
        self._waiting: dict[int, LiveChange] = {}
        self._cleared: set[int] = set()
        self._news = asyncio.Event()
        self._news.set()  # what an earlier supervisor left behind is taken off first

    def note(self, instance_id: int, changes: Mapping[str, LiveCall | None]) -> None:
        """What a source says of its calls, by its own names for them; None: it is off the list."""
        listed = self._ids.setdefault(instance_id, {})
        for ref, call in changes.items():
            if call is None:
                self._drop(instance_id, ref)
            elif ref in listed or len(listed) < MOST_CALLS:
                number = listed.get(ref) or self._fresh_id()
                listed[ref], self._refs[number] = number, ref
                self._waiting[number] = LiveChange(id=number, instance_id=instance_id, call=call)
        self._news.set()

    def clear(self, instance_id: int) -> None:
        """The process of a source ended: none of its calls is known any more."""
        for number in self._ids.pop(instance_id, {}).values():
            del self._refs[number]
        self._waiting = {number: news for number, news in self._waiting.items() if news.instance_id != instance_id}
        self._written = {number: owner for number, owner in self._written.items() if owner != instance_id}
        self._cleared.add(instance_id)
        self._news.set()

    def ref_of(self, live_id: int) -> str | None:
        """What its source calls the call with the hub's id, None if it is over."""
        return self._refs.get(live_id)

    async def run(self) -> None:
        """Write until cancelled, and what is left then."""
        try:
            while True:
                await self._news.wait()
                await asyncio.sleep(_TOGETHER_S)
                self._news.clear()
                if await self._flush():
                    await asyncio.sleep(_APART_S)
                else:
                    self._news.set()
                    await asyncio.sleep(_AWAY_S)
        finally:
            await self._flush()

    def _drop(self, instance_id: int, ref: str) -> None:
        number = self._ids[instance_id].pop(ref, None)
        if number is None:
            return
        del self._refs[number]
        if number in self._written:
            self._waiting[number] = LiveChange(id=number, instance_id=instance_id, call=None)
        else:
            self._waiting.pop(number, None)

    def _fresh_id(self) -> int:
        """Thousands of calls may come in one millisecond: more than chance tells apart."""
        while (number := ids.new_id()) in self._refs or number in self._written:
            continue
        return number

    async def _flush(self) -> bool:
        """Whether the database took what there was."""
        if self._begun and not self._waiting and not self._cleared:
            return True
        batch, self._waiting = self._waiting, {}
        cleared, self._cleared = self._cleared, set()
        self._written |= {number: change.instance_id for number, change in batch.items()}
        try:
            await asyncio.to_thread(self._write, cleared, list(batch.values()), begins=not self._begun)
        except HubError as exc:
            _log.warning("live.not_written", reason=str(exc), calls=len(batch))
            older = {number: change for number, change in batch.items() if change.instance_id not in self._cleared}
            self._waiting = older | self._waiting
            self._cleared |= cleared
            return False
        except Exception:  # noqa: BLE001 - news that cannot be written must not stop those that come after
            _log.exception("live.dropped", calls=len(batch))
            return True
        self._begun = True
        for number, change in batch.items():
            if change.call is None:
                self._written.pop(number, None)
        return True

    def _write(self, cleared: set[int], changes: list[LiveChange], *, begins: bool) -> None:
        with self._db.write() as session:
            if begins:
                live_calls.clear(session)
            live_calls.write(session, cleared, changes)
