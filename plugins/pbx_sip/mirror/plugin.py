"""SIP mirror: calls of any SIP telephone system, recorded from a copy of its network traffic."""

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
from plugins.pbx_sip.mirror.settings import MirrorSettings

if TYPE_CHECKING:
    from plugins.pbx_sip.mirror.mirror import Mirror


class SipMirror(Source[MirrorSettings], Controls, Listens):
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

    _mirror: "Mirror | None" = None

    def check(self) -> Health:
        """Open the ring for a moment."""
        from plugins.pbx_sip.mirror.mirror import try_interface  # noqa: PLC0415 - numpy comes with it

        try_interface(self.settings)
        return Health(HealthState.OK, f"The traffic on {self.settings.interface} can be read.")

    async def run(self) -> None:
        """Record until cancelled."""
        from plugins.pbx_sip.mirror.mirror import Mirror  # noqa: PLC0415 - numpy and codecs come with it

        self._mirror = Mirror(self.settings, self.ctx)
        await self._mirror.run()

    async def control(self, call: str, action: CallControl, *, resume_after_s: float | None = None) -> ControlResult:
        """Pause, resume, stop, keep or discard a call. Raises: NotFound."""
        return await self._running().engine.control(call, action, resume_after_s)

    def listen(self, call: str) -> AsyncIterator[bytes]:
        """The sound of a call. Raises: NotFound."""
        return self._running().engine.listen(call)

    def _running(self) -> "Mirror":
        if self._mirror is None:
            raise NotFound("No call is being recorded yet.")
        return self._mirror
