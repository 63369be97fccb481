"""Avaya IP Office: recordings that Voicemail Pro leaves in its hand-off folder, and what the PBX says of the calls."""

import asyncio
from typing import ClassVar

from hub.sdk import Health, HealthState, Kind, PluginInfo, Source
from plugins.ipoffice.assembly import Parts
from plugins.ipoffice.memory import LazyWriter
from plugins.ipoffice.settings import IPOfficeSettings
from plugins.ipoffice.status import Statuses
from plugins.ipoffice.threads import Threads
from plugins.ipoffice.ways_in import FOLDER


class IPOffice(Source[IPOfficeSettings]):
    """One Voicemail Pro and the IP Office behind it."""

    info: ClassVar[PluginInfo] = PluginInfo(
        name="ipoffice",
        kind=Kind.SOURCE,
        title="Avaya IP Office",
        summary="Voice Recording Library files of Voicemail Pro, with call details from SMDR",
        settings=IPOfficeSettings,
        docs_url="docs/plugins/ipoffice.md",
        icon="phone",
    )

    def check(self) -> Health:
        """Look at the hand-off folder without changing it."""
        return Health(HealthState.OK)

    async def run(self) -> None:
        """Take in recordings and call details until cancelled."""
        threads = Threads(self.settings.in_flight + 4)
        try:
            await self._run_parts(threads)
        except BaseExceptionGroup as group:
            raise _first(group) from group
        finally:
            threads.close()

    async def _run_parts(self, threads: Threads) -> None:
        statuses = Statuses(self.ctx.report)
        writer = LazyWriter(self.ctx.state)
        parts = Parts(self.settings, self.ctx, statuses, threads, writer)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(writer.run())
            if self.settings.topology in FOLDER:
                tasks.create_task(parts.folder_door().run())
            tasks.create_task(statuses.run())


def _first(group: BaseExceptionGroup[BaseException]) -> BaseException:
    """The error that ended the others: what it says decides whether the hub tries again."""
    error: BaseException = group
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error
