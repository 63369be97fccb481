"""Hundreds of recording sessions at once, whose packets hold a fifth of a second each so that one process can send all."""

import asyncio
import random
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import numpy as np

from tests.doubles.recording_client import RecordingClient
from tests.doubles.rtp_stream import Sender

PACKET_S = 0.2
_OCTETS = 1600
_AT_ONCE = 20


class ManyCalls:
    """Sessions that begin, send and end together. Every octet sent is none of silence."""

    def __init__(self, clients: list[RecordingClient]) -> None:
        self.clients = clients
        self.sent_s = 0.0
        self._senders = {
            client.call_id: [Sender(ssrc=random.randrange(1 << 32), ptime_s=PACKET_S) for _ in client.media]
            for client in clients
        }
        noise = np.random.default_rng(7).integers(0, 0x70, _OCTETS, np.uint8)
        self._payload = noise.tobytes()

    async def begin(self) -> None:
        """INVITE for all of them, some at a time."""
        room = asyncio.Semaphore(_AT_ONCE)

        async def begin(client: RecordingClient) -> None:
            async with room:
                answer = await client.begin()
                assert answer.startswith("SIP/2.0 200"), answer

        await asyncio.gather(*map(begin, self.clients))

    async def talk(self, length_s: float) -> None:
        """All streams of all sessions send, in true time."""
        over = asyncio.Event()
        asyncio.get_running_loop().call_later(length_s - PACKET_S / 2, over.set)
        await self.talk_until(over)

    async def talk_until(self, over: asyncio.Event) -> None:
        """The same until something happened."""
        loop = asyncio.get_running_loop()
        next_s = loop.time()
        while not over.is_set():
            await asyncio.sleep(max(next_s - loop.time(), 0))
            next_s += PACKET_S
            self.sent_s += PACKET_S
            for client in self.clients:
                ways = zip(client.media, client.recorder_ports, self._senders[client.call_id], strict=True)
                for media, port, sender in ways:
                    sender.sent.clear()
                    media.sendto(sender.send([self._payload], marker=False).sent[0][1], client.target(port))

    async def end(self) -> None:
        """BYE for all; whoever cannot answer yet is asked again."""
        answers = await asyncio.gather(*(client.end() for client in self.clients))
        assert {answer[:11] for answer in answers} == {"SIP/2.0 200"}


@contextmanager
def many_calls(recorder: tuple[str, int], count: int) -> Iterator[ManyCalls]:
    """So many sessions with a recorder."""
    with ExitStack() as open_clients:
        yield ManyCalls([open_clients.enter_context(RecordingClient(recorder)) for _ in range(count)])
