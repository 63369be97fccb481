"""Stand-ins for what the hub gives a plug-in."""

import asyncio
import hashlib
import json
import re
import threading
from base64 import b64decode, b64encode
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

from hub.sdk import (
    AbsentCall,
    Alarm,
    BadRecording,
    CallDetail,
    CallOutline,
    Health,
    LiveCall,
    MediaFile,
    NotFound,
    Receipt,
    RecordingDraft,
    RetryLater,
    SettingsError,
    Stage,
    Verdict,
)

_SHA256 = re.compile("[0-9a-f]{64}")


class ListLog:
    """Collects (level, event, facts), so that a test can ask what was logged."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, dict[str, Any]]] = []

    @property
    def events(self) -> list[str]:
        """The names of all events, in order."""
        return [event for _, event, _ in self.lines]

    def debug(self, event: str, **facts: Any) -> None:
        """Of use to an engineer."""
        self.lines.append(("debug", event, facts))

    def info(self, event: str, **facts: Any) -> None:
        """Normal work."""
        self.lines.append(("info", event, facts))

    def warning(self, event: str, **facts: Any) -> None:
        """Works, and should be looked at."""
        self.lines.append(("warning", event, facts))

    def error(self, event: str, **facts: Any) -> None:
        """Did not work."""
        self.lines.append(("error", event, facts))


class FakeState:
    """A plug-in's memory, kept for as long as the context lives; values go through JSON as they do in the hub."""

    def __init__(self) -> None:
        self._texts: dict[str, str] = {}
        self._lock = threading.Lock()

    def get(self, key: str) -> Any:
        """The value of `key`, None if there is none."""
        text = self._texts.get(key)
        return None if text is None else json.loads(text)

    def put(self, key: str, value: Any) -> None:
        """Keep `value`."""
        self.put_many({key: value})

    def put_many(self, values: Mapping[str, Any]) -> None:
        """Keep all of `values`, or none."""
        texts = {key: json.dumps(value) for key, value in values.items()}
        with self._lock:
            self._texts |= texts

    def delete(self, *keys: str) -> None:
        """Forget `keys`."""
        with self._lock:
            for key in keys:
                self._texts.pop(key, None)

    def items(self, prefix: str = "") -> Iterator[tuple[str, Any]]:
        """All (key, value) whose key starts with `prefix`, in the order of keys."""
        with self._lock:
            found = sorted((key, text) for key, text in self._texts.items() if key.startswith(prefix))
        return ((key, json.loads(text)) for key, text in found)


