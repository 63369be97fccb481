"""The lamps of connectors and notifiers: each is checked from time to time, in a process of its own."""

import asyncio
import time
from dataclasses import dataclass, field

from hub.alerts.board import Board
from hub.alerts.codes.devices import DEVICE_DOWN
from hub.alerts.codes.storage import STORAGE_DOWN
from hub.runtime.checks import Checks
from hub.runtime.failure import Failure, FailureKind, PluginFailure
from hub.runtime.instance import InstanceHealth, InstanceState, alarm_source
from hub.runtime.instance_alarms import DOWN_KEY, reason_of
from hub.runtime.limits import Limits
from hub.runtime.reports import Reports
from hub.runtime.roster import RosterEntry
from hub.sdk import Health, Kind

WATCHED = frozenset({Kind.CONNECTOR, Kind.NOTIFIER})
_FAILURES = 2
_STATES = {
    FailureKind.SETTINGS: InstanceState.NEEDS_SETTINGS,
    FailureKind.PLUGIN_MISSING: InstanceState.PLUGIN_MISSING,
}


@dataclass(slots=True)
class _Watched:
    """One instance. due_s: of the monotonic clock."""

    entry: RosterEntry
    health: InstanceHealth
    due_s: float = 0.0
    failures: int = 0


@dataclass(slots=True)
class Watch:
    """Checks what is due, one after the other."""

    checks: Checks
    reports: Reports
    board: Board
    limits: Limits
    _watched: dict[int, _Watched] = field(default_factory=dict)
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    def set(self, entries: list[RosterEntry]) -> None:
        """Watch exactly these; a new or changed one is due at once."""
        kept = {}
        for entry in entries:
            known = self._watched.get(entry.id)
            same = known is not None and known.entry.revision == entry.revision
            kept[entry.id] = known if known is not None and same else _Watched(entry, entry.health)
        self._watched = kept
        self._news.set()

    def hurry(self, instance_id: int) -> None:
        """Check this one now."""
        if instance_id in self._watched:
            self._watched[instance_id].due_s = 0.0
            self._news.set()

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._news.clear()
            due_s = min((watched.due_s for watched in self._watched.values()), default=time.monotonic() + 3600)
            try:
                async with asyncio.timeout(max(due_s - time.monotonic(), 0.0)):
                    await self._news.wait()
            except TimeoutError:
                for watched in list(self._watched.values()):
                    if watched.due_s <= time.monotonic():
                        await self._look_at(watched)

    async def _look_at(self, watched: _Watched) -> None:
        began_s = time.monotonic()
        try:
            health = await self.checks.check(watched.entry, self.limits.check_s)
        except PluginFailure as exc:
            self._failed(watched, exc.failure)
        except OSError as exc:
            self._failed(watched, Failure(kind=FailureKind.RETRY_LATER, message=f"It cannot be checked: {exc}."))
        else:
            self._answered(watched, health)
        took_s = time.monotonic() - began_s
        watched.due_s = time.monotonic() + max(self.limits.watch_s, took_s * self.limits.watch_share)

    def _answered(self, watched: _Watched, health: Health) -> None:
        watched.failures = 0
        if self._watched.get(watched.entry.id) is watched:
            state = InstanceState.of(health.state)
            self._show(watched, state, health.summary, health.hint, health)
            if state is InstanceState.DOWN:
                self._alarm(watched, health.summary)
            else:
                self.board.clear_soon(alarm_source(watched.entry.id), DOWN_KEY)

    def _failed(self, watched: _Watched, failure: Failure) -> None:
        watched.failures += 1
        if self._watched.get(watched.entry.id) is watched:
            state = _STATES.get(failure.kind, InstanceState.DOWN)
            self._show(watched, state, failure.message, failure.hint, failure)
            if watched.failures >= _FAILURES:
                self._alarm(watched, reason_of(failure))

    def _alarm(self, watched: _Watched, reason: str) -> None:
        entry, source = watched.entry, alarm_source(watched.entry.id)
        if entry.kind is Kind.CONNECTOR:
            self.board.raise_soon(source, STORAGE_DOWN.alarm(DOWN_KEY, store=entry.name, reason=reason))
        else:
            self.board.raise_soon(source, DEVICE_DOWN.alarm(DOWN_KEY, device=entry.name, reason=reason))

    def _show(self, watched: _Watched, state: InstanceState, summary: str, hint: str, news: Health | Failure) -> None:
        before = watched.health
        fields = (news.fields or {}) if isinstance(news, Failure) else {}
        watched.health = InstanceHealth(
            state=state,
            summary=summary,
            hint=hint,
            since_ms=before.since_ms if state is before.state and before.since_ms else time.time_ns() // 1_000_000,
            numbers=dict(news.numbers) if isinstance(news, Health) else {},
            warnings=news.warnings if isinstance(news, Health) else (),
            field_errors={name: tuple(texts) for name, texts in fields.items()},
            last_recording_ms=before.last_recording_ms,
        )
        self.reports.note(watched.entry.id, watched.health)
