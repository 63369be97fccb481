"""Live updates: one task reads the outbox and hands each event to the open pages of those who may know of it.

A page keeps one stream (server-sent events). Each stream has a bounded queue: a page that cannot keep up is told to
fetch itself again (`resync`) and misses nothing that matters. After a break the browser says what it had last
(Last-Event-ID), and the outbox gives it the rest.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

import structlog
from anyio import to_thread
from sse_starlette import EventSourceResponse, ServerSentEvent

from hub import ids
from hub.access.permissions import allows
from hub.access.person import Person
from hub.access.reader import RecordingReader
from hub.catalog import events
from hub.catalog.events import StoredEvent, Topic
from hub.db.database import Database
from hub.errors import HubError
from webui.told import told

POLL_S = 0.25
QUEUE_EVENTS = 200
REPLAY_EVENTS = 500
PING_S = 15
_CHECK_S = 30.0
_AWAY_S = 2.0
NEEDED = {
    Topic.RECORDING_CATALOGUED: "recording.list",
    Topic.RECORDING_CHANGED: "recording.list",
    Topic.SPOOL_CHANGED: "recording.list",
    Topic.INSTANCE_HEALTH: "device.list",
    Topic.LIVE_CHANGED: "live.list",
    Topic.ALARM_RAISED: "alarm.list",
    Topic.ALARM_ACKNOWLEDGED: "alarm.list",
    Topic.ALARM_CLEARED: "alarm.list",
    Topic.QUARANTINE_CHANGED: "quarantine.list",
}
_OF_ONE_RECORDING = frozenset({Topic.RECORDING_CATALOGUED, Topic.RECORDING_CHANGED})
_log = structlog.get_logger(__name__)


@dataclass(slots=True, eq=False)
class Stream:
    """One open page. None in the queue ends it; `lagging` means that events were dropped."""

    person: Person
    queue: asyncio.Queue[StoredEvent | None] = field(default_factory=lambda: asyncio.Queue(QUEUE_EVENTS))
    lagging: bool = False

    def put(self, event: StoredEvent) -> None:
        """Queue an event, or remember that there was no room."""
        try:
            self.queue.put_nowait(event)
        except asyncio.QueueFull:
            self.lagging = True


class Live:
    """Hands events from the outbox to streams."""

    def __init__(self, db: Database, reader: RecordingReader, *, poll_s: float = POLL_S) -> None:
        self._db = db
        self._reader = reader
        self._poll_s = poll_s
        self._streams: set[Stream] = set()
        self._last_id: int | None = None
        self._closing = asyncio.Event()

    @property
    def open_streams(self) -> int:
        """How many pages listen."""
        return len(self._streams)

    async def run(self) -> None:
        """Poll until cancelled; while the database is away, wait."""
        try:
            while True:
                await asyncio.sleep(self._poll_s)
                try:
                    await self._poll()
                except HubError as away:
                    _log.warning("live.postponed", reason=str(away))
                    await asyncio.sleep(_AWAY_S)
        finally:
            await self.close()

    async def close(self) -> None:
        """End every stream."""
        self._closing.set()
        for stream in tuple(self._streams):
            _end(stream)

    async def _poll(self) -> None:
        if not self._streams:
            self._last_id = None
            return
        if self._last_id is None:  # the database was away when a page came
            self._last_id = await to_thread.run_sync(self.newest_id)
            for stream in self._streams:
                stream.lagging = True
            return
        found = await to_thread.run_sync(self._after, self._last_id, REPLAY_EVENTS)
        if not found:
            return
        self._last_id = found[-1].id
        for stream in tuple(self._streams):
            for event in await to_thread.run_sync(self.visible_to, stream.person, found):
                stream.put(event)

    def newest_id(self) -> int:
        """The id of the last event there is: a page that is made now has seen everything up to it."""
        with self._db.read() as session:
            return events.last_id(session)

    def _after(self, last_id: int, limit: int) -> list[StoredEvent]:
        with self._db.read() as session:
            return events.after(session, last_id, limit)

    def visible_to(self, person: Person, found: Sequence[StoredEvent]) -> list[StoredEvent]:
        """Those of the events that the person may know of: by permission, and for recordings by scope."""
        about = {event.id: _recording_of(event) for event in found if event.topic in _OF_ONE_RECORDING}
        seen = self._reader.seen_of(person, {number for number in about.values() if number is not None})
        return [
            event
            for event in found
            if _may_follow(person, event.topic) and (event.id not in about or about[event.id] in seen)
        ]

    def respond(self, person: Person, last_event_id: str, still_signed_in: Callable[[], bool]) -> EventSourceResponse:
        """The stream of one page.

        still_signed_in: asked now and then; blocking. A page whose session has ended is told so and let go.
        """
        content = self._content(person, last_event_id, still_signed_in)
        return EventSourceResponse(content, ping=PING_S, headers={"Cache-Control": "no-store"})

    async def _content(
        self, person: Person, last_event_id: str, still_signed_in: Callable[[], bool]
    ) -> AsyncIterator[ServerSentEvent]:
        stream = Stream(person)
        await self._join(stream)
        try:
            yield ServerSentEvent(comment="hello", retry=3000)
            sent_id = 0
            async for message in self._missed(person, last_event_id):
                sent_id = int(message.id or 0)
                yield message
            while not self._closing.is_set():
                following = await self._next(stream, sent_id)
                if following is not None:
                    yield following
                elif not await to_thread.run_sync(still_signed_in):
                    yield ServerSentEvent(data="{}", event="bye")
                    return
        finally:
            self._streams.discard(stream)

    async def _join(self, stream: Stream) -> None:
        """Nothing falls between what is asked for once and what is polled from then on."""
        newest: int | None = None
        with suppress(HubError):
            newest = await to_thread.run_sync(self.newest_id)
        if self._last_id is None:
            self._last_id = newest
        self._streams.add(stream)

    async def _next(self, stream: Stream, sent_id: int) -> ServerSentEvent | None:
        """The next message; None if nothing came for a while or the hub stops."""
        if stream.lagging and stream.queue.empty():
            stream.lagging = False
            return ServerSentEvent(data="{}", event="resync")
        with suppress(TimeoutError):
            event = await asyncio.wait_for(stream.queue.get(), _CHECK_S)
            if event is not None and event.id > sent_id:
                return _message(event)
            if event is not None:
                return ServerSentEvent(comment="sent before")
        return None

    async def _missed(self, person: Person, last_event_id: str) -> AsyncIterator[ServerSentEvent]:
        """What happened while the page was cut off; too much of it is told as one `resync`."""
        if not last_event_id.isdecimal() or len(last_event_id) > 18:
            return
        try:
            found = await to_thread.run_sync(self._after, int(last_event_id), REPLAY_EVENTS)
        except HubError:
            return
        if len(found) == REPLAY_EVENTS:
            yield ServerSentEvent(data="{}", event="resync", id=str(found[-1].id))
            return
        for event in await to_thread.run_sync(self.visible_to, person, found):
            yield _message(event)


def _may_follow(person: Person, topic: str) -> bool:
    return topic in NEEDED and allows(person, NEEDED[Topic(topic)])


def _recording_of(event: StoredEvent) -> int | None:
    try:
        return ids.from_text(event.subject.rpartition(":")[2])
    except ValueError:
        return None


def _end(stream: Stream) -> None:
    while True:
        try:
            stream.queue.put_nowait(None)
        except asyncio.QueueFull:
            stream.queue.get_nowait()
        else:
            return


def _message(event: StoredEvent) -> ServerSentEvent:
    payload = dict(event.payload)
    if event.topic == Topic.ALARM_RAISED:
        payload["text"] = told(payload["text"])
    message = {"topic": event.topic, "subject": event.subject, "payload": payload}
    return ServerSentEvent(data=json.dumps(message, ensure_ascii=False), event=event.topic, id=str(event.id))
