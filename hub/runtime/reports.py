"""The health of instances on its way to the database, which may be away for a while."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress

import structlog

from hub.errors import HubError
from hub.runtime.instance import InstanceHealth

_URGENT_S = 0.1
_QUIET_S = 2.0
_AWAY_S = 2.0
_log = structlog.get_logger(__name__)


class Reports:
    """Takes news from the event loop and has them written in a thread; nothing waits for the database.

    Only the newest report of an instance is kept, so that it stays small however long the database is away.
    """

    def __init__(self, write: Callable[[Mapping[int, InstanceHealth]], None]) -> None:
        """`write` blocks, is all or nothing, and raises HubError while the database is away."""
        self._write = write
        self._waiting: dict[int, InstanceHealth] = {}
        self._urgent = asyncio.Event()

    def note(self, instance_id: int, health: InstanceHealth, *, urgent: bool = True) -> None:
        """How an instance is now; without `urgent` it may wait two seconds."""
        self._waiting[instance_id] = health
        if urgent:
            self._urgent.set()

    async def run(self) -> None:
        """Write until cancelled, and what is left then."""
        try:
            while True:
                with suppress(TimeoutError):
                    async with asyncio.timeout(_QUIET_S):
                        await self._urgent.wait()
                    await asyncio.sleep(_URGENT_S)  # what belongs together comes together
                self._urgent.clear()
                if not await self._flush():
                    await asyncio.sleep(_AWAY_S)
        finally:
            await self._flush()

    async def _flush(self) -> bool:
        """Whether the database took what there was."""
        if not self._waiting:
            return True
        batch, self._waiting = self._waiting, {}
        try:
            await asyncio.to_thread(self._write, batch)
        except HubError as exc:
            _log.warning("health.postponed", reason=str(exc))
        except Exception:  # noqa: BLE001 - news that cannot be written must not stop those that come after
            _log.exception("health.dropped", instances=sorted(batch))
            return True
        else:
            return True
        self._waiting = batch | self._waiting
        return False
