"""Avaya IP Office: recordings that Voicemail Pro leaves in its hand-off folder."""

from typing import ClassVar

from hub.sdk import Health, HealthState, Kind, PluginInfo, Source
from plugins.ipoffice.settings import IPOfficeSettings


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
        """Watch the hand-off folder until cancelled."""
