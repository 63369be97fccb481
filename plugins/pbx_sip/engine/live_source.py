"""What devices have in common whose calls can be steered and heard while they go on."""

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol, TypeVar

from hub.sdk import CallControl, ControlResult, Controls, Listens, NotFound, Source, WindsUp
from plugins.pbx_sip.engine.manning import start_missing
from plugins.pbx_sip.engine.settings import LiveSettings

if TYPE_CHECKING:
    from plugins.pbx_sip.engine.engine import Engine


_WIND_UP_S = 8.0  # of the 10 s that a device has
S = TypeVar("S", bound=LiveSettings)


class AtWork(Protocol):
    """A device that records."""

    engine: "Engine"

    async def run(self) -> None:
        """Record until cancelled."""

    async def control(self, call: str, action: CallControl, resume_after_s: float | None) -> ControlResult:
        """Do what somebody asks for. Raises: NotFound."""
        ...

    async def wind_up(self) -> None:
        """Capture nothing more, end the calls and hand over their recordings."""


class LiveSource(Source[S], Controls, Listens, WindsUp):
    """A source whose `_begin` gives what is at work."""

    _work: AtWork | None = None

    @abstractmethod
    def _begin(self) -> AtWork:
        """Make what records, by the settings."""

    async def run(self) -> None:
        """Record until cancelled."""
        start_missing(self.ctx.scratch / "engine")  # at once, and not when all is there that `_begin` needs
        self._work = self._begin()
        await self._work.run()

    async def wind_up(self) -> None:
        """End the calls and hand over their recordings; what there is no time for is made at the next start."""
        if self._work is not None:
            with suppress(TimeoutError):
                async with asyncio.timeout(_WIND_UP_S):
                    await self._work.wind_up()

    async def control(self, call: str, action: CallControl, *, resume_after_s: float | None = None) -> ControlResult:
        """Pause, resume, stop, keep or discard a call. Raises: NotFound."""
        return await self._at_work().control(call, action, resume_after_s)

    def listen(self, call: str) -> AsyncIterator[bytes]:
        """The sound of a call. Raises: NotFound."""
        return self._at_work().engine.listen(call)

    def _at_work(self) -> AtWork:
        if self._work is None:
            raise NotFound("No call is being recorded yet.")
        return self._work
