"""Avaya IP Office: recordings that Voicemail Pro leaves in its hand-off folder, and what the PBX says of the calls."""

import asyncio
from collections.abc import Coroutine, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from hub.sdk import Demonstrates, Health, Kind, PluginInfo, Source
from plugins.ipoffice.failures import first_error
from plugins.ipoffice.memory import LazyWriter
from plugins.ipoffice.porter import REFUSED_KEY
from plugins.ipoffice.running import note_running
from plugins.ipoffice.settings import IPOfficeSettings
from plugins.ipoffice.status import Statuses
from plugins.ipoffice.threads import Threads
from plugins.ipoffice.ways_in import FETCH, FOLDER, PUSH

if TYPE_CHECKING:
    from plugins.ipoffice.assembly import Parts


class IPOffice(Source[IPOfficeSettings], Demonstrates):
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
        """Look at the folder, the ports and the servers of the settings, and change nothing."""
        from plugins.ipoffice.checking.device import check_device  # noqa: PLC0415 - a running device does without it

        return check_device(self.settings, self.ctx)

    @classmethod
    def demo_settings(cls, folder: Path) -> dict[str, Any]:
        """Settings of a device that takes in the calls of the demonstration."""
        from plugins.ipoffice.demo.playing import demo_settings  # noqa: PLC0415 - it brings codecs along

        return demo_settings(folder)

    @classmethod
    def play_demo(cls, folder: Path) -> Iterator[str]:
        """Speak calls in several languages and leave them in `folder`, as Voicemail Pro would."""
        from plugins.ipoffice.demo.playing import play_demo  # noqa: PLC0415 - it brings codecs along

        return play_demo(folder)

    async def run(self) -> None:
        """Take in recordings and call details until cancelled."""
        threads = Threads(self.settings.in_flight + 4)
        try:
            await self._run_parts(threads)
        except BaseExceptionGroup as group:
            raise first_error(group) from group
        finally:
            threads.close()

    async def _run_parts(self, threads: Threads) -> None:
        from plugins.ipoffice.assembly import Parts  # noqa: PLC0415 - it watches folders with a library of its own

        note_running(self.ctx.state)
        self.ctx.clear_alarm(REFUSED_KEY)  # what was refused is tried again by every run
        statuses = Statuses(self.ctx.report)
        writer = LazyWriter(self.ctx.state)
        parts = Parts(self.settings, self.ctx, statuses, threads, writer)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(writer.run())
            if self.settings.topology in FOLDER:
                tasks.create_task(parts.folder_door().run())
            if self.settings.topology in PUSH + FETCH:
                for runner in _sftp_runners(parts):
                    tasks.create_task(runner)
            if self.settings.smdr != "off":
                tasks.create_task(parts.smdr().run())
            tasks.create_task(statuses.run())


def _sftp_runners(parts: "Parts") -> list[Coroutine[Any, Any, None]]:
    """What runs for the ways in by SFTP."""
    from plugins.ipoffice.sftp import make_fetching, make_landing  # noqa: PLC0415 - SSH is a large library

    runners = []
    if parts.settings.topology in PUSH:
        server, doors = make_landing(parts)
        runners += [server.run(), *(door.run() for door in doors)]
    if parts.settings.topology in FETCH:
        fetcher, door = make_fetching(parts)
        runners += [fetcher.run(), door.run()]
    return runners
