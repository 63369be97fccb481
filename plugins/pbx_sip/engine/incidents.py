"""Alarms about what happened at a moment: they go by themselves when it does not happen again."""

import time
from collections.abc import Callable

from hub.sdk import Alarm, PluginContext

LASTS_S = 3600.0


class Incidents:
    """Raises alarms and clears each an hour after it was raised last."""

    def __init__(self, ctx: PluginContext, clock: Callable[[], float] = time.monotonic) -> None:
        self._ctx = ctx
        self._clock = clock
        self._raised_s: dict[str, float] = {}

    def tell(self, alarm: Alarm) -> None:
        """It happened, perhaps again."""
        self._raised_s[alarm.key] = self._clock()
        self._ctx.raise_alarm(alarm)

    def let_go(self) -> None:
        """Clear what has not happened for long."""
        before_s = self._clock() - LASTS_S
        for key in [key for key, at_s in self._raised_s.items() if at_s < before_s]:
            del self._raised_s[key]
            self._ctx.clear_alarm(key)
