"""What the hub gives a source plug-in, kept in memory, so that a test can ask what was handed over and make it fail."""

import asyncio
import hashlib
import json
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from hub.sdk import (
    Alarm,
    BadRecording,
    CallDetail,
    Health,
    HealthState,
    MediaFile,
    Receipt,
    RecordingDraft,
    Source,
    Stage,
)


class MemoryState:
    """Keys and JSON values; a copy is kept, as a real one would."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def get(self, key: str) -> Any:
        return json.loads(self.values[key]) if key in self.values else None

    def put(self, key: str, value: Any) -> None:
        self.put_many({key: value})

    def put_many(self, values: Mapping[str, Any]) -> None:
        self.values |= {key: json.dumps(value) for key, value in values.items()}

    def delete(self, *keys: str) -> None:
        for key in keys:
            self.values.pop(key, None)

    def items(self, prefix: str = "") -> Iterator[tuple[str, Any]]:
        for key in sorted(self.values):
            if key.startswith(prefix) and key in self.values:
                yield key, json.loads(self.values[key])


class ListLog:
    """Log lines as (event, facts)."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def debug(self, event: str, **facts: Any) -> None:
        self.lines.append((event, facts))

    info = warning = error = debug

    def events(self) -> list[str]:
        return [event for event, _ in self.lines]


class SourceContext:
    """A hub that takes everything, unless `refusals` says what to raise next.

    taken: origin name -> (draft, bytes of its media, monotonic seconds of the receipt). stages: receipt -> stage.
    """

    instance = "Head office"

    def __init__(self, folder: Path) -> None:
        self.log = ListLog()
        self.state = MemoryState()
        self.scratch = folder / "scratch"
        self.scratch.mkdir(parents=True, exist_ok=True)
        self.receipts: dict[str, RecordingDraft] = {}
        self.taken: list[tuple[RecordingDraft, bytes, float]] = []
        self.details: dict[str, CallDetail] = {}
        self.duplicates = 0
        self.refusals: list[Exception] = []
        self.stages: dict[str, Stage] = {}
        self.healths: list[Health] = []
        self.alarms: dict[str, Alarm] = {}
        self.alarm_history: list[str] = []

    async def submit(self, draft: RecordingDraft) -> Receipt:
        if self.refusals:
            raise self.refusals.pop(0)
        (media,) = draft.media
        assert isinstance(media, MediaFile)
        try:
            data = await asyncio.to_thread(media.path.read_bytes)
        except OSError as error:
            raise BadRecording(f"cannot be read: {error.strerror}") from None
        if hashlib.sha256(data).hexdigest() != media.sha256:
            raise BadRecording("it changed since it was looked at")
        receipt_id = hashlib.sha256(draft.origin_id.encode()).hexdigest()
        duplicate = receipt_id in self.receipts
        self.duplicates += duplicate
        if not duplicate:
            self.receipts[receipt_id] = draft
            self.taken.append((draft, data, time.monotonic()))
        return Receipt(receipt_id, duplicate, (media.sha256,))

    async def submit_detail(self, detail: CallDetail) -> Receipt:
        if self.refusals:
            raise self.refusals.pop(0)
        duplicate = detail.detail_id in self.details
        self.details[detail.detail_id] = detail
        return Receipt(detail.detail_id, duplicate)

    async def stage(self, receipt_id: str) -> Stage:
        return self.stages.get(receipt_id, Stage.SPOOLED)

    def report(self, health: Health) -> None:
        self.healths.append(health)

    def raise_alarm(self, alarm: Alarm) -> None:
        self.alarms[alarm.key] = alarm
        self.alarm_history.append(f"+{alarm.code}")

    def clear_alarm(self, key: str) -> None:
        if alarm := self.alarms.pop(key, None):
            self.alarm_history.append(f"-{alarm.code}")

    @property
    def health(self) -> Health:
        return self.healths[-1] if self.healths else Health(HealthState.OK, "it has said nothing yet")

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
