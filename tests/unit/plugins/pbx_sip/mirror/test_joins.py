"""What is heard where the sound of a party goes on from elsewhere: no click."""

import asyncio
import math
import socket
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest

from tests.doubles.network import network_pair
from tests.doubles.rtp_stream import Sender, cut
from tests.doubles.talk import Phone, Talk, tone
from tests.unit.plugins.pbx_sip.mirror.mirroring import RATE_HZ, channels, mirror, recordings

PITCH_HZ, AMPLITUDE = 440, 8000
SENT = cut(tone(PITCH_HZ, 3.0, AMPLITUDE))
STEP_MAX = 2 * AMPLITUDE * math.sin(math.pi * PITCH_HZ / RATE_HZ)


@pytest.fixture(autouse=True)
def own_network() -> Iterator[None]:
    """A loopback that nobody else uses."""
    with network_pair() as pair, pair.at_lan():
        yield


async def play(source: Phone, target: Phone, sent: Sequence[tuple[int, bytes]], since_s: float) -> None:
    """Send in true time to where the other one wants it just then."""
    clock = asyncio.get_running_loop().time
    for at_ns, packet in sent:
        await asyncio.sleep(max(since_s + at_ns / 1e9 - clock(), 0))
        source.media.sendto(packet, (target.host, target.media_port))


async def move(talk: Talk, at_s: float) -> None:
    """The caller wants its media elsewhere from a moment on, and sends from there."""
    await asyncio.sleep(at_s - asyncio.get_running_loop().time())
    with talk.caller.media:
        talk.caller.media = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        talk.caller.media.bind((talk.caller.host, 0))
    uri = f"sip:{talk.called.number}@{talk.called.host}"
    talk.signal(f"INVITE {uri} SIP/2.0", 2, "INVITE", talk.caller.describe())
    talk.signal("SIP/2.0 200 OK", 2, "INVITE", talk.called.describe())
    talk.signal(f"ACK {uri} SIP/2.0", 2, "ACK")


def test_a_tone_goes_on_without_a_click_where_its_sender_or_its_way_changes(tmp_path: Path) -> None:
    async def run() -> None:
        half = len(SENT) // 2
        before = Sender(ssrc=1).send(SENT[:half])
        anew = Sender(ssrc=2, sequence=7, timestamp=99, at_s=before.at_s + 0.015).send(SENT[half:])
        steady = Sender(ssrc=3).send(SENT)
        async with mirror(tmp_path, "lo") as ctx:
            with Talk(Phone("127.0.0.2", "201"), Phone("127.0.0.3", "305")) as talk:
                talk.begin()
                began_s = asyncio.get_running_loop().time() + 0.1
                await asyncio.gather(
                    play(talk.caller, talk.called, before.sent + anew.sent, began_s),
                    play(talk.called, talk.caller, steady.sent, began_s),
                    move(talk, began_s + before.at_s),
                )
                talk.end()
            [draft] = await recordings(ctx)
        for sound in channels(ctx, draft).values():
            assert len(sound) == pytest.approx(3.0 * RATE_HZ, abs=0.04 * RATE_HZ)
            told = sound[: len(SENT) * 160 - 320]
            assert np.abs(np.diff(told)).max() <= 2 * STEP_MAX

    asyncio.run(run())
