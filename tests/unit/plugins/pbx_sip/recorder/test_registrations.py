"""Registrations that are kept over a restart."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from hub.sdk import HealthState
from hub.testing import FakeContext
from plugins.pbx_sip.recorder.hooks import Sign
from plugins.pbx_sip.recorder.registrations import RegistrationMemory
from plugins.pbx_sip.recorder.server import SipServer
from tests.unit.plugins.pbx_sip.engine.live_devices import SIP, own_network, recorder, running, until
from tests.unit.plugins.pbx_sip.recorder.recorder_doubles import TWO, Caller, Owner, calling, make_terms, run
from tests.unit.plugins.pbx_sip.recorder.test_refusals import NOBODY, prove, register

__all__ = ["own_network"]


def test_a_registration_holds_over_a_restart_as_long_as_its_secret_does(tmp_path: Path) -> None:
    state = FakeContext(tmp_path).state

    @asynccontextmanager
    async def life(secret: str, owner: Owner) -> AsyncIterator[tuple[SipServer, Caller]]:
        secrets = {"F18": secret}
        terms = make_terms(allowed=NOBODY, secrets=secrets, serial_number="F18")
        memory = RegistrationMemory(state, secrets)
        server = SipServer(terms, owner)
        server.recall(memory.read())
        await server.start()
        try:
            async with calling(server.ports[0]) as caller:
                yield server, caller
        finally:
            memory.write(server.registrations)
            await server.close()

    async def act() -> None:
        owner = Owner()
        async with life("sesame", owner) as (_, caller):
            assert await prove(caller, register(caller, "F18", "Expires: 600"), "F18", "sesame") == 200
        async with life("sesame", owner) as (_, caller):
            remembered = owner.presences[-1]
            assert (remembered.sign, remembered.peer.host) == (Sign.REMEMBERED, "127.0.0.1")
            assert 500 < remembered.expires_s <= 600
            assert (await caller.invite(TWO)).status == 200
            assert (await caller.send("BYE")).status == 200
        async with life("another", owner) as (server, caller):
            assert server.registrations == []
            assert (await caller.invite(TWO)).status == 401

    run(act)


@pytest.mark.usefixtures("own_network")
def test_the_lamp_stays_green_when_the_process_of_a_device_is_followed_by_another(tmp_path: Path) -> None:
    async def act() -> None:
        settings = {"allowed_peers": (), "serial_number": "F18", "secret": "sesame", "silence_s": 3600.0}
        device, ctx = recorder(tmp_path, **settings)
        task = asyncio.create_task(device.run())
        await until(lambda: ctx.health and ctx.health[-1].state is HealthState.DEGRADED, "the device")
        async with calling(SIP) as caller:
            caller.call_id = "register-1"
            assert await prove(caller, register(caller, "F18"), "F18", "sesame") == 200
        await until(lambda: ctx.state.get("registrations"), "what is kept")
        task.cancel()
        await asyncio.wait([task])
        again, _ = recorder(tmp_path, **settings)
        again.ctx = ctx
        async with running(again, ctx):
            assert "127.0.0.1 is there." in ctx.health[-1].summary
        other, _ = recorder(tmp_path, **settings | {"secret": "another"})
        other.ctx = ctx
        ctx.health.clear()
        task = asyncio.create_task(other.run())
        await until(lambda: ctx.health and "F18 is not registered" in ctx.health[-1].summary, "the device")
        other._at_work().engine.stop_workers()
        task.cancel()
        await asyncio.wait([task])

    run(act)
