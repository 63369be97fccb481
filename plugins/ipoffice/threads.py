"""Threads of a device's own, so that a file system that does not answer holds up nothing else."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
T = TypeVar("T")


class Threads:
    """Runs blocking work of one device."""

    def __init__(self, count: int) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="ipoffice")

    async def __call__(self, work: Callable[P, T], *arguments: P.args, **keywords: P.kwargs) -> T:
        """What `work` returns."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._pool, lambda: work(*arguments, **keywords))

    def close(self) -> None:
        """Start nothing new; what runs is not waited for."""
        self._pool.shutdown(wait=False, cancel_futures=True)
