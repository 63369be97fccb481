"""The processes that make recordings; one that dies is replaced, and a job that kills two of them is given up."""

import asyncio
import multiprocessing
import os
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool

from plugins.pbx_sip.engine.job import Job, Made
from plugins.pbx_sip.engine.making import make_recordings, prepare

_TRIES = 3


class JobFailed(Exception):
    """A job that cannot be done, however often it is tried."""


class Makers:
    """As many processes as are wanted, started when there is work."""

    def __init__(self, count: int) -> None:
        self._count = count
        self._pool: ProcessPoolExecutor | None = None

    async def make(self, job: Job) -> tuple[Made, ...]:
        """The recordings of a job. Raises: JobFailed; OSError."""
        for _ in range(_TRIES):
            pool = self._pool = self._pool or self._start()
            try:
                return await asyncio.wrap_future(pool.submit(make_recordings, job))
            except BrokenProcessPool:
                if self._pool is pool:
                    self._pool = None
            except OSError:
                raise
            except Exception as error:
                raise JobFailed(f"{type(error).__name__}: {error}") from error
        raise JobFailed("The process that makes recordings died over it again and again.")

    def close(self) -> None:
        """End the processes; jobs that are not done will be asked for again."""
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None

    def _start(self) -> ProcessPoolExecutor:
        context = multiprocessing.get_context("spawn")
        return ProcessPoolExecutor(self._count, context, initializer=prepare, initargs=(os.getpid(),))
