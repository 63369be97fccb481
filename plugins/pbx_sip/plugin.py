"""SIP capture: calls of any SIP telephone system, put together from the packets on its network."""

import asyncio
import os
from pathlib import Path
from typing import ClassVar

from hub.sdk import (
    BadRecording,
    Health,
    HealthState,
    Kind,
    PluginInfo,
    RetryLater,
    SettingsError,
    Source,
    TakesFiles,
)
from plugins.pbx_sip.folder import NAMES, Arrival, find_captures
from plugins.pbx_sip.settings import SipCaptureSettings


class SipCapture(Source[SipCaptureSettings], TakesFiles):
    """Captures of one telephone system."""

    names: ClassVar[tuple[str, ...]] = tuple(f"*{name}" for name in NAMES)

    info: ClassVar[PluginInfo] = PluginInfo(
        name="pbx_sip",
        kind=Kind.SOURCE,
        title="SIP capture files",
        summary="Calls in captures (pcap, pcapng) of any SIP telephone system, each party on a channel of its own",
        settings=SipCaptureSettings,
        docs_url="docs/plugins/pbx_sip.md",
        icon="phone",
    )

    def check(self) -> Health:
        """Look into the folder."""
        folder = self.settings.folder
        if not folder.is_dir():
            hint = f"Make it, and let the hub's user (uid {os.geteuid()}) read it."
            raise SettingsError(f"{folder} is no folder", field="folder", hint=hint)
        wanted = os.R_OK | os.X_OK | (os.W_OK if self.settings.after_import == "delete" else 0)
        if not os.access(folder, wanted):
            text = "read" if self.settings.after_import == "keep" else "read and emptied"
            raise SettingsError(
                f"{folder} cannot be {text}",
                field="folder",
                hint=f"Give it to the hub's user, with uid {os.geteuid()}.",
            )
        keys = self.settings.tls_key_log
        if keys is not None and not os.access(keys, os.R_OK):
            hint = f"Let the hub's user (uid {os.geteuid()}) read it, or leave the setting empty."
            raise SettingsError(f"{keys} cannot be read", field="tls_key_log", hint=hint)
        count = sum(1 for _ in find_captures(folder))
        return Health(HealthState.OK, f"Captures in {folder}: {count}", numbers={"captures": float(count)})

    async def run(self) -> None:
        """Import captures until cancelled."""
        from plugins.pbx_sip.importing import CaptureFolder  # noqa: PLC0415 - numpy and codecs come with it

        await CaptureFolder(self.settings, self.ctx).run()

    async def take_file(self, path: Path, name: str) -> None:
        """Put an uploaded capture into the folder, where it is imported as any other.

        Raises: BadRecording, RetryLater.
        """
        await asyncio.to_thread(self._take_file, path, name)

    def _take_file(self, path: Path, name: str) -> None:
        from plugins.pbx_sip.packets.files import is_capture  # noqa: PLC0415 - numpy comes with it

        try:
            if not is_capture(path):
                raise BadRecording(f"{name} is neither pcap nor pcapng.", hint="Export it as one of these.")
            with Arrival(self.settings.folder, name) as arrival:
                arrival.take_over(path)
                arrival.finish()
        except OSError as exc:
            hint = f"Let the hub's user (uid {os.geteuid()}) write into {self.settings.folder}, and make room there."
            raise RetryLater(f"{name} cannot be put into the capture folder: {exc.strerror}", hint=hint) from exc
