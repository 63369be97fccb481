"""Checks of a source."""

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, ClassVar

from hub.sdk import HealthState, Kind, RetryLater, Source
from hub.testing.fakes import FakeContext
from hub.testing.plugin import PluginConformance, files_below, until

_STUCK_S = 3.0


class SourceConformance(PluginConformance):
    """Say how a recording comes to be in `offer`; the rest is the hub's side of the contract.

    found_s: how long the source may take to find what was offered. quiet_s: how long it is watched afterwards for
    recordings that it submits again. stop_s: how long it may take to stop.
    """

    kind: ClassVar[Kind] = Kind.SOURCE
    found_s: ClassVar[float] = 20.0
    quiet_s: ClassVar[float] = 1.0
    stop_s: ClassVar[float] = 5.0

    @abstractmethod
    def offer(self, number: int, tmp_path: Path) -> None:
        """Make recording `number` (1, 2, ...) appear where the source looks; each one different."""

    def test_each_recording_is_submitted_once(self, settings: dict[str, Any], ctx: FakeContext, tmp_path: Path) -> None:
        """Those that waited before it started, and those that come while it runs."""

        async def play() -> None:
            self.offer(1, tmp_path)
            async with self._running(settings, ctx):
                await self._wait_for(ctx, 1)
                self.offer(2, tmp_path)
                self.offer(3, tmp_path)
                await self._wait_for(ctx, 3)
                await asyncio.sleep(self.quiet_s)

        asyncio.run(play())
        assert len(ctx.received) == len(set(ctx.received)) == 3
        assert all(part for parts in ctx.media.values() for part in parts), "a recording came without its sound"
        assert ctx.alarms == {}, "an alarm was left open though all went well"

    def test_a_restart_submits_nothing_twice_and_misses_nothing(
        self, settings: dict[str, Any], ctx: FakeContext, tmp_path: Path
    ) -> None:
        """The context is kept, as the hub keeps a plug-in's memory."""

        async def play() -> None:
            self.offer(1, tmp_path)
            async with self._running(settings, ctx):
                await self._wait_for(ctx, 1)
            self.offer(2, tmp_path)
            async with self._running(settings, ctx):
                await self._wait_for(ctx, 2)
                await asyncio.sleep(self.quiet_s)

        asyncio.run(play())
        assert len(ctx.received) == 2

    def test_a_recording_has_the_same_origin_id_after_the_memory_is_lost(
        self, settings: dict[str, Any], ctx: FakeContext, tmp_path: Path
    ) -> None:
        """Origin ids must not come from the source's own counting: the hub knows duplicates by them."""

        async def play() -> None:
            self.offer(1, tmp_path)
            async with self._running(settings, ctx):
                await self._wait_for(ctx, 1)
            ctx.forget_state()
            self.offer(2, tmp_path)
            async with self._running(settings, ctx):
                await self._wait_for(ctx, 2)
                await asyncio.sleep(self.quiet_s)

        asyncio.run(play())
        assert len(ctx.received) == 2

    def test_it_stops_when_it_is_told_to(self, settings: dict[str, Any], ctx: FakeContext) -> None:
        """At once after its start, and while it waits for something to happen."""

        async def play() -> None:
            async with self._running(settings, ctx, stop_at_once=True):
                pass
            async with self._running(settings, ctx):
                await asyncio.sleep(self.quiet_s)

        asyncio.run(play())

    def test_it_stops_in_the_middle_of_a_submit_and_loses_nothing(
        self, settings: dict[str, Any], ctx: FakeContext, tmp_path: Path
    ) -> None:
        """The receipt never came, so the recording must be there for the next life."""

        async def play() -> None:
            self.offer(1, tmp_path)
            ctx.gate.clear()
            async with self._running(settings, ctx):
                await until(lambda: ctx.attempts > 0, self.found_s, "a first submit")
            ctx.gate.set()
            async with self._running(settings, ctx):
                await self._wait_for(ctx, 1)
                await asyncio.sleep(self.quiet_s)

        asyncio.run(play())
        assert len(ctx.received) == 1

    def test_a_full_disk_loses_nothing_and_is_over_when_it_is_over(
        self, settings: dict[str, Any], ctx: FakeContext, tmp_path: Path
    ) -> None:
        """The hub refuses everything for a while: the source keeps its copies and tries again."""

        async def play() -> None:
            ctx.fill_disk()
            self.offer(1, tmp_path)
            async with self._running(settings, ctx):
                await until(lambda: ctx.attempts > 0, self.found_s, "a first submit")
                self.offer(2, tmp_path)
                ctx.free_disk()
                await self._wait_for(ctx, 2)
                await until(lambda: not ctx.alarms, self.found_s, "the end of its alarms")

        asyncio.run(play())
        assert len(ctx.received) == 2
        if ctx.health:
            assert ctx.health[-1].state is not HealthState.DOWN, ctx.health[-1]

    def test_one_bad_recording_does_not_keep_the_others_back(
        self, settings: dict[str, Any], ctx: FakeContext, tmp_path: Path
    ) -> None:
        """The hub refuses the first one it is given, for good."""

        async def play() -> None:
            self.offer(1, tmp_path)
            refused = _RefusesTheFirst(ctx)
            async with self._running(settings, refused):
                await until(lambda: refused.first, self.found_s, "a first submit")
                self.offer(2, tmp_path)
                self.offer(3, tmp_path)
                await self._wait_for(refused, 2)

        asyncio.run(play())

    def test_check_touches_no_recording(self, settings: dict[str, Any], ctx: FakeContext, tmp_path: Path) -> None:
        """What waits there waits there still."""
        self.offer(1, tmp_path)
        before = files_below(tmp_path)
        made = self.make(settings, ctx)
        made.check()
        made.close()
        assert files_below(tmp_path) == before
        assert ctx.attempts == 0

    def test_it_never_blocks_its_event_loop(self, settings: dict[str, Any], ctx: FakeContext, tmp_path: Path) -> None:
        """The hub takes a loop that stands still for a plug-in that hangs, and kills it."""
        longest_s = 0.0

        async def watch() -> None:
            nonlocal longest_s
            loop = asyncio.get_running_loop()
            while True:
                slept_s = loop.time()
                await asyncio.sleep(0.05)
                longest_s = max(longest_s, loop.time() - slept_s)

        async def play() -> None:
            for number in range(1, 6):
                self.offer(number, tmp_path)
            watching = asyncio.create_task(watch())
            async with self._running(settings, ctx):
                await self._wait_for(ctx, 5)
            watching.cancel()

        asyncio.run(play())
        assert longest_s < _STUCK_S, f"its loop stood still for {longest_s:.1f} s: use asyncio.to_thread"

    async def _wait_for(self, ctx: FakeContext, count: int) -> None:
        await until(lambda: len(ctx.received) >= count, self.found_s, f"the submit of {count} recordings")

    @asynccontextmanager
    async def _running(
        self, settings: dict[str, Any], ctx: FakeContext, *, stop_at_once: bool = False
    ) -> AsyncIterator[None]:
        """A source at work; it is started again when it raises RetryLater, as the hub does."""
        ended: list[Exception] = []
        task = asyncio.create_task(self._keep(settings, ctx, ended))
        if not stop_at_once:
            await asyncio.sleep(0)
        try:
            yield
        except AssertionError:
            if ended:
                raise AssertionError(f"its run() ended with {ended[0]!r}") from ended[0]
            raise
        finally:
            task.cancel()
            _, late = await asyncio.wait([task], timeout=self.stop_s)
            if late:
                with suppress(RuntimeError):  # thrown out, so that the tests after this one can go on
                    task.get_coro().close()
        assert not late, f"it did not stop within {self.stop_s:g} s of being cancelled"
        assert not ended, f"its run() ended with {ended[0]!r}"

    async def _keep(self, settings: dict[str, Any], ctx: FakeContext, ended: list[Exception]) -> None:
        try:
            while True:
                source = self.make(settings, ctx)
                assert isinstance(source, Source)
                try:
                    await source.run()
                    raise RuntimeError("it returned, and a source must work until it is cancelled")
                except RetryLater:
                    await asyncio.sleep(0.1)
                finally:
                    source.close()
        except Exception as exc:  # noqa: BLE001 - told by the one who waits
            ended.append(exc)


class _RefusesTheFirst(FakeContext):
    """Refuses the recording that is submitted first, however often it comes."""

    def __init__(self, ctx: FakeContext) -> None:
        super().__init__(ctx.scratch.parent)
        self.first = ""

    async def submit(self, draft: Any) -> Any:
        """As `FakeContext.submit`."""
        self.first = self.first or draft.origin_id
        self.bad = {self.first}
        return await super().submit(draft)
