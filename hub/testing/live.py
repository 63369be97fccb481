"""Checks of a source that shows calls while they go on, and lets them be steered or heard."""

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, ClassVar

import pytest

from hub.sdk import (
    BadRecording,
    CallControl,
    Controls,
    Kind,
    Listens,
    LiveCall,
    LiveState,
    NotFound,
    Source,
    TakesFiles,
)
from hub.testing.fakes import FakeContext
from hub.testing.plugin import PluginConformance, until

_NO_CALL = "no such call \x00/\udcff"
_SAMPLE_BYTES = 4
_HEARD_BYTES = 8000 * _SAMPLE_BYTES // 2


class LiveConformance(PluginConformance):
    """Say how a call begins and ends; what the source cannot do is not tried.

    shown_s: how long the source may take to show what happens.
    """

    kind: ClassVar[Kind] = Kind.SOURCE
    shown_s: ClassVar[float] = 20.0

    @abstractmethod
    def begin_call(self, tmp_path: Path) -> None:
        """A call that is recorded begins and goes on until `end_call`."""

    @abstractmethod
    def end_call(self, tmp_path: Path) -> None:
        """It ends."""

    def test_a_call_is_shown_while_it_goes_on(self, settings: dict[str, Any], ctx: FakeContext, tmp_path: Path) -> None:
        """And no longer; then it is handed over, or why there is no recording of it."""

        async def play() -> None:
            async with self._in_a_call(settings, ctx, tmp_path):
                self.end_call(tmp_path)
                await until(lambda: not ctx.live, self.shown_s, "the call to leave the list")
                await until(lambda: ctx.submitted or ctx.absences or ctx.faults, self.shown_s, "its recording")
                assert ctx.faults == [], "the hub refuses such recordings"

        asyncio.run(play())

    def test_a_call_that_nobody_knows_is_not_found(
        self, settings: dict[str, Any], ctx: FakeContext, tmp_path: Path
    ) -> None:
        """A list of calls is always a little old: people press buttons of calls that are over."""

        async def play() -> None:
            async with self._in_a_call(settings, ctx, tmp_path) as (source, _):
                if isinstance(source, Controls):
                    for action in CallControl:
                        with pytest.raises(NotFound):
                            await source.control(_NO_CALL, action)
                if isinstance(source, Listens):
                    with pytest.raises(NotFound):
                        await anext(source.listen(_NO_CALL))
                assert ctx.live, "the other calls go on"

        asyncio.run(play())

    def test_a_paused_call_says_so_and_goes_on_when_asked(
        self, settings: dict[str, Any], ctx: FakeContext, tmp_path: Path
    ) -> None:
        """Each request comes twice, as it does over a bad connection."""

        async def play() -> None:
            async with self._in_a_call(settings, ctx, tmp_path) as (source, call):
                if not isinstance(source, Controls):
                    return
                for action, state in ((CallControl.PAUSE, LiveState.PAUSED), (CallControl.RESUME, LiveState.RECORDING)):
                    for _ in range(2):
                        assert (await source.control(call.id, action)).done
                    await until(lambda state=state: ctx.live[call.id].state is state, self.shown_s, f"the call {state}")

        asyncio.run(play())

    def test_a_pause_ends_by_itself_when_it_is_to(
        self, settings: dict[str, Any], ctx: FakeContext, tmp_path: Path
    ) -> None:
        """The list says when."""

        async def play() -> None:
            async with self._in_a_call(settings, ctx, tmp_path) as (source, call):
                if not isinstance(source, Controls):
                    return
                assert (await source.control(call.id, CallControl.PAUSE, resume_after_s=1.5)).done
                await until(lambda: ctx.live[call.id].state is LiveState.PAUSED, self.shown_s, "the pause")
                assert ctx.live[call.id].resumes_at is not None
                await until(
                    lambda: ctx.live[call.id].state is LiveState.RECORDING, self.shown_s, "the end of the pause"
                )

        asyncio.run(play())

    def test_what_is_heard_is_whole_samples_of_two_channels(
        self, settings: dict[str, Any], ctx: FakeContext, tmp_path: Path
    ) -> None:
        """And it ends with the call."""

        async def play() -> None:
            async with self._in_a_call(settings, ctx, tmp_path) as (source, call):
                if not isinstance(source, Listens) or not call.can_listen:
                    return
                heard_bytes = 0
                async with asyncio.timeout(self.shown_s):
                    async for block in source.listen(call.id):
                        assert isinstance(block, bytes)
                        assert len(block) % _SAMPLE_BYTES == 0
                        if heard_bytes < _HEARD_BYTES <= heard_bytes + len(block):
                            self.end_call(tmp_path)
                        heard_bytes += len(block)
                assert heard_bytes >= _HEARD_BYTES

        asyncio.run(play())

    def test_a_file_that_is_not_what_it_should_be_is_refused(
        self, settings: dict[str, Any], ctx: FakeContext, tmp_path: Path
    ) -> None:
        """With a word on why, and the source goes on."""

        async def play() -> None:
            async with self._in_a_call(settings, ctx, tmp_path) as (source, _):
                if not isinstance(source, TakesFiles):
                    return
                assert source.names, "say which files you take"
                wrong = tmp_path / "uploaded"
                wrong.write_bytes(b"bad: this is not what it should be")
                with pytest.raises(BadRecording):
                    await source.take_file(wrong, source.names[0].replace("*", "wrong"))
                assert ctx.live, "the calls go on"

        asyncio.run(play())

    @asynccontextmanager
    async def _in_a_call(
        self, settings: dict[str, Any], ctx: FakeContext, tmp_path: Path
    ) -> AsyncIterator[tuple[Source[Any], LiveCall]]:
        """The running source, and a call that it shows as being recorded."""
        source = self.make(settings, ctx)
        assert isinstance(source, Source)
        running = asyncio.create_task(source.run())
        try:
            self.begin_call(tmp_path)
            await until(lambda: ctx.live or running.done(), self.shown_s, "a call on the list")
            assert not running.done(), f"its run() ended with {running.exception()!r}"
            [call] = ctx.live.values()
            assert call.state is LiveState.RECORDING
            yield source, call
        finally:
            running.cancel()
            await asyncio.gather(running, return_exceptions=True)
            source.close()
