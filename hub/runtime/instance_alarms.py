"""The alarms of one instance: those that its plug-in raises, and those that the hub raises about it."""

import asyncio

from hub.alerts.board import Board
from hub.alerts.codes.devices import DEVICE_AUTH, DEVICE_DOWN, DEVICE_SETTINGS, PLUGIN_MISSING, PLUGIN_PARKED
from hub.runtime.failure import Failure, FailureKind
from hub.runtime.instance import alarm_source
from hub.runtime.limits import Limits
from hub.sdk import Alarm

DOWN_KEY = "hub.down"
AUTH_KEY = "hub.credentials"
SETTINGS_KEY = "hub.settings"
PARKED_KEY = "hub.parked"
MISSING_KEY = "hub.plugin"
OWN_KEYS = (DOWN_KEY, AUTH_KEY, SETTINGS_KEY, PARKED_KEY, MISSING_KEY)


class InstanceAlarms:
    """Raises and clears; nothing here waits for the database."""

    def __init__(self, board: Board, instance_id: int, grace_s: float) -> None:
        """`grace_s`: how long a device may be down before that alone is an alarm."""
        self._board = board
        self._source = alarm_source(instance_id)
        self._grace_s = grace_s
        self._of_plugin: set[str] = set()
        self._own: set[str] = set()
        self._left_over = True  # an earlier run of the hub may have left alarms open
        self._timer: asyncio.TimerHandle | None = None

    def raise_of_plugin(self, alarm: Alarm) -> None:
        """The plug-in raised it."""
        self._of_plugin.add(alarm.key)
        self._board.raise_soon(self._source, alarm)

    def clear_of_plugin(self, key: str) -> None:
        """The plug-in says that it is over."""
        self._of_plugin.discard(key)
        self._board.clear_soon(self._source, key)

    def raise_for(self, failure: Failure, device: str, plugin: str) -> None:
        """What a person has to do something about."""
        reason = reason_of(failure)
        if failure.kind is FailureKind.AUTH:
            self._raise(DEVICE_AUTH.alarm(AUTH_KEY, device=device, reason=reason))
        elif failure.kind is FailureKind.SETTINGS:
            self._raise(DEVICE_SETTINGS.alarm(SETTINGS_KEY, device=device, reason=reason))
        elif failure.kind is FailureKind.PLUGIN_MISSING:
            self._raise(PLUGIN_MISSING.alarm(MISSING_KEY, device=device, plugin=plugin))

    def raise_parked(self, device: str, failure: Failure, limits: Limits) -> None:
        """It crashed too often."""
        self.note_up()
        minutes = round(limits.crash_window_s / 60)
        facts = {"device": device, "crashes": limits.crashes, "minutes": minutes, "reason": failure.message}
        self._raise(PLUGIN_PARKED.alarm(PARKED_KEY, **facts))

    def note_down(self, device: str, reason: str) -> None:
        """It is down; that becomes an alarm if it lasts and the plug-in has none of its own to say why."""
        if self._timer is None and DOWN_KEY not in self._own:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._grace_s, self._raise_down, device, reason)

    def note_up(self) -> None:
        """It is not down any more; whether it works for good has yet to be seen."""
        self.forget_down()
        if DOWN_KEY in self._own:
            self._own.discard(DOWN_KEY)
            self._board.clear_soon(self._source, DOWN_KEY)

    def note_well(self) -> None:
        """It works: what the hub itself held against it is over."""
        self.forget_down()
        for key in OWN_KEYS if self._left_over else sorted(self._own):
            self._board.clear_soon(self._source, key)
        self._own.clear()
        self._left_over = False

    def forget_down(self) -> None:
        """It was stopped: a pause before an alarm is over."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _raise_down(self, device: str, reason: str) -> None:
        self._timer = None
        if not self._of_plugin:
            self._raise(DEVICE_DOWN.alarm(DOWN_KEY, device=device, reason=reason))

    def _raise(self, alarm: Alarm) -> None:
        self._own.add(alarm.key)
        self._board.raise_soon(self._source, alarm)


def reason_of(failure: Failure) -> str:
    """The failure in one line, with the fields that are to blame."""
    fields = [f"{name}: {' '.join(texts)}" for name, texts in (failure.fields or {}).items() if name]
    return " ".join([failure.message, *fields])
