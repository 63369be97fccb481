"""An IP Office that sends SMDR, as client or as server, with the buffer that makes a lost connection matter."""

import asyncio
from collections import deque
from contextlib import suppress


class SmdrPbx:
    """Sends rows as they come; while nobody listens it keeps the newest `buffer` of them."""

    def __init__(self, buffer: int = 500) -> None:
        self.waiting: deque[str] = deque(maxlen=buffer)
        self.port = 0
        self._server: asyncio.Server | None = None
        self._writer: asyncio.StreamWriter | None = None

    async def start(self, port: int = 0) -> None:
        """Listen for whoever collects the rows (address 0.0.0.0 in Manager)."""
        self._server = await asyncio.start_server(self._accept, "127.0.0.1", port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def connect(self, port: int) -> None:
        """Send to a collector that listens."""
        _, self._writer = await asyncio.open_connection("127.0.0.1", port)
        await self._flush()

    async def send(self, *rows: str) -> None:
        """Rows of calls that ended."""
        self.waiting += rows
        await self._flush()

    def status(self) -> bool:
        """Whether somebody collects."""
        return self._writer is not None

    async def drop(self) -> None:
        """Lose the connection."""
        if self._writer is not None:
            self._writer.transport.abort()
            self._writer = None

    async def stop(self) -> None:
        """Go away."""
        await self.drop()
        if self._server is not None:
            self._server.close()
            self._server = None

    async def reset(self) -> None:
        """Restart: what was buffered is gone."""
        await self.drop()
        self.waiting.clear()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        await self._flush()
        with suppress(ConnectionError):
            await reader.read()
        if self._writer is writer:
            self._writer = None
        writer.close()

    async def _flush(self) -> None:
        while self._writer is not None and self.waiting:
            self._writer.write(self.waiting.popleft().encode() + b"\r\n")
            await self._writer.drain()
