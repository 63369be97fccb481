"""The web's end of live audio: blocks of PCM from the process of a source."""

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Self

from hub.runtime.commands import AudioPlace
from hub.runtime.failure import Failure, FailureKind, PluginFailure

_FIRST_S = 5.0
_LINE_BYTES = 16_384
_BLOCK_BYTES = 8_192
_GONE = Failure(kind=FailureKind.RETRY_LATER, message="The device gives no audio now.")


class AudioLine:
    """One listener's line: PCM, 16 bits little-endian, two channels, 8000 Hz."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def open(cls, place: AudioPlace) -> Self:
        """Connect and wait for the first audio.

        Raises: PluginFailure.
        """
        try:
            async with asyncio.timeout(_FIRST_S):
                reader, writer = await asyncio.open_unix_connection(place.socket, limit=_LINE_BYTES)
        except (OSError, TimeoutError) as exc:
            raise PluginFailure(_GONE) from exc
        line = cls(reader, writer)
        try:
            async with asyncio.timeout(_FIRST_S):
                writer.write(json.dumps({"call": place.call}).encode() + b"\n")
                answer = json.loads(await reader.readline())
            failure = None if answer.get("ok") else Failure.from_json(answer["failure"])
        except (OSError, TimeoutError, ValueError, KeyError, TypeError, AttributeError) as exc:
            await line.close()
            raise PluginFailure(_GONE) from exc
        except BaseException:
            await line.close()
            raise
        if failure is not None:
            await line.close()
            raise PluginFailure(failure)
        return line

    async def blocks(self) -> AsyncIterator[bytes]:
        """What is heard, until the call ends or the source lets a late listener go."""
        with suppress(ConnectionError):
            while block := await self._reader.read(_BLOCK_BYTES):
                yield block

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        with suppress(OSError):
            await self._writer.wait_closed()
