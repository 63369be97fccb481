"""An office with a telephone system of its own, whose traffic a mirror port shows."""

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import pytest

from tests.doubles.audio import PCM, speech, tone, wav
from tests.doubles.baresip import Baresip, telephone
from tests.doubles.mirror_port import MirrorPort, mirror_port, once
from tests.doubles.network import NetworkPair, network_pair
from tests.doubles.sip_proxy import border, media_relay, registrar
from tests.unit.plugins.pbx_sip.mirror.mirroring import Samples

PITCHES_HZ = {"201": 440, "305": 620, "306": 850, "307": 1010}
_OVER_TCP = ("306", "307")
_SAID_S = 30.0


@dataclass
class Office:
    """Telephones that are registered. border: where a call gets a new Call-ID. said: by number."""

    pair: NetworkPair
    telephones: dict[str, Baresip]
    border: str
    said: dict[str, Samples]
    port: MirrorPort

    async def begin(self, caller: str, called: str, by: str = "") -> None:
        """A call, by a way of its own if there is one; 307 wants to be told to answer."""
        one, other = self.telephones[caller], self.telephones[called]
        for each in (one, other):
            await each.register()
            each.events.clear()
        self.port.seen.clear()
        await one.dial(f"sip:{called}@{by}" if by else called)
        if called == "307":
            await other.wait_for("CALL_INCOMING")
            await other.command("accept")
        for each in (one, other):
            await each.wait_for("CALL_ESTABLISHED")

    async def end(self, caller: str, called: str) -> None:
        """The caller hangs up."""
        await self.telephones[caller].command("hangup")
        await self.telephones[called].wait_for("CALL_CLOSED")

    async def talk(self, caller: str, called: str, length_s: float, by: str = "") -> None:
        """A whole call."""
        await self.begin(caller, called, by)
        await asyncio.sleep(length_s)
        await self.end(caller, called)


@pytest.fixture(scope="package")
def _system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    with ExitStack() as stack:
        pair = stack.enter_context(network_pair())
        stack.enter_context(media_relay(pair, folder))
        place = stack.enter_context(registrar(pair, folder))
        before = stack.enter_context(border(pair, folder, place))
        said, telephones = {}, {}
        for row, (number, pitch_hz) in enumerate(PITCHES_HZ.items(), 11):
            samples = (tone(_SAID_S, pitch_hz) / 2 + speech(_SAID_S, seed=row) / 4).astype(np.int16)
            said[number] = samples[:, 0].astype(float)
            file = folder / f"{number}.wav"
            file.write_bytes(wav(samples, PCM))
            telephones[number] = stack.enter_context(
                telephone(
                    pair,
                    number,
                    f"198.51.100.{row}",
                    file,
                    registrar=place,
                    transport="tcp" if number in _OVER_TCP else "udp",
                    answers=number != "307",
                )
            )
        port = stack.enter_context(mirror_port(pair))
        yield Office(pair, telephones, before, said, port)


@pytest.fixture
def office(_system: Office) -> Iterator[Office]:
    """The office, with the test where its mirror port ends."""
    _system.port.wrap = once
    with _system.pair.at_lan():
        yield _system
