"""The fake context is as strict as the hub."""

import asyncio
from datetime import UTC, datetime, timedelta, timezone

import pytest

from hub.sdk import (
    Alarm,
    BadRecording,
    CallDetail,
    Health,
    HealthState,
    MediaFile,
    NotFound,
    PluginContext,
    RecordingDraft,
    RetryLater,
    Severity,
    Stage,
)
from hub.testing import FakeContext

NOW = datetime(2026, 11, 21, tzinfo=UTC)


@pytest.fixture
def ctx(tmp_path):
    return FakeContext(tmp_path)


def draft(tmp_path, name="a", **changes):
    (tmp_path / name).write_bytes(b"sound of " + name.encode())
    values = {"origin_id": name, "started_at": NOW, "media": (MediaFile(path=tmp_path / name),)}
    return RecordingDraft(**{**values, **changes})


def submit(ctx, item):
    return asyncio.run(ctx.submit(item))


def test_it_is_a_plug_in_context(ctx):
    as_context: PluginContext = ctx
    assert as_context.instance == "Test"


def test_a_recording_is_taken_with_its_bytes_and_the_second_time_is_a_duplicate(ctx, tmp_path):
    first = submit(ctx, draft(tmp_path))
    (tmp_path / "a").unlink()
    assert ctx.media["a"] == (b"sound of a",)
    assert not first.duplicate
    again = submit(ctx, RecordingDraft(origin_id="a", started_at=NOW, media=(MediaFile(path=tmp_path / "a"),)))
    assert (again.id, again.duplicate) == (first.id, True)
    assert (ctx.received, ctx.attempts) == (["a"], 2)


@pytest.mark.parametrize(
    "changes",
    [
        {"origin_id": ""},
        {"started_at": datetime(2026, 1, 1)},  # noqa: DTZ001
        {"started_at": NOW.astimezone(timezone(timedelta(hours=2)))},
        {"media": ()},
        {"duration_s": -1.0},
        {"fields": {"n": 3}},
        {"raw": {"chunk": "text"}},
        {"media": (MediaFile(path=None, sha256="ABC"),)},
    ],
)
def test_a_draft_that_breaks_the_contract_is_refused(ctx, tmp_path, changes):
    with pytest.raises(AssertionError):
        submit(ctx, draft(tmp_path, **changes))


def test_what_is_wrong_with_a_draft_names_it_and_is_remembered(ctx, tmp_path):
    with pytest.raises(AssertionError):
        submit(ctx, draft(tmp_path, "call 7", raw={"chunk": "text"}))
    assert ctx.faults == ["call 7: raw['chunk'] is str, not bytes"]


def test_media_that_changed_or_went_is_a_bad_recording(ctx, tmp_path):
    changed = draft(tmp_path, media=(MediaFile(path=tmp_path / "a", sha256="0" * 64),))
    gone = draft(tmp_path, media=(MediaFile(path=tmp_path / "gone"),))
    for item in (changed, gone):
        with pytest.raises(BadRecording):
            submit(ctx, item)
    assert ctx.received == []


def test_a_full_disk_takes_nothing_until_it_is_free(ctx, tmp_path):
    ctx.fill_disk()
    with pytest.raises(RetryLater):
        submit(ctx, draft(tmp_path))
    ctx.free_disk()
    submit(ctx, draft(tmp_path))


def test_stages_are_what_the_test_says(ctx, tmp_path):
    receipt = submit(ctx, draft(tmp_path))
    assert asyncio.run(ctx.stage(receipt.id)) is Stage.SPOOLED
    ctx.set_stage("a", Stage.COPIED)
    assert asyncio.run(ctx.stage(receipt.id)) is Stage.COPIED
    with pytest.raises(NotFound):
        asyncio.run(ctx.stage("no such"))
    ctx.catalog_away = True
    with pytest.raises(RetryLater):
        asyncio.run(ctx.stage(receipt.id))


def test_details_alarms_health_and_log_are_kept(ctx):
    detail = CallDetail(detail_id="d", rule="smdr", started_at=NOW, ended_at=NOW)
    assert not asyncio.run(ctx.submit_detail(detail)).duplicate
    assert asyncio.run(ctx.submit_detail(detail)).duplicate
    ctx.raise_alarm(Alarm(key="k", code="C", severity=Severity.MINOR, text="T"))
    assert set(ctx.alarms) == {"k"}
    ctx.clear_alarm("k")
    assert ctx.alarms == {}
    ctx.report(Health(HealthState.OK))
    ctx.log.info("folder.scanned", files=3)
    assert (ctx.health[-1].state, ctx.log.events) == (HealthState.OK, ["folder.scanned"])


def test_state_goes_through_json_as_in_the_hub(ctx):
    ctx.state.put_many({"b/2": (1, 2), "b/1": None, "a": {"x": 1}})
    assert list(ctx.state.items("b/")) == [("b/1", None), ("b/2", [1, 2])]
    with pytest.raises(TypeError):
        ctx.state.put("c", object())
    ctx.state.delete("a", "never")
    assert ctx.state.get("a") is None
    ctx.forget_state()
    assert list(ctx.state.items()) == []
