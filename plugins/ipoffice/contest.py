"""Noticing that something else empties the folder: each program then gets only some of the calls."""

import time
from collections import deque

from hub.sdk import Alarm, PluginContext, Severity
from plugins.ipoffice.rivals import Rival

KEY = "handoff.contested"
VANISHED_NEEDED = 3
WITHIN_S = 600.0
QUIET_S = 1800.0
HINT = (
    "Stop Media Manager, or whatever else takes files from this folder, such as a second device of this hub; "
    "then every call comes to this device."
)


class Contest:
    """Counts files that vanish before the hub takes them, and raises the alarm HANDOFF_CONTESTED."""

    def __init__(self, ctx: PluginContext, folder: str) -> None:
        self._ctx = ctx
        self._folder = folder
        self._since_s = time.monotonic()
        self._vanished_s: deque[float] = deque(maxlen=100)
        self.is_raised = bool(ctx.state.get(KEY))
        self.vanished_total = 0

    def vanished(self, name: str, now_s: float | None = None) -> bool:
        """A file that was waiting is gone, and the hub did not take it. Returns: whether to look for rivals now."""
        self.vanished_total += 1
        self._vanished_s.append(time.monotonic() if now_s is None else now_s)
        self._ctx.log.warning("handoff.file_vanished", file=name)
        return len(self._vanished_s) in {1, VANISHED_NEEDED} or self.is_raised

    def judge(self, rivals: list[Rival], now_s: float | None = None) -> None:
        """Raise the alarm if enough files vanished, or one did and a rival is known; clear it after a quiet time."""
        now_s = time.monotonic() if now_s is None else now_s
        recent = [at for at in self._vanished_s if now_s - at < WITHIN_S]
        if len(recent) >= VANISHED_NEEDED or (recent and rivals):
            if not self.is_raised:
                self._ctx.state.put(KEY, True)
            self.is_raised = True
            who = f" It may be {rivals[0]}." if rivals else ""
            self._ctx.raise_alarm(
                Alarm(
                    key=KEY,
                    code="HANDOFF_CONTESTED",
                    severity=Severity.CRITICAL,
                    text=f"Files vanish from {self._folder} before the hub takes them: {len(recent)} "
                    f"in the last {WITHIN_S / 60:.0f} minutes.{who}",
                    hint=HINT,
                )
            )
        elif self.is_raised and now_s - max(self._since_s, *self._vanished_s, 0.0) > QUIET_S:
            self.is_raised = False
            self._ctx.state.delete(KEY)
            self._ctx.clear_alarm(KEY)
