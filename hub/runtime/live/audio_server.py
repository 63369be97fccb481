"""Live audio out of the process of a source, over a Unix socket of its own: the capture never waits for a listener."""

import asyncio
import json
import socket
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

from hub.runtime import peers
from hub.runtime.failure import Failure, FailureKind
from hub.sdk import Listens

MOST_LISTENERS = 32
BYTES_PER_S = 32_000
"""PCM, 16 bits, two channels, 8000 Hz."""

_FIRST_LINE_BYTES = 16_384
_FIRST_LINE_S = 5.0
_LONGEST_BLOCK_BYTES = BYTES_PER_S
_BEHIND_BYTES = 2 * BYTES_PER_S
_SOCKET_BYTES = 16_384
_FULL = Failure(
    kind=FailureKind.RETRY_LATER,
    message=f"{MOST_LISTENERS} people listen to this device already.",
    hint="Try again when one of them has stopped.",
)
_OVER = Failure(kind=FailureKind.NOT_FOUND, message="The call is over.")


class AudioServer:
    """Answers each connection with the audio of the one call it names, until the call ends or the listener is late."""

    def __init__(self, path: Path, plugin: Listens) -> None:
        self._path = path
        self._plugin = plugin
        self._playing: set[asyncio.Task[None]] = set()
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Begin to listen; a socket that cannot be had keeps no call from being recorded."""
        try:
            listener = peers.listen(self._path, MOST_LISTENERS)
        except OSError:
            return
        self._server = await asyncio.start_unix_server(self._serve, sock=listener, limit=_FIRST_LINE_BYTES)

    async def close(self) -> None:
        """Let every listener go."""
        if self._server is not None:
            self._server.close()
        for task in self._playing:
            task.cancel()
        await asyncio.gather(*self._playing, return_exceptions=True)
        self._path.unlink(missing_ok=True)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        connection: socket.socket = writer.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _SOCKET_BYTES)
        try:
            if not peers.is_own(connection):
                return
            async with asyncio.timeout(_FIRST_LINE_S):
                call = str(json.loads(await reader.readline())["call"])
            if len(self._playing) >= MOST_LISTENERS:
                _say(writer, failure=_FULL.to_json())
                return
            playing = asyncio.create_task(self._play(call, writer))
            gone = asyncio.create_task(reader.read(1))  # a listener says nothing more, so this ends when it goes
            self._playing.add(playing)
            try:
                await asyncio.wait([playing, gone], return_when=asyncio.FIRST_COMPLETED)
            finally:
                self._playing.discard(playing)
                for task in (playing, gone):
                    task.cancel()
                await asyncio.gather(playing, gone, return_exceptions=True)
        except (TimeoutError, OSError, ValueError, KeyError, TypeError):
            pass  # the other side went away, or never was one of ours
        finally:
            writer.close()

    async def _play(self, call: str, writer: asyncio.StreamWriter) -> None:
        """Pass block after block on, after a line that says that there is audio, or why there is none."""
        begun = False
        blocks = self._plugin.listen(call)
        try:
            async for block in blocks:
                _check(block)
                if not begun:
                    _say(writer, ok=True)
                    begun = True
                writer.write(block)
                if writer.transport.get_write_buffer_size() > _BEHIND_BYTES:
                    writer.transport.abort()
                    return
        except Exception as exc:  # noqa: BLE001 - whatever the plug-in raised is told to the one who listens
            if not begun:
                _say(writer, failure=Failure.of(exc).to_json())
        else:
            if not begun:
                _say(writer, failure=_OVER.to_json())
        finally:
            if isinstance(blocks, AsyncGenerator):
                await blocks.aclose()


def _check(block: object) -> None:
    """Whether it is whole samples of both channels.

    Raises: ValueError.
    """
    if not isinstance(block, bytes) or len(block) % 4 or len(block) > _LONGEST_BLOCK_BYTES:
        raise ValueError("a block of live audio is not whole samples of two channels")


def _say(writer: asyncio.StreamWriter, **values: Any) -> None:
    writer.write(json.dumps(values).encode() + b"\n")
