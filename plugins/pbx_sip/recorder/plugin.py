"""SIP recorder: telephone systems and border controllers send it the calls that are to be recorded."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, ClassVar

from hub.sdk import (
    CallControl,
    ControlResult,
    Controls,
    Health,
    HealthState,
    Kind,
    Listens,
    NotFound,
    PluginInfo,
    Source,
)
from plugins.pbx_sip.recorder.settings import RecorderSettings

if TYPE_CHECKING:
    from plugins.pbx_sip.recorder.recorder import Recorder


class SipRecorder(Source[RecorderSettings], Controls, Listens):
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

    _recorder: "Recorder | None" = None

    def check(self) -> Health:
        """Look whether address, ports, certificate and interface can be used."""
        from plugins.pbx_sip.recorder.trial import try_settings  # noqa: PLC0415 - numpy comes with it

        return Health(HealthState.OK, try_settings(self.settings))

    async def run(self) -> None:
        """Record until cancelled."""
        from plugins.pbx_sip.recorder.recorder import Recorder  # noqa: PLC0415 - numpy and codecs come with it

        self._recorder = Recorder(self.settings, self.ctx)
        await self._recorder.run()

    async def control(self, call: str, action: CallControl, *, resume_after_s: float | None = None) -> ControlResult:
        """Pause, resume, stop, keep or discard a call. Raises: NotFound."""
        return await self._running().control(call, action, resume_after_s)

    def listen(self, call: str) -> AsyncIterator[bytes]:
        """The sound of a call. Raises: NotFound."""
        return self._running().engine.listen(call)

    def _running(self) -> "Recorder":
        if self._recorder is None:
            raise NotFound("No call is being recorded yet.")
        return self._recorder
