"""A Voicemail Pro's hand-off folder and the hub beside it."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from plugins.ipoffice.plugin import IPOffice
from plugins.ipoffice.settings import IPOfficeSettings
from tests.doubles import vrl_files
from tests.doubles.source_context import SourceContext, running, until


class Site:
    """A Voicemail Pro's hand-off folder and the hub beside it."""

    def __init__(self, tmp_path: Path, **settings: Any) -> None:
        self.folder = tmp_path / "vrl"
        self.folder.mkdir(exist_ok=True)
        self.outside = tmp_path / "outside"
        self.outside.mkdir(exist_ok=True)
        self.ctx = SourceContext(tmp_path)
        self.settings = IPOfficeSettings.model_validate(
            {"folder": str(self.folder), "settle_age_s": 1.0, "poll_s": 0.5, **settings}
        )

    def plugin(self) -> IPOffice:
        return IPOffice(self.settings, self.ctx)

    def put(self, name: str, data: bytes | None = None, *, old: bool = False) -> Path:
        """Rename a finished file into the folder."""
        part = self.outside / "part"
        part.write_bytes(vrl_files.wave(os.fsencode(name) * 20) if data is None else data)
        if old:
            os.utime(part, (1_700_000_000, 1_700_000_000))
        return part.rename(self.folder / name)

    def left(self) -> list[str]:
        """Names of the files that still lie in the folder, the work folder included."""
        return sorted(name for _, _, names in os.walk(self.folder) for name in names)

    def run(self, act: Callable[[], Awaitable[None]]) -> None:
        """Run the device while `act` does something."""

        async def both() -> None:
            async with running(self.plugin()):
                await until(lambda: any("watched" in h.summary or "polled" in h.summary for h in self.ctx.health))
                await act()

        asyncio.run(both())
