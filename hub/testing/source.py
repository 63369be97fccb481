"""Conformance of a source: every recording once, whatever happens."""

import asyncio
import time
from abc import abstractmethod
from datetime import timedelta
from pathlib import Path
from typing import Any

from hub.sdk import BadRecording, MediaFile, RetryLater
from hub.testing.context import FakeContext
from hub.testing.plugin import PluginConformance
from hub.testing.running import running, until

_STOP_S = 5.0


class SourceConformance(PluginConformance):
    """Say in `offer` how a PBX makes one more recording that this source finds; `settings` is a fixture."""

    arrival_s: float = 20.0
    """How long a recording may take from `offer` to the hub."""

    @abstractmethod
    def offer(self, number: int, tmp_path: Path) -> None:
        """Make recording `number` (1, 2, ...) appear as the PBX would, with content of its own."""

    def test_a_recording_that_appears_is_handed_over(self, settings: Any, ctx: FakeContext, tmp_path: Path) -> None:
        async def work() -> None:
            async with running(self.make(settings, ctx)):
                self.offer(1, tmp_path)
                await until(lambda: ctx.taken, self.arrival_s)

        asyncio.run(work())
        draft = ctx.taken[0].draft
        assert draft.origin_id
        assert draft.started_at.utcoffset() == timedelta(0)
        assert all(ctx.taken[0].media)
        assert draft.media

    def test_one_that_was_there_before_the_start_is_handed_over(
        self, settings: Any, ctx: FakeContext, tmp_path: Path
    ) -> None:
        self.offer(1, tmp_path)

        async def work() -> None:
            async with running(self.make(settings, ctx)):
                await until(lambda: ctx.taken, self.arrival_s)

        asyncio.run(work())
        assert len(ctx.taken) == 1

    def test_several_are_handed_over_once_each(self, settings: Any, ctx: FakeContext, tmp_path: Path) -> None:
        async def work() -> None:
            async with running(self.make(settings, ctx)):
                for number in range(1, 6):
                    self.offer(number, tmp_path)
                await until(lambda: len(ctx.taken) == 5, self.arrival_s)

        asyncio.run(work())
        assert len({taken.draft.origin_id for taken in ctx.taken}) == 5

    def test_after_a_restart_only_what_is_new_is_handed_over(
        self, settings: Any, ctx: FakeContext, tmp_path: Path
    ) -> None:
        after = ctx.restarted()

        async def work() -> None:
            self.offer(1, tmp_path)
            async with running(self.make(settings, ctx)):
                await until(lambda: ctx.taken, self.arrival_s)
            self.offer(2, tmp_path)
            async with running(self.make(settings, after)):
                await until(lambda: after.taken, self.arrival_s)

        asyncio.run(work())
        first, second = ctx.taken[0].draft, after.taken[0].draft
        assert first.origin_id != second.origin_id
        assert len(after.taken) == 1

    def test_what_the_hub_cannot_take_now_comes_again(self, settings: Any, ctx: FakeContext, tmp_path: Path) -> None:
        ctx.refusals.append(RetryLater("the disk is full", after=timedelta(seconds=0.1)))
        self.offer(1, tmp_path)
        asyncio.run(self._run_until_taken(settings, ctx, 1))
        assert ctx.refusals == []

    def test_one_that_is_refused_does_not_hold_up_the_next(
        self, settings: Any, ctx: FakeContext, tmp_path: Path
    ) -> None:
        ctx.refusals.append(BadRecording("cannot be read"))
        self.offer(1, tmp_path)
        self.offer(2, tmp_path)
        asyncio.run(self._run_until_taken(settings, ctx, 1))

    def test_media_is_a_file_that_the_hub_can_read(self, settings: Any, ctx: FakeContext, tmp_path: Path) -> None:
        self.offer(1, tmp_path)
        asyncio.run(self._run_until_taken(settings, ctx, 1))
        for media in ctx.taken[0].draft.media:
            assert not isinstance(media, MediaFile) or media.path.is_absolute()

    def test_it_says_how_it_is_while_it_runs(self, settings: Any, ctx: FakeContext) -> None:
        async def work() -> None:
            async with running(self.make(settings, ctx)):
                await until(lambda: ctx.healths, self.arrival_s)

        asyncio.run(work())
        assert ctx.health.summary

    def test_it_stops_when_it_is_told_to(self, settings: Any, ctx: FakeContext) -> None:
        async def work() -> float:
            async with running(self.make(settings, ctx)):
                await until(lambda: ctx.healths, self.arrival_s)
                began_s = time.monotonic()
            return time.monotonic() - began_s

        assert asyncio.run(work()) < _STOP_S

    def test_the_check_takes_nothing(self, settings: Any, ctx: FakeContext, tmp_path: Path) -> None:
        self.offer(1, tmp_path)
        made = self.make(settings, ctx)
        made.check()
        made.close()
        assert ctx.taken == []
        asyncio.run(self._run_until_taken(settings, ctx, 1))

    async def _run_until_taken(self, settings: Any, ctx: FakeContext, count: int) -> None:
        async with running(self.make(settings, ctx)):
            await until(lambda: len(ctx.taken) >= count, self.arrival_s)