class FakeContext:
    """An in-memory `PluginContext`: takes recordings as strictly as the hub does, and fails as it can.

    submitted: origin id -> draft. received: origin ids in the order of their first receipt. media: origin id -> the
    bytes of each media file at the moment of the receipt. attempts: calls of submit, with refused and repeated ones.
    trouble: raised by every submit while it is set. bad: origin ids, or names of media files, that are refused.
    alarms: what is open now. stages: receipt id -> stage, SPOOLED if not set. absences: absence id -> what is known of
    a call without recording. rules: what decides; all calls are recorded if it is not set. outlines: the calls that
    were decided on. live: the calls that are shown now, by id; live_history: all that was shown, None for a removal.
    """

    def __init__(self, folder: Path, instance: str = "Test") -> None:
        self._folder = folder
        self._instance = instance
        self._log = ListLog()
        self._state = FakeState()
        self.submitted: dict[str, RecordingDraft] = {}
        self.received: list[str] = []
        self.media: dict[str, tuple[bytes, ...]] = {}
        self.details: dict[str, CallDetail] = {}
        self.absences: dict[str, AbsentCall] = {}
        self.rules: Callable[[CallOutline], Verdict] = lambda _call: Verdict()
        self.outlines: list[CallOutline] = []
        self.live: dict[str, LiveCall] = {}
        self.live_history: list[tuple[str, LiveCall | None]] = []
        self.attempts = 0
        self.faults: list[str] = []
        self.trouble: Exception | None = None
        self.bad: set[str] = set()
        self.gate = threading.Event()
        self.gate.set()
        self.stages: dict[str, Stage] = {}
        self.catalog_away = False
        self.health: list[Health] = []
        self.alarms: dict[str, Alarm] = {}
        self.alarm_history: list[tuple[str, Alarm | None]] = []

    @property
    def instance(self) -> str:
        """The name of the instance."""
        return self._instance

    @property
    def log(self) -> ListLog:
        """Where to say what happens."""
        return self._log

    @property
    def state(self) -> FakeState:
        """The instance's memory; share a context between two lives of a plug-in to test a restart."""
        return self._state

    @property
    def scratch(self) -> Path:
        """A folder of the instance's own."""
        folder = self._folder / "scratch"
        folder.mkdir(parents=True, exist_ok=True)
        return folder

    def forget_state(self) -> None:
        """The memory is lost, as it is with a damaged disk."""
        self._state = FakeState()

    def fill_disk(self) -> None:
        """From now on the hub takes nothing; `free_disk` ends it."""
        self.trouble = RetryLater("The disk of the spool is full.", hint="Make room.")

    def free_disk(self) -> None:
        """The hub takes recordings again."""
        self.trouble = None

    async def submit(self, draft: RecordingDraft) -> Receipt:
        """Take a recording, as the hub does: its bytes are read before the receipt.

        Raises: RetryLater, BadRecording; AssertionError where the draft breaks the contract.
        """
        self.attempts += 1
        try:
            check_draft(draft)
        except AssertionError as exc:
            self.faults.append(str(exc).partition("\n")[0])
            raise
        while not self.gate.is_set():  # noqa: ASYNC110 - an asyncio.Event belongs to one loop, a context to several
            await asyncio.sleep(0.01)
        if self.trouble is not None:
            raise self.trouble
        receipt_id = receipt_of(draft.origin_id)
        if draft.origin_id in self.submitted:
            return Receipt(receipt_id, duplicate=True)
        names = {draft.origin_id, *(media.path.name for media in draft.media if isinstance(media, MediaFile))}
        if names & self.bad:
            raise BadRecording("This recording is refused.")
        media = tuple(_read(file) for file in draft.media if isinstance(file, MediaFile))
        self.submitted[draft.origin_id] = draft
        self.media[draft.origin_id] = media
        self.received.append(draft.origin_id)
        return Receipt(receipt_id, sha256=tuple(hashlib.sha256(part).hexdigest() for part in media))

    async def submit_detail(self, detail: CallDetail) -> Receipt:
        """Take what a PBX says about a call."""
        assert detail.detail_id, "a detail needs an id"
        _check_moment(detail.started_at, "started_at")
        _check_moment(detail.ended_at, "ended_at")
        if self.trouble is not None:
            raise self.trouble
        duplicate = detail.detail_id in self.details
        self.details.setdefault(detail.detail_id, detail)
        return Receipt(receipt_of(detail.detail_id), duplicate=duplicate)

    async def submit_absence(self, call: AbsentCall) -> Receipt:
        """Take what is known of a call that was not recorded."""
        assert call.absence_id, "an absence needs an id"
        _check_moment(call.started_at, "started_at")
        _check_moment(call.ended_at, "ended_at")
        if self.trouble is not None:
            raise self.trouble
        duplicate = call.absence_id in self.absences
        self.absences.setdefault(call.absence_id, call)
        return Receipt(receipt_of(call.absence_id), duplicate=duplicate)

    def decide(self, call: CallOutline) -> Verdict:
        """What `rules` says."""
        _check_moment(call.started_at, "started_at")
        self.outlines.append(call)
        return self.rules(call)

    def show_call(self, call: LiveCall) -> None:
        """Put a call on the list."""
        assert call.id, "a live call needs an id"
        _check_moment(call.started_at, "started_at")
        self.live[call.id] = call
        self.live_history.append((call.id, call))

    def drop_call(self, call_id: str) -> None:
        """Take a call off the list."""
        self.live.pop(call_id, None)
        self.live_history.append((call_id, None))

    def seal(self, plain: bytes) -> str:
        """Bytes as text that shows no plain bytes."""
        return f"fake.{b64encode(plain[::-1]).decode()}"

    def unseal(self, sealed: str) -> bytes:
        """What `seal` was given. Raises: SettingsError for anything else."""
        kind, _, text = sealed.partition(".")
        if kind != "fake":
            raise SettingsError("This was sealed by somebody else.")
        return b64decode(text)[::-1]

    async def stage(self, receipt_id: str) -> Stage:
        """How far a recording has come: what the test put into `stages`.

        Raises: RetryLater while `catalog_away` is set; NotFound.
        """
        if self.catalog_away:
            raise RetryLater("The catalog is away.")
        if receipt_id in self.stages:
            return self.stages[receipt_id]
        if receipt_id in {receipt_of(origin_id) for origin_id in self.submitted}:
            return Stage.SPOOLED
        raise NotFound("There is no such receipt.")

    def set_stage(self, origin_id: str, stage: Stage) -> None:
        """From now on the recording has come this far."""
        self.stages[receipt_of(origin_id)] = stage

    def report(self, health: Health) -> None:
        """Say how it is now."""
        self.health.append(replace(health, numbers=dict(health.numbers)))

    def raise_alarm(self, alarm: Alarm) -> None:
        """Raise or update a condition."""
        assert alarm.key, "an alarm needs a key"
        assert alarm.text, "an alarm needs a text"
        self.alarms[alarm.key] = alarm
        self.alarm_history.append((alarm.key, alarm))

    def clear_alarm(self, key: str) -> None:
        """The condition is over."""
        self.alarms.pop(key, None)
        self.alarm_history.append((key, None))


