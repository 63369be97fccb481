"""How long and how often the supervisor lets a plug-in misbehave, and the pauses between tries."""

from collections import deque
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """All of the supervisor's times, in seconds.

    start_s: for import, settings and construction. settle_s: alive this long without a report counts as running.
    steady_s: a life of this length starts the back-off anew. late_s: silence after which the lamp says "does not
    respond"; lost_s: silence after which the process is killed. stop_s: from the request to SIGTERM; term_s: from
    SIGTERM to SIGKILL. last_words_s: for what a process said before its end. watch_s: between two checks of a
    connector, or `watch_share` times what the last one took.
    """

    start_s: float = 30.0
    settle_s: float = 5.0
    steady_s: float = 60.0
    late_s: float = 10.0
    lost_s: float = 30.0
    stop_s: float = 10.0
    term_s: float = 5.0
    last_words_s: float = 1.0
    check_s: float = 10.0
    look_s: float = 0.5
    first_pause_s: float = 1.0
    longest_pause_s: float = 300.0
    crashes: int = 5
    crash_window_s: float = 600.0
    reconcile_s: float = 5.0
    watch_s: float = 60.0
    watch_share: float = 100.0


@dataclass(slots=True)
class BackOff:
    """The pause before the next try: none after a long life, nor when what worked dies for the first time.

    Then it doubles from the first to the longest.

    Counts recent crashes too. Times are those of a monotonic clock, in seconds.
    """

    limits: Limits
    _next_s: float = 0.0
    _has_lived: bool = False
    _crashes: deque[float] = field(default_factory=deque)

    def pause_s(self) -> float:
        """How long to wait now; the next pause is twice as long."""
        if self._has_lived:
            self._has_lived, self._next_s = False, self._next_s or self.limits.first_pause_s
            return 0.0
        pause_s = self._next_s or self.limits.first_pause_s
        self._next_s = min(pause_s * 2, self.limits.longest_pause_s)
        return min(pause_s, self.limits.longest_pause_s)

    def crashed(self, now_s: float) -> bool:
        """Note a crash; whether that was one too many within the window."""
        self._crashes.append(now_s)
        while self._crashes and self._crashes[0] < now_s - self.limits.crash_window_s:
            self._crashes.popleft()
        return len(self._crashes) >= self.limits.crashes

    def lived(self, lasted_s: float, *, has_worked: bool = False) -> None:
        """A life of `lasted_s` is over; after a long one the pauses start anew. has_worked: and then it crashed."""
        if lasted_s >= self.limits.steady_s:
            self._next_s, self._has_lived = 0.0, True
        elif has_worked and not self._next_s:
            self._has_lived = True

    def forget(self) -> None:
        """Start from nothing: the settings changed, or a person asked for a restart."""
        self._next_s = 0.0
        self._crashes.clear()
