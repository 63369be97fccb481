"""Live audio on its way to a listener: a WAV file that has no end until the call has one."""

import asyncio
import struct
from collections.abc import AsyncIterator, Callable

from anyio import CancelScope, to_thread
from starlette.responses import StreamingResponse
from starlette.types import Receive, Scope, Send

from hub.runtime.live.audio_line import AudioLine

RATE_HZ = 8000
_CHANNELS, _SAMPLE_BYTES = 2, 2
_NO_END = 0xFFFF_FFFF
_ASK_EVERY_S = 5.0


def wav_header() -> bytes:
    """The 44 bytes before the PCM of a stream whose length nobody knows.

    Source: IBM and Microsoft, Multimedia Programming Interface and Data Specifications 1.0, chapter 3.
    """
    frame_bytes = _CHANNELS * _SAMPLE_BYTES
    form = struct.pack("<HHIIHH", 1, _CHANNELS, RATE_HZ, RATE_HZ * frame_bytes, frame_bytes, _SAMPLE_BYTES * 8)
    return b"RIFF" + struct.pack("<I", _NO_END) + b"WAVEfmt " + struct.pack("<I", 16) + form + b"data\xff\xff\xff\xff"


class LiveAudioResponse(StreamingResponse):
    """Plays a line until the call ends, the listener leaves or may no longer listen.

    may_go_on: asked every few seconds; blocking.
    """

    def __init__(self, line: AudioLine, may_go_on: Callable[[], bool]) -> None:
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        super().__init__(self._blocks(), headers=headers, media_type="audio/wav")
        self._line = line
        self._may_go_on = may_go_on

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Play, and hang up however it ends."""
        try:
            await super().__call__(scope, receive, send)
        finally:
            with CancelScope(shield=True):
                await self._line.close()

    async def _blocks(self) -> AsyncIterator[bytes]:
        yield wav_header()
        clock = asyncio.get_running_loop().time
        ask_at_s = clock() + _ASK_EVERY_S
        async for block in self._line.blocks():
            yield block
            if clock() > ask_at_s:
                if not await to_thread.run_sync(self._may_go_on):
                    return
                ask_at_s = clock() + _ASK_EVERY_S
