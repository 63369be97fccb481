"""A mirror at work."""

import asyncio

from hub.sdk import CallControl, ControlResult, PluginContext
from plugins.pbx_sip.capture.expressions import compile_expression
from plugins.pbx_sip.capture.interfaces import find_interface
from plugins.pbx_sip.capture.ring import PacketRing
from plugins.pbx_sip.engine.engine import Engine, Terms
from plugins.pbx_sip.engine.order import Order
from plugins.pbx_sip.engine.state import describe
from plugins.pbx_sip.mirror.settings import MirrorSettings

_REPORT_S = 1.0


class Mirror:
    """The engine of one mirror, and what it says of itself."""

    def __init__(self, settings: MirrorSettings, ctx: PluginContext) -> None:
        self._ctx = ctx
        order = Order(
            interface=settings.interface,
            expression=settings.expression,
            sip_ports=tuple(int(port) for port in settings.sip_ports),
            key_log=str(settings.tls_key_log or ""),
        )
        self.engine = Engine(
            ctx,
            Terms(
                habits=settings.habits(joins_hops=True),
                orders=(order,) * settings.workers,
                takes_strays=settings.unsignalled == "take",
            ),
        )

    async def run(self) -> None:
        """Record until cancelled."""
        self.engine.prepare()
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.engine.run())
                tasks.create_task(self._report())
        finally:
            self.engine.close()

    async def control(self, call: str, action: CallControl, resume_after_s: float | None) -> ControlResult:
        """Do what somebody asks for. Raises: NotFound."""
        return await self.engine.control(call, action, resume_after_s)

    async def wind_up(self) -> None:
        """Read no more of the traffic, and hand over what was recorded."""
        await self.engine.wind_up()

    async def _report(self) -> None:
        while True:
            self._ctx.report(describe(self.engine))
            await asyncio.sleep(_REPORT_S)


def try_interface(settings: MirrorSettings) -> None:
    """Open a ring for a moment. Raises: CaptureDenied, NoInterface, BadExpression."""
    link_type = find_interface(settings.interface).link_type
    program = compile_expression(settings.expression, link_type) if settings.expression else None
    PacketRing(settings.interface, program=program, blocks=2).close()
