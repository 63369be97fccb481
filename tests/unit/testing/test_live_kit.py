"""The kit passes a source that keeps the contract of live calls, and catches those that break it."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hub.testing import FakeContext, LiveConformance
from tests.doubles import plugins, switchboard


@pytest.fixture(autouse=True)
def _installed(tmp_path: Path) -> Iterator[None]:
    with plugins.on_path(tmp_path / "site") as site:
        switchboard.install(site)
        TestSwitchboard.plugin = importlib.import_module("rechub_switchboard").Switchboard
        yield


class TestSwitchboard(LiveConformance):
    @pytest.fixture
    def settings(self, tmp_path: Path) -> dict[str, Any]:
        (tmp_path / "board").mkdir(exist_ok=True)
        return {"folder": str(tmp_path / "board"), "pause_ms": 1, "hands_over": True}

    def begin_call(self, tmp_path: Path) -> None:
        switchboard.begin(tmp_path / "board", "one")

    def end_call(self, tmp_path: Path) -> None:
        switchboard.end(tmp_path / "board", "one")


def broken(**methods: Any) -> LiveConformance:
    """The kit for a switchboard some of whose methods were replaced."""

    class Broken(TestSwitchboard):
        plugin = type("Broken", (TestSwitchboard.plugin,), methods)

    return Broken()


async def _ignores(_self: Any, _call: str, _action: str, **_: Any) -> Any:
    from hub.sdk import ControlResult  # noqa: PLC0415

    return ControlResult(done=True)


async def _odd(_self: Any, _call: str) -> Any:
    yield b"odd"


async def _hands_over_text(self: Any, call: Any) -> Any:
    from hub.sdk import MediaFile, RecordingDraft  # noqa: PLC0415

    media = (MediaFile(path=self.folder / "unsealed"),)
    await self.ctx.submit(
        RecordingDraft(origin_id="one", started_at=call.started_at, media=media, raw={"note": "text"})
    )


async def _hands_nothing_over(_self: Any, _call: Any) -> None:
    pass


@pytest.mark.parametrize(
    ("test", "methods"),
    [
        ("test_a_call_that_nobody_knows_is_not_found", {"control": _ignores}),
        ("test_a_paused_call_says_so_and_goes_on_when_asked", {"control": _ignores}),
        ("test_what_is_heard_is_whole_samples_of_two_channels", {"listen": _odd}),
        ("test_a_call_is_shown_while_it_goes_on", {"hand_over": _hands_over_text}),
        ("test_a_call_is_shown_while_it_goes_on", {"hand_over": _hands_nothing_over}),
    ],
)
def test_a_source_that_breaks_the_contract_is_caught(
    test: str, methods: dict[str, Any], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "board").mkdir()
    monkeypatch.setattr(LiveConformance, "shown_s", 2.0)
    settings = {"folder": str(tmp_path / "board"), "hands_over": True}
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        getattr(broken(**methods), test)(settings, FakeContext(tmp_path / "hub"), tmp_path)
