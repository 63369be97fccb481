"""Calls between real telephones over a real proxy and a real media relay, seen on both hops by a mirror."""

import asyncio
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from hub.sdk import Direction
from tests.doubles.audio import PCM, speech, tone, wav
from tests.doubles.baresip import Baresip, telephone
from tests.doubles.mirror_port import Seen, mirror_port
from tests.doubles.network import NetworkPair, network_pair
from tests.doubles.sip_proxy import media_relay, proxy
from tests.unit.plugins.pbx_sip.mirror.mirroring import (
    Samples,
    channels,
    likeness,
    mirror,
    pitch_hz,
    recordings,
    talked_s,
)

pytestmark = pytest.mark.xdist_group("engine")
HOSTS = {"201": "198.51.100.11", "305": "198.51.100.12", "306": "198.51.100.13"}
PITCHES_HZ = {"201": 440, "305": 620, "306": 850}
MIRRORED = "span0"


@dataclass
class Office:
    """Telephones that are registered with one proxy. said: by number. seen: all that passed the proxy so far."""

    pair: NetworkPair
    telephones: dict[str, Baresip]
    said: dict[str, Samples]
    seen: list[Seen]

    async def talk(self, caller: str, called: str, length_s: float) -> None:
        """A call that its caller ends."""
        await self.begin(caller, called)
        await asyncio.sleep(length_s)
        await self.end(caller, called)

    async def begin(self, caller: str, called: str) -> None:
        self.seen.clear()
        for each in (caller, called):
            await self.telephones[each].register()
        self.telephones[called].events.clear()
        await self.telephones[caller].dial(called)
        for each in (caller, called):
            await self.telephones[each].wait_for("CALL_ESTABLISHED")

    async def end(self, caller: str, called: str) -> None:
        await self.telephones[caller].command("hangup")
        await self.telephones[called].wait_for("CALL_CLOSED")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    said, files = {}, {}
    for number, pitch_hz_ in PITCHES_HZ.items():
        samples = (tone(30.0, pitch_hz_) / 2 + speech(30.0, seed=int(number)) / 4).astype(np.int16)
        said[number] = samples[:, 0].astype(float)
        files[number] = folder / f"{number}.wav"
        files[number].write_bytes(wav(samples, PCM))
    with network_pair() as pair, media_relay(pair, folder), proxy(pair, folder) as (host, port):
        registrar = f"{host}:{port}"
        with (
            telephone(pair, "201", HOSTS["201"], files["201"], registrar=registrar) as one,
            telephone(pair, "305", HOSTS["305"], files["305"], registrar=registrar) as other,
            mirror_port(pair, {MIRRORED: lambda frame: [frame]}) as seen,
        ):
            yield Office(pair, {"201": one, "305": other}, said, seen)


def test_a_call_that_is_seen_on_both_hops_is_one_recording_with_each_party_in_its_channel(
    office: Office, tmp_path: Path
) -> None:
    async def run() -> None:
        async with mirror(tmp_path, MIRRORED) as ctx:
            await office.talk("201", "305", 3.0)
            [draft] = await recordings(ctx)
        sounds = channels(ctx, draft)
        assert {number: pitch_hz(sound) for number, sound in sounds.items()} == {"201": 440, "305": 620}
        for number, sound in sounds.items():
            assert likeness(sound, office.said[number]) > 0.97
        talked = talked_s(office.seen)
        assert abs(draft.duration_s - talked) < 0.02
        assert abs(len(sounds["201"]) / 8000 - talked) < 0.02
        assert draft.direction is Direction.INTERNAL
        assert draft.fields["caller_loss_percent"] == draft.fields["called_loss_percent"] == "0.00"
        print(draft)

    with office.pair.at_lan():
        asyncio.run(run())
