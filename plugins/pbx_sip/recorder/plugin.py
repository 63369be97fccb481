"""SIP recorder: telephone systems and border controllers send it the calls that are to be recorded."""

from typing import TYPE_CHECKING, ClassVar

from hub.sdk import Health, HealthState, Kind, PluginInfo
from plugins.pbx_sip.engine.live_source import LiveSource
from plugins.pbx_sip.recorder.settings import RecorderSettings

if TYPE_CHECKING:
    from plugins.pbx_sip.recorder.recorder import Recorder


class SipRecorder(LiveSource[RecorderSettings]):
    """One recorder that telephone systems call."""

    info: ClassVar[PluginInfo] = PluginInfo(
        name="sip_recorder",
        kind=Kind.SOURCE,
        title="SIP recorder (SIPREC)",
        summary="Recording sessions that a PBX or SBC sends: SIPREC, Cisco network-based and built-in-bridge forks",
        settings=RecorderSettings,
        docs_url="docs/plugins/pbx_sip.md",
        icon="phone",
    )

    def check(self) -> Health:
        """Look whether address, ports, certificate and interface can be used."""
        from plugins.pbx_sip.recorder.trial import try_settings  # noqa: PLC0415 - numpy comes with it

        return Health(HealthState.OK, try_settings(self.settings))

    def _begin(self) -> "Recorder":
        from plugins.pbx_sip.recorder.recorder import Recorder  # noqa: PLC0415 - numpy and codecs come with it

        return Recorder(self.settings, self.ctx)
