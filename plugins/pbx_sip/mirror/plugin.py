"""SIP mirror: calls of any SIP telephone system, recorded from a copy of its network traffic."""

from typing import TYPE_CHECKING, ClassVar

from hub.sdk import Health, HealthState, Kind, PluginInfo
from plugins.pbx_sip.engine.live_source import LiveSource
from plugins.pbx_sip.mirror.settings import MirrorSettings

if TYPE_CHECKING:
    from plugins.pbx_sip.mirror.mirror import Mirror


class SipMirror(LiveSource[MirrorSettings]):
    """One interface on which mirrored traffic arrives."""

    info: ClassVar[PluginInfo] = PluginInfo(
        name="sip_mirror",
        kind=Kind.SOURCE,
        title="SIP mirror port",
        summary="Calls of any SIP telephone system, recorded from a mirror port of its network",
        settings=MirrorSettings,
        docs_url="docs/plugins/pbx_sip.md",
        icon="phone",
    )

    def check(self) -> Health:
        """Open the ring for a moment."""
        from plugins.pbx_sip.mirror.mirror import try_interface  # noqa: PLC0415 - numpy comes with it

        try_interface(self.settings)
        return Health(HealthState.OK, f"The traffic on {self.settings.interface} can be read.")

    def _begin(self) -> "Mirror":
        from plugins.pbx_sip.mirror.mirror import Mirror  # noqa: PLC0415 - numpy and codecs come with it

        return Mirror(self.settings, self.ctx)
