"""Which files of a folder are finished: announcements and listings find them, looks judge them."""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace

from plugins.ipoffice import folder as files
from plugins.ipoffice.folder import Look, NamePatterns
from plugins.ipoffice.memory import HeldFiles, SeenFiles, mark
from plugins.ipoffice.settle import Candidate, SettleRules, Settling
from plugins.ipoffice.taking import Taker
from plugins.ipoffice.threads import Threads
from plugins.ipoffice.watch import Hints

TRACKED_MAX = 5_000
LOOKS_AT_ONCE = 500


@dataclass(frozen=True, slots=True)
class FindRules:
    """What is looked for in a folder. work_name: a folder in it that is not looked into, "" if there is none."""

    patterns: NamePatterns
    settle: SettleRules
    recursive: bool = False
    work_name: str = ""
    sidecar_wait_s: float = 0.0


class Finder:
    """Follows the files of one folder from their first sight until they are finished.

    busy: files that the porter has; they are not looked at. vanished: hears of a file that is gone without the hub.
    """

    def __init__(
        self,
        rules: FindRules,
        taker: Taker,
        memory: tuple[SeenFiles, HeldFiles],
        threads: Threads,
        vanished: Callable[[str], None],
    ) -> None:
        self.rules = rules
        self.folder = taker.source.folder
        self.settling = Settling(rules.settle)
        self.busy: set[str] = set()
        self.ready: deque[str] = deque()
        self._taker = taker
        self._seen, self._held = memory
        self._threads = threads
        self._tell_vanished = vanished

    def trust_clock(self, trust: bool) -> None:
        """Whether times of files are of this machine's clock."""
        rules = self.rules.settle
        self.settling.rules = replace(rules, trust_mtime=rules.trust_mtime and trust)

    def start_over(self) -> None:
        """Forget all files that are not with the porter: the folder went away."""
        for path in list(self.settling.candidates):
            if path not in self.busy:
                self.settling.forget(path)
        self.ready.clear()

    def next_ready(self) -> Candidate | None:
        """A finished file, which is the porter's from now on; None if there is none."""
        while self.ready:
            candidate = self.settling.candidates.get(self.ready.popleft())
            if candidate is not None and candidate.ready and candidate.path not in self.busy:
                self.busy.add(candidate.path)
                return candidate
        return None

    def settle_again(self, path: str, after_s: float) -> None:
        """The porter could not take it: look again later."""
        self.busy.discard(path)
        candidate = self.settling.candidates.get(path)
        if candidate is not None:
            candidate.ready = False
            candidate.next_look_s = time.monotonic() + after_s

    def done(self, path: str) -> None:
        """The porter has settled it."""
        self.busy.discard(path)
        self.settling.forget(path)

    def gone(self, path: str) -> None:
        """The file is gone; unless it only got another name, somebody else took it."""
        candidate = self.settling.forget(path)
        self.busy.discard(path)
        if candidate is None:
            return
        others = self.settling.candidates.values()
        if not any(other.look.inode == candidate.look.inode for other in others):
            self._tell_vanished(path)

    async def follow(self, hints: Hints) -> None:
        """Take note of what was announced."""
        if hints.list_again:
            self.settling.forget_writers()
        named = [(path, True) for path in hints.finished] + [(path, False) for path in hints.opened]
        wanted = [(path, closed) for path, closed in named if path not in self.busy and self._fits(path)]
        looks = await self._look_at([path for path, _ in wanted])
        for (path, closed), look in zip(wanted, looks, strict=True):
            if look is None or path in self.busy or self._is_known(path, look):
                continue
            note = self.settling.closed if closed else self.settling.opened
            note(path, look, time.monotonic())

    async def scan(self) -> bool:
        """List the folder, as far as there is room to follow more files; whether the listing was completed."""
        found, marks = await self._threads(self._walk, TRACKED_MAX - len(self.settling))
        now_s = time.monotonic()
        for path, look in found:
            self.settling.found(path, look, now_s)
        if marks is not None and len(self._seen):
            self._seen.keep_only(marks)
        return marks is not None

    async def look(self) -> None:
        """Look at all files that are due, and judge them."""
        now_s = time.monotonic()
        while due := [one for one in self.settling.due(now_s, LOOKS_AT_ONCE) if one.path not in self.busy]:
            exist = await self._threads(self._judge, due)
            for candidate, exists in zip(due, exist, strict=True):
                if not exists:
                    self.gone(candidate.path)
                elif candidate.ready:
                    self.ready.append(candidate.path)

    def _judge(self, due: list[Candidate]) -> list[bool]:
        """Judge candidates by a fresh look; whether each of them still exists."""
        exist = []
        for candidate in due:
            path = candidate.path
            look = files.look_at(self.folder, path)
            exist.append(look is not None)
            if look is None:
                continue
            now_s = time.monotonic()
            ready = self.settling.judge(candidate, look, now_s, time.time(), lambda: self._taker.is_whole(path))  # noqa: B023 - called at once
            wait_s = self.rules.sidecar_wait_s
            if ready and wait_s and now_s - candidate.since_s < wait_s and not self._taker.has_sidecar(path):
                candidate.ready = False
        return exist

    def _fits(self, path: str) -> bool:
        top, slash, _ = path.partition("/")
        if slash and (top == self.rules.work_name or not self.rules.recursive):
            return False
        return self.rules.patterns.fits(path)

    def _is_known(self, path: str, look: Look) -> bool:
        """Whether this very file was handed over and lies here still."""
        return self._seen.has(path, look) or (len(self._held) > 0 and self._held.has(f"{mark(path, look):016x}"))

    async def _look_at(self, paths: list[str]) -> list[Look | None]:
        return await self._threads(lambda: [files.look_at(self.folder, path) for path in paths]) if paths else []

    def _walk(self, room: int) -> tuple[list[tuple[str, Look]], set[int] | None]:
        """(new files, marks of all files; None if there was no room to list them all)."""
        found: list[tuple[str, Look]] = []
        marks: set[int] = set()
        remembers = bool(len(self._seen))
        rules = self.rules
        for path, look in files.walk(self.folder, rules.patterns, recursive=rules.recursive, skip=rules.work_name):
            if remembers:
                marks.add(mark(path, look))
            if path in self.settling.candidates or path in self.busy or self._is_known(path, look):
                continue
            if len(found) >= room:
                return found, None
            found.append((path, look))
        return found, marks