def receipt_of(origin_id: str) -> str:
    """The receipt id that a `FakeContext` gives for an origin id."""
    return hashlib.sha256(origin_id.encode("utf-8", "surrogatepass")).hexdigest()


def check_draft(draft: RecordingDraft) -> None:
    """Whether a draft keeps the contract.

    Raises: AssertionError saying what is wrong with it.
    """
    assert draft.origin_id, "a recording needs an origin id"
    _check_moment(draft.started_at, "started_at")
    assert draft.duration_s is None or draft.duration_s >= 0, "a recording cannot last less than nothing"
    assert draft.media, "a recording needs media"
    for media in draft.media:
        assert not media.sha256 or _SHA256.fullmatch(media.sha256), "sha256 is 64 lowercase hex digits, or empty"
    if draft.notice.at is not None:
        _check_moment(draft.notice.at, "notice.at")
    _check_values(draft, "fields", draft.fields, str)
    _check_values(draft, "provenance", draft.provenance, str)
    _check_values(draft, "raw", draft.raw, bytes)
    for event in draft.events:
        assert event.at_s >= 0, "an event cannot be before the recording"
        assert event.until_s is None or event.until_s >= event.at_s, "an event cannot end before it begins"


def _check_values(draft: RecordingDraft, what: str, values: Mapping[str, Any], wanted: type) -> None:
    for name, value in values.items():
        assert isinstance(name, str), f"{draft.origin_id}: the name {name!r} in {what} is no text"
        found = type(value).__name__
        assert isinstance(value, wanted), f"{draft.origin_id}: {what}[{name!r}] is {found}, not {wanted.__name__}"


def _check_moment(moment: datetime, name: str) -> None:
    assert moment.tzinfo is not None, f"{name} has no time zone"
    offset = moment.utcoffset()
    assert offset is not None, f"{name} has no time zone"
    assert not offset, f"{name} is not in UTC"


def _read(media: MediaFile) -> bytes:
    """The bytes of a media file, as they are when the hub takes them.

    Raises: BadRecording if it cannot be read or is not what the source said.
    """
    try:
        data = media.path.read_bytes()
    except OSError as exc:
        raise BadRecording(f"The media cannot be read: {exc}") from exc
    if media.sha256 and media.sha256 != hashlib.sha256(data).hexdigest():
        raise BadRecording("The media changed since it was looked at.")
    return data
