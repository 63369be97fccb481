"""The kit's hub in memory, with the questions that tests of a source at work ask it."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from hub.sdk import CallDetail, Health, HealthState, Receipt, RecordingDraft, Source
from hub.testing import FakeContext
from hub.testing.fakes import receipt_of


class SourceContext(FakeContext):
    """A hub that takes everything, unless `refusals` says what to raise next.

    taken: (draft, bytes of its media, monotonic seconds of the receipt), each recording once.
    """

    def __init__(self, folder: Path) -> None:
        super().__init__(folder, "Head office")
        self.taken: list[tuple[RecordingDraft, bytes, float]] = []
        self.refusals: list[Exception] = []
        self.duplicates = 0

    async def submit(self, draft: RecordingDraft) -> Receipt:
        if self.refusals:
            raise self.refusals.pop(0)
        receipt = await super().submit(draft)
        self.duplicates += receipt.duplicate
        if not receipt.duplicate:
            self.taken.append((draft, self.media[draft.origin_id][0], time.monotonic()))
        return receipt

    async def submit_detail(self, detail: CallDetail) -> Receipt:
        if self.refusals:
            raise self.refusals.pop(0)
        return await super().submit_detail(detail)

    @property
    def lamp(self) -> Health:
        """How it is now."""
        return self.health[-1] if self.health else Health(HealthState.OK, "it has said nothing yet")

    @property
    def receipts(self) -> list[str]:
        return [receipt_of(origin_id) for origin_id in self.received]

    def names(self) -> list[str]:
        return sorted(draft.origin_name for draft, _, _ in self.taken)

    def draft(self, name: str) -> RecordingDraft:
        return next(draft for draft, _, _ in self.taken if draft.origin_name == name)


async def until(condition: Callable[[], Any], timeout_s: float = 20.0) -> None:
    """Wait until `condition` holds, and fail if it does not in time."""
    end_s = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < end_s, f"not in {timeout_s:g} s: {condition.__doc__ or condition}"
        await asyncio.sleep(0.02)


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
