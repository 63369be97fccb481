"""Running a source in a test, and waiting for what it does."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any

from hub.sdk import Source

_LOOK_S = 0.02


@asynccontextmanager
async def running(source: Source[Any]) -> AsyncIterator[asyncio.Task[None]]:
    """Run a source while the block runs; an error that ends it early ends the block as well."""
    task = asyncio.create_task(source.run())
    try:
        yield task
        if task.done():
            task.result()
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
        source.close()


async def until(condition: Callable[[], Any], timeout_s: float = 20.0) -> None:
    """Wait until `condition` holds.

    Raises: AssertionError if it does not in time.
    """
    ends_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < ends_s, f"not within {timeout_s:g} s: {condition.__doc__ or condition}"
        await asyncio.sleep(_LOOK_S)
