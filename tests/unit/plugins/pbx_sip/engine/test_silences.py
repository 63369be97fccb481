"""Calls of which nothing is heard: since when is shown, their client is asked, and they end where nobody knows them."""

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from pathlib import Path

import pytest

from hub.sdk import SILENT_SINCE
from plugins.pbx_sip.engine import silences
from plugins.pbx_sip.recorder.plugin import SipRecorder
from tests.doubles.recording_client import RecordingClient
from tests.unit.plugins.pbx_sip.engine.live_devices import (
    SIP,
    own_network,
    recorder,
    running,
    sound,
    tones,
    until,
)

__all__ = ["own_network"]
pytestmark = pytest.mark.usefixtures("own_network")


@pytest.fixture(autouse=True)
def _shown_soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(silences, "_SHOWN_NS", 1_000_000_000)


class AnsweringClient(RecordingClient):
    """Answers what the recorder asks it with a status, once `answering`; 0: with nothing. asked: the requests."""

    def __init__(self, status: int) -> None:
        super().__init__(("127.0.0.1", SIP))
        self.status = status
        self.asked: list[str] = []

    async def answer(self) -> None:
        while True:
            text = (await asyncio.get_running_loop().sock_recv(self._sip, 65536)).decode()
            self.answers.append(text)
            if re.match(r"[A-Z]+ ", text):
                self.asked.append(text.split()[0])
                kept = [line for line in text.split("\r\n") if re.match(r"(Via|From|To|Call-ID|CSeq):", line)]
                if self.status:
                    head = [f"SIP/2.0 {self.status} Answer", *kept, "Content-Length: 0"]
                    self._sip.sendto(("\r\n".join(head) + "\r\n\r\n").encode(), self._recorder)


@asynccontextmanager
async def answering(client: AnsweringClient) -> AsyncIterator[None]:
    task = asyncio.create_task(client.answer())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def test_a_call_whose_client_does_not_know_it_any_more_ends_with_its_last_packet(tmp_path: Path) -> None:
    async def act() -> None:
        device, ctx = recorder(tmp_path, asks_after_s=3.0)
        async with running(device, ctx):
            with AnsweringClient(481) as client:
                await client.begin()
                await until(lambda: client.call_id in ctx.live, "the live call")
                await client.hum(2.0)
                async with answering(client):
                    await until(lambda: ctx.submitted, "the recording")
                    await until(lambda: "BYE" in client.asked, "the BYE")
                assert client.asked[0] == "OPTIONS"
        assert ctx.live == {}
        samples = sound(ctx, tmp_path)
        assert tones(samples) == [440, 620]
        assert abs(len(samples) / 8000 - 2.0) < 0.1

    asyncio.run(act())


def test_a_silent_call_whose_client_answers_goes_on_and_shows_since_when_nothing_is_heard(tmp_path: Path) -> None:
    async def act() -> None:
        device, ctx = recorder(tmp_path, asks_after_s=2.0)
        async with running(device, ctx):
            with AnsweringClient(405) as client:
                await client.begin()
                await client.hum(1.0)
                async with answering(client):
                    await until(lambda: client.asked.count("OPTIONS") > 1, "two questions")
                    since = datetime.fromisoformat(ctx.live[client.call_id].fields[SILENT_SINCE])
                    assert abs((since - ctx.live[client.call_id].started_at).total_seconds() - 1.0) < 0.3
                await client.hum(3.0)
                await until(lambda: SILENT_SINCE not in ctx.live[client.call_id].fields, "it is heard again")
                assert (await client.end()).startswith("SIP/2.0 200")
            await until(lambda: ctx.submitted, "the recording")

    asyncio.run(act())


def test_a_call_on_hold_and_one_that_is_heard_are_not_asked_after(tmp_path: Path) -> None:
    async def act() -> None:
        device, ctx = recorder(tmp_path, asks_after_s=1.0)
        async with running(device, ctx):
            with AnsweringClient(481) as client, AnsweringClient(481) as other:
                await client.begin()
                await other.begin()
                held = other._body().replace("sendonly", "inactive")
                assert (await other.ask("INVITE", held)).startswith("SIP/2.0 200")
                other.send("ACK", number=other._number)
                async with answering(client), answering(other):
                    await client.hum(5.0)
                assert (client.asked, other.asked) == ([], [])
                await asyncio.gather(client.end(), other.end())

    asyncio.run(act())


def test_a_call_that_was_asked_after_is_known_after_a_restart(tmp_path: Path) -> None:
    async def act() -> None:
        device, ctx = recorder(tmp_path, asks_after_s=2.0)
        with AnsweringClient(200) as client:
            async with running(device, ctx):
                await client.begin()
                await client.hum(1.0)
                async with answering(client):
                    await until(lambda: "OPTIONS" in client.asked, "the question")
                    await asyncio.sleep(0.2)
            again = SipRecorder(device.settings, ctx)
            async with running(again, ctx):
                await until(lambda: client.call_id in ctx.live, "the call of before")
                assert (await client.end()).startswith("SIP/2.0 200")
                await until(lambda: ctx.submitted, "the recording")

    asyncio.run(act())
