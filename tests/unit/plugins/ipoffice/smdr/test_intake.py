import asyncio
import time
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from hub.sdk import RetryLater
from plugins.ipoffice.smdr import intake as module
from plugins.ipoffice.smdr.intake import Intake
from tests.doubles.source_context import SourceContext, until


def row(call: int, *, last: bool = True, extension: int = 201, start: str = "2026/06/28 09:30:57") -> str:
    rest = f"{int(not last)},E{extension},Name {extension},T9002,LINE 1.2,0,0"
    return f"{start},00:00:13,7,01707392200,I,300,555300,,0,{call},{rest}"


def hand_over(ctx: SourceContext, intake: Intake, count: int) -> None:
    async def work() -> None:
        task = asyncio.create_task(intake.run())
        await until(lambda: len(ctx.details) == count)
        await asyncio.sleep(0.05)
        task.cancel()

    asyncio.run(work())


def test_a_call_is_handed_over_with_its_last_row_and_then_forgotten(tmp_path: Path) -> None:
    ctx = SourceContext(tmp_path)
    intake = Intake(ctx, None)
    intake.receive([row(1, last=False), row(2), "\0\0", "Call Start,Connected Time", row(1, extension=202)])
    hand_over(ctx, intake, 2)
    assert {detail.call_id: len(detail.parties) for detail in ctx.details.values()} == {"1": 3, "2": 2}
    assert list(ctx.state.items("smdr:")) == []


def test_rows_outlive_a_crash_until_their_call_is_handed_over(tmp_path: Path) -> None:
    ctx = SourceContext(tmp_path)
    Intake(ctx, None).receive([row(1, last=False), row(2)])
    again = Intake(ctx, None)
    again.restore()
    again.receive([row(1, extension=202)])
    hand_over(ctx, again, 2)
    assert max(len(detail.parties) for detail in ctx.details.values()) == 3
    assert list(ctx.state.items("smdr:")) == []


def test_a_hub_that_is_away_does_not_lose_a_call(tmp_path: Path) -> None:
    ctx = SourceContext(tmp_path)
    ctx.refusals = [RetryLater("full", after=timedelta(seconds=0.05)) for _ in range(3)]
    intake = Intake(ctx, None)
    intake.receive([row(1)])
    hand_over(ctx, intake, 1)


def test_a_call_without_a_last_row_is_handed_over_after_a_while_and_again_when_it_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "QUIET_S", 0.2)
    ctx = SourceContext(tmp_path)
    intake = Intake(ctx, None)

    async def work() -> None:
        task = asyncio.create_task(intake.run())
        intake.receive([row(1, last=False)])
        await until(lambda: len(ctx.details) == 1)
        assert len(list(ctx.state.items("smdr:"))) == 1
        intake.receive([row(1, extension=202)])
        await until(lambda: len(ctx.details) == 2)
        await until(lambda: not list(ctx.state.items("smdr:")))
        task.cancel()

    asyncio.run(work())
    assert len(list(ctx.details.values())[1].parties) == 3


def test_the_same_call_id_after_a_restart_of_the_pbx_is_another_call(tmp_path: Path) -> None:
    ctx = SourceContext(tmp_path)
    intake = Intake(ctx, None)
    intake.receive([row(1, last=False), row(1, start="2026/06/29 10:00:00")])
    hand_over(ctx, intake, 1)
    (detail,) = ctx.details.values()
    assert len(detail.parties) == 2


def test_open_calls_are_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "CALLS_MAX", 10)
    ctx = SourceContext(tmp_path)
    intake = Intake(ctx, None)
    intake.receive([row(number, last=False) for number in range(1, 31)])
    hand_over(ctx, intake, 20)


def test_rows_that_are_sent_twice_count_once(tmp_path: Path) -> None:
    ctx = SourceContext(tmp_path)
    intake = Intake(ctx, None)
    intake.receive([row(1, last=False), row(1, last=False), row(1, extension=202)])
    hand_over(ctx, intake, 1)
    (detail,) = ctx.details.values()
    assert detail.fields["smdr.connected_s"] == "26"


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.lists(st.text(max_size=60), max_size=10))
def test_no_lines_upset_the_intake(tmp_path: Path, lines: list[str]) -> None:
    begun_s = time.monotonic()
    Intake(SourceContext(tmp_path), None).receive(lines)
    assert time.monotonic() - begun_s < 5
