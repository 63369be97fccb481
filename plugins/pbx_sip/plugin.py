"""SIP capture: calls of any SIP telephone system, put together from the packets on its network."""

import os
from typing import ClassVar

from hub.sdk import Health, HealthState, Kind, PluginInfo, SettingsError, Source
from plugins.pbx_sip.settings import SipCaptureSettings


class SipCapture(Source[SipCaptureSettings]):
    """Captures of one telephone system."""

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
        from plugins.pbx_sip.importing import find_captures  # noqa: PLC0415 - numpy comes with it

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
        count = sum(1 for _ in find_captures(folder))
        return Health(HealthState.OK, f"{count} captures lie in {folder}", numbers={"captures": float(count)})

    async def run(self) -> None:
        """Import captures until cancelled."""
        from plugins.pbx_sip.importing import CaptureFolder  # noqa: PLC0415 - numpy and codecs come with it

        await CaptureFolder(self.settings, self.ctx).run()
