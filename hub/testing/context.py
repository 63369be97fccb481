"""What the hub gives a plug-in, kept in memory: a test asks what was handed over, and makes the hub refuse."""

import asyncio
import hashlib
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hub.sdk import Alarm, BadRecording, CallDetail, Health, MediaFile, Receipt, RecordingDraft, Stage


class MemoryState:
    """A plug-in's memory; values go through JSON, as they do in a real hub."""

    def __init__(self) -> None:
        self.values: dict[str, str] = {}

    def get(self, key: str) -> Any:
        """The value of `key`, None if there is none."""
        return json.loads(self.values[key]) if key in self.values else None

    def put(self, key: str, value: Any) -> None:
        """Keep `value`."""
        self.put_many({key: value})

    def put_many(self, values: Mapping[str, Any]) -> None:
        """Keep all of `values`."""
        self.values |= {key: json.dumps(value) for key, value in values.items()}

    def delete(self, *keys: str) -> None:
        """Forget `keys`."""
        for key in keys:
            self.values.pop(key, None)

    def items(self, prefix: str = "") -> Iterator[tuple[str, Any]]:
        """All (key, value) whose key starts with `prefix`, in the order of keys."""
        for key in sorted(self.values):
            if key.startswith(prefix) and key in self.values:
                yield key, json.loads(self.values[key])


class ListLog:
    """Log lines as (event, facts), oldest first."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, dict[str, Any]]] = []

    def debug(self, event: str, **facts: Any) -> None:
        """Keep the line."""
        self.lines.append((event, facts))

    info = warning = error = debug

    def events(self) -> list[str]:
        """The events alone."""
        return [event for event, _ in self.lines]


@dataclass(frozen=True, slots=True)
class Taken:
    """One recording that was handed over; media: its bytes by file. at_s: on the monotonic clock."""

    draft: RecordingDraft
    media: tuple[bytes, ...]
    at_s: float


@dataclass(slots=True)
class FakeContext:
    """A hub that takes everything, unless `refusals` says what to raise next.

    taken: what was handed over, each once. stages: receipt -> how far it has come; SPOOLED where nothing is said.
    alarms: open ones by key; alarm_history: "+CODE" and "-CODE".
    """

    folder: Path
    instance: str = "Head office"
    log: ListLog = field(default_factory=ListLog)
    state: MemoryState = field(default_factory=MemoryState)
    taken: list[Taken] = field(default_factory=list)
    details: dict[str, CallDetail] = field(default_factory=dict)
    duplicates: int = 0
    refusals: list[Exception] = field(default_factory=list)
    stages: dict[str, Stage] = field(default_factory=dict)
    healths: list[Health] = field(default_factory=list)
    alarms: dict[str, Alarm] = field(default_factory=dict)
    alarm_history: list[str] = field(default_factory=list)
    _receipts: set[str] = field(default_factory=set)

    @property
    def scratch(self) -> Path:
        """A folder of this instance's own."""
        folder = self.folder / "scratch"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    async def submit(self, draft: RecordingDraft) -> Receipt:
        """Take the recording over as the hub does: its bytes are read, and compared with what the draft says.

        Raises: the next of `refusals`; BadRecording if a media file cannot be read or is not what was announced.
        """
        if self.refusals:
            raise self.refusals.pop(0)
        files = [media for media in draft.media if isinstance(media, MediaFile)]
        contents = [await asyncio.to_thread(_read, file) for file in files]
        receipt_id = hashlib.sha256(draft.origin_id.encode("utf-8", "surrogateescape")).hexdigest()
        duplicate = receipt_id in self._receipts
        self.duplicates += duplicate
        if not duplicate:
            self._receipts.add(receipt_id)
            self.taken.append(Taken(draft, tuple(contents), time.monotonic()))
        return Receipt(receipt_id, duplicate, tuple(hashlib.sha256(content).hexdigest() for content in contents))

    async def submit_detail(self, detail: CallDetail) -> Receipt:
        """Take what the PBX said about a call.

        Raises: the next of `refusals`.
        """
        if self.refusals:
            raise self.refusals.pop(0)
        duplicate = detail.detail_id in self.details
        self.details[detail.detail_id] = detail
        return Receipt(detail.detail_id, duplicate)

    async def stage(self, receipt_id: str) -> Stage:
        """What `stages` says."""
        return self.stages.get(receipt_id, Stage.SPOOLED)

    def report(self, health: Health) -> None:
        """Keep the report."""
        self.healths.append(health)

    def raise_alarm(self, alarm: Alarm) -> None:
        """Keep the alarm."""
        self.alarms[alarm.key] = alarm
        self.alarm_history.append(f"+{alarm.code}")

    def clear_alarm(self, key: str) -> None:
        """Forget the alarm."""
        if alarm := self.alarms.pop(key, None):
            self.alarm_history.append(f"-{alarm.code}")

    @property
    def health(self) -> Health:
        """The last report."""
        return self.healths[-1]

    def names(self) -> list[str]:
        """The origin names of what was taken, sorted."""
        return sorted(taken.draft.origin_name for taken in self.taken)

    def draft(self, name: str) -> RecordingDraft:
        """What was taken under the origin name `name`."""
        return next(taken.draft for taken in self.taken if taken.draft.origin_name == name)

    def restarted(self) -> "FakeContext":
        """The same instance after a restart: its memory, scratch folder and receipts are as they were."""
        after = FakeContext(self.folder, self.instance, state=self.state)
        after._receipts = self._receipts
        return after


def _read(media: MediaFile) -> bytes:
    try:
        content = media.path.read_bytes()
    except OSError as exc:
        raise BadRecording(f"{media.path.name} cannot be read: {exc.strerror}") from exc
    if media.sha256 and hashlib.sha256(content).hexdigest() != media.sha256:
        raise BadRecording(f"{media.path.name} changed since it was looked at")
    return content
