"""Live audio from the plug-in's process: who hears it, and who is let go."""

import asyncio
import json
import socket

import pytest

from hub.runtime.failure import FailureKind, PluginFailure
from hub.runtime.live.audio_line import AudioLine
from hub.runtime.live.audio_server import BYTES_PER_S, MOST_LISTENERS, AudioServer
from hub.sdk import Listens, NotFound
from tests.doubles.supervision import wait_until


def hear(place, n_bytes):
    """The first bytes of a call."""

    async def listen():
        line = await AudioLine.open(place)
        heard = b""
        async for block in line.blocks():
            heard += block
            if len(heard) >= n_bytes:
                break
        await line.close()
        return heard

    return asyncio.run(listen())


def test_a_call_is_heard_in_both_channels_and_the_source_knows_when_nobody_listens(board):
    call = board.begin("one")
    heard = hear(board.hub.commands.listen(board.device, call.id), BYTES_PER_S // 5)
    samples = memoryview(heard[: len(heard) // 4 * 4]).cast("h")
    assert max(samples[0::2]) > 8000
    assert set(samples[1::2]) == {3000}
    wait_until((board.folder / "hung-up").exists)


def test_the_audio_ends_with_the_call(board):
    call = board.begin("one")
    place = board.hub.commands.listen(board.device, call.id)

    async def listen():
        line = await AudioLine.open(place)
        board.end("one")
        async for _ in line.blocks():
            pass
        await line.close()

    asyncio.run(asyncio.wait_for(listen(), 20))
    with pytest.raises(PluginFailure) as caught:
        hear(place, 1)
    assert caught.value.kind is FailureKind.NOT_FOUND


def test_a_device_that_is_killed_gives_no_audio(board):
    call = board.begin("one")
    place = board.hub.commands.listen(board.device, call.id)
    place.socket.unlink()
    with pytest.raises(PluginFailure, match="gives no audio"):
        hear(place, 1)
    with pytest.raises(PluginFailure, match="does not let its calls be heard"):
        board.hub.commands.listen(board.device, call.id)


class Torrent(Listens):
    """Gives audio as fast as it is taken, and counts."""

    def __init__(self):
        self.given = 0
        self.closed = 0

    async def listen(self, call):
        if call == "over":
            raise NotFound("The call is over.")
        if call == "broken":
            yield b"odd"
        try:
            while True:
                self.given += 1
                yield bytes(640)
                await asyncio.sleep(0)
        finally:
            self.closed += 1


def served(tmp_path, script):
    """Run `script` beside a server on `tmp_path`."""
    plugin = Torrent()
    path = tmp_path / "ear.sock"

    async def run():
        server = AudioServer(path, plugin)
        await server.start()
        try:
            return await script(path, plugin)
        finally:
            await server.close()

    return asyncio.run(asyncio.wait_for(run(), 30))


async def _ask(path, line):
    reader, writer = await asyncio.open_unix_connection(path)
    writer.write(line)
    answer = await reader.readline()
    return answer, reader, writer


def test_a_listener_who_does_not_listen_is_dropped_and_nobody_waits_for_them(tmp_path):
    async def script(path, plugin):
        lazy = socket.socket(socket.AF_UNIX)
        lazy.connect(str(path))
        lazy.send(json.dumps({"call": "one"}).encode() + b"\n")
        while not plugin.closed:  # noqa: ASYNC110 - it is the plug-in of another task that says so
            await asyncio.sleep(0.01)
        lazy.close()
        assert plugin.given * 640 < 40 * BYTES_PER_S

    served(tmp_path, script)


def test_so_many_may_listen_and_no_more(tmp_path):
    async def script(path, plugin):
        kept = [await _ask(path, b'{"call": "one"}\n') for _ in range(MOST_LISTENERS)]
        assert all(answer == b'{"ok": true}\n' for answer, _, _ in kept)
        answer, _, writer = await _ask(path, b'{"call": "one"}\n')
        assert b"listen to this device already" in answer
        for one in (writer, *(writer for _, _, writer in kept)):
            one.close()

    served(tmp_path, script)


@pytest.mark.parametrize(
    "line", [b"nonsense\n", b"[]\n", b'{"call": "over"}\n', b'{"call": "broken"}\n', b"x" * 40_000]
)
def test_what_makes_no_sense_is_answered_and_harms_nobody(tmp_path, line):
    async def script(path, _plugin):
        answer, _, writer = await _ask(path, line)
        assert b"ok" not in answer
        writer.close()
        answer, _, writer = await _ask(path, b'{"call": "one"}\n')
        assert answer == b'{"ok": true}\n'
        writer.close()

    served(tmp_path, script)
