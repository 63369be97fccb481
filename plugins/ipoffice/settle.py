"""When a file is finished: its writer closed it and it is complete, or nobody has touched it for long enough."""

from collections.abc import Callable
from dataclasses import dataclass

from plugins.ipoffice.folder import Look

LOOKS_NEEDED = 2


@dataclass(frozen=True, slots=True)
class SettleRules:
    """How long is long enough.

    age_s: for how long a file must be unchanged. look_s: how often it is looked at.
    trust_mtime: the clock of the file system is that of this machine, so that an old file need not be watched growing
    old. cut_off_wait_s: how long a file waits that is not complete, as an upload that may go on; at least age_s.
    writer_wait_s: how long an incomplete file waits for a writer that was seen opening and not closing it.
    """

    age_s: float = 5.0
    look_s: float = 1.0
    trust_mtime: bool = True
    cut_off_wait_s: float = 0.0
    writer_wait_s: float = 300.0


@dataclass(slots=True)
class Candidate:
    """A file on its way: how it looked last, since when (monotonic seconds), and what was heard of its writer."""

    path: str
    look: Look
    since_s: float
    looks: int = 1
    next_look_s: float = 0.0
    closed: bool = False
    close_is_news: bool = False
    open: bool = False
    ready: bool = False


class Settling:
    """All files on their way, judged by their looks; the caller brings the clocks."""

    def __init__(self, rules: SettleRules) -> None:
        self.rules = rules
        self.candidates: dict[str, Candidate] = {}

    def __len__(self) -> int:
        return len(self.candidates)

    def found(self, path: str, look: Look, now_s: float) -> None:
        """A listing shows this file; one that is known already is left to its next look."""
        if path not in self.candidates:
            self.candidates[path] = Candidate(path, look, now_s, next_look_s=now_s + self.rules.look_s)

    def opened(self, path: str, look: Look, now_s: float) -> None:
        """Somebody made or opened this file for writing."""
        self.found(path, look, now_s)
        self.candidates[path].open = True
        self.candidates[path].closed = False

    def closed(self, path: str, look: Look, now_s: float) -> None:
        """The writer closed this file, or it came by a rename: look at once."""
        self.found(path, look, now_s)
        candidate = self.candidates[path]
        candidate.look, candidate.since_s, candidate.looks = look, now_s, 1
        candidate.open, candidate.closed, candidate.close_is_news = False, True, True
        candidate.next_look_s = now_s

    def forget_writers(self) -> None:
        """Announcements were lost: what was heard of writers may not hold any more."""
        for candidate in self.candidates.values():
            candidate.open = False

    def forget(self, path: str) -> Candidate | None:
        """The file is gone, or somebody else's affair."""
        return self.candidates.pop(path, None)

    def due(self, now_s: float, limit: int) -> list[Candidate]:
        """Up to `limit` files that are to be looked at now."""
        due = []
        for candidate in self.candidates.values():
            if not candidate.ready and candidate.next_look_s <= now_s:
                due.append(candidate)
                if len(due) == limit:
                    break
        return due

    def next_due_s(self) -> float | None:
        """When the next look is due; None if no file waits for one."""
        waiting = [candidate.next_look_s for candidate in self.candidates.values() if not candidate.ready]
        return min(waiting) if waiting else None

    def judge(
        self, candidate: Candidate, look: Look, now_s: float, wall_s: float, is_whole: Callable[[], bool | None]
    ) -> bool:
        """Whether the file is finished, by a fresh `look` at it.

        now_s: monotonic; wall_s: as file times are counted. is_whole: whether its content is complete, asked only
        where it matters; None: its format does not tell.
        """
        if look != candidate.look:
            candidate.look, candidate.since_s, candidate.looks = look, now_s, 1
            candidate.closed = False
        else:
            candidate.looks += 1
        candidate.ready = self._is_finished(candidate, now_s, wall_s, is_whole)
        candidate.close_is_news = False
        candidate.next_look_s = now_s + self.rules.look_s
        return candidate.ready

    def _is_finished(
        self, candidate: Candidate, now_s: float, wall_s: float, is_whole: Callable[[], bool | None]
    ) -> bool:
        if candidate.closed and candidate.close_is_news and is_whole():
            return True
        age_s = self._age_s(candidate, now_s, wall_s)
        if candidate.looks < LOOKS_NEEDED or age_s < self.rules.age_s:
            return False
        wait_s = max(self.rules.cut_off_wait_s, self.rules.writer_wait_s if candidate.open else 0)
        if age_s >= wait_s:
            return True
        whole = is_whole()
        return whole or (whole is None and candidate.closed)

    def _age_s(self, candidate: Candidate, now_s: float, wall_s: float) -> float:
        """For how long it has been unchanged, as far as that is known."""
        watched_s = now_s - candidate.since_s
        by_mtime_s = wall_s - candidate.look.mtime_ns / 1e9
        return max(watched_s, by_mtime_s) if self.rules.trust_mtime else watched_s
