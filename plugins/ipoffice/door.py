"""One folder through which recordings of one server come in: kept watched, and its finished files handed on."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from hub.sdk import PluginContext, RetryLater
from plugins.ipoffice import folder as files
from plugins.ipoffice.contest import Contest
from plugins.ipoffice.finding import Finder, FindRules
from plugins.ipoffice.porter import Job, Outcome, Porter
from plugins.ipoffice.presence import Away, Found, Presence
from plugins.ipoffice.rivals import find_rivals
from plugins.ipoffice.status import Statuses
from plugins.ipoffice.threads import Threads
from plugins.ipoffice.watch import FolderWatch, Hints

QUEUED_MAX = 256
PRESENCE_EVERY_S = 1.0
ANSWER_S = 15.0
UNREADABLE_AGAIN_S = 30.0
BREATH_S = 0.02


@dataclass(frozen=True, slots=True)
class WatchRules:
    """How a folder is watched: announced by the kernel, or polled; how often it is listed; how many at once go on.

    is_shared: whether programs beside the hub may take files from it.
    """

    observer: str = "auto"
    is_shared: bool = True
    poll_s: float = 2.0
    rescan_s: float = 300.0
    in_flight: int = 8


class Door:
    """Runs one folder until cancelled; when the folder goes away it waits for it and goes on."""

    def __init__(
        self,
        ctx: PluginContext,
        rules: tuple[WatchRules, FindRules],
        porter: Porter,
        presence: Presence,
        statuses: Statuses,
        threads: Threads,
    ) -> None:
        self.ctx = ctx
        self.rules = rules[0]
        self.porter = porter
        self.folder = porter.taker.source.folder
        self.contest = Contest(ctx, self.folder)
        self.finder = Finder(rules[1], porter.taker, (porter.seen, porter.held), threads, self._vanished)
        self._presence = presence
        self._statuses = statuses
        self._threads = threads
        self._part = f"folder {self.folder}"
        self._wake = asyncio.Event()
        self._watch: FolderWatch | None = None
        self._found: Found | None = None
        self._watch_problem = ""
        self._next_listing_s = 0.0
        self._next_presence_s = 0.0
        self._next_rivals_s = 0.0
        self._pause_away_s = PRESENCE_EVERY_S
        self._troubles: dict[str, str] = {}
        statuses.counters[self._part] = self.numbers

    def numbers(self) -> Mapping[str, float]:
        """Figures for health."""
        now_s = time.monotonic()
        waiting = self.finder.settling.candidates.values()
        oldest_s = min((candidate.since_s for candidate in waiting), default=now_s)
        return {
            "files_waiting": float(len(waiting) + self.porter.tally.recovering),
            "files_held": float(len(self.porter.held)),
            "lag_s": round(now_s - oldest_s, 1),
            "submitted_total": float(self.porter.tally.submitted_total),
            "vanished_total": float(self.contest.vanished_total),
        }

    async def run(self) -> None:
        """Watch and hand over until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            for _ in range(self.rules.in_flight):
                tasks.create_task(self.porter.carry(self._settled))
            tasks.create_task(self.porter.empty())
            tasks.create_task(self._keep_open())

    async def _keep_open(self) -> None:
        try:
            while True:
                try:
                    self._pause_away_s = PRESENCE_EVERY_S
                    await self._open()
                    while await self._turn():
                        pass
                    self._pause_away_s = 0.0
                except Away as away:
                    self._say_away(str(away), away.hint)
                except OSError as error:
                    self._say_away(f"{self.folder} cannot be used: {error.strerror or error}.", "")
                except RetryLater as later:
                    self._statuses.degraded(self._part, str(later), later.hint)
                await self._close()
                await asyncio.sleep(self._pause_away_s)
        finally:
            if self._watch is not None:
                self._watch.stop()

    def _say_away(self, summary: str, hint: str) -> None:
        if self._statuses.down(self._part, summary, hint):
            self.ctx.log.warning("folder.went_away", reason=summary)

    async def _open(self) -> None:
        """Find the folder, begin to watch it, and only then list it: what lands in between is seen twice, not never."""
        self._found = await self._look_for_folder()
        self._presence.remember(self._found)
        if self.porter.taker.source.moves:
            await self._threads(self._make_work_folder)
        self._watch_problem = ""
        is_remote = self._found.mount.is_remote
        self.finder.trust_clock(not is_remote)
        if self.rules.observer == "inotify" or (self.rules.observer == "auto" and not is_remote):
            await self._begin_to_watch()
        self.ctx.log.info("folder.opened", folder=files.show_name(self.folder), polled=self._watch is None)
        self._next_listing_s = 0.0
        self._next_presence_s = time.monotonic() + PRESENCE_EVERY_S
        await self.porter.recover()
        self._say_ok()

    def _make_work_folder(self) -> None:
        work = self.porter.taker.source.work
        try:
            if work.startswith(f"{self.folder}/"):
                with files.opened_folder(self.folder) as fd:
                    files.make_folders(fd, work[len(self.folder) + 1 :])
            else:
                Path(work).mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            text = f"The work folder {work} cannot be made: {error.strerror or error}."
            raise Away(
                text, f"Let the user of the hub write in {self.folder}, or choose to leave files there."
            ) from None

    async def _begin_to_watch(self) -> None:
        self._watch = FolderWatch(self.folder, recursive=self.finder.rules.recursive, wake=self._wake)
        try:
            await self._threads(self._watch.start)
        except OSError as error:
            self._watch = None
            self._watch_problem = str(error)
            self.ctx.log.warning("folder.watch_failed", folder=files.show_name(self.folder), error=str(error))

    async def _close(self) -> None:
        watch, self._watch = self._watch, None
        if watch is not None:
            await self._threads(watch.stop)
        self.finder.start_over()

    async def _look_for_folder(self) -> Found:
        try:
            async with asyncio.timeout(ANSWER_S):
                return await self._threads(self._presence.look)
        except TimeoutError:
            text = f"{self.folder} does not answer."
            raise Away(text, "Look at the server and the network behind the mount.") from None

    async def _turn(self) -> bool:
        """Wait for something to do, and do it; False if the folder must be opened anew."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._pause_s()):
                await self._wake.wait()
        self._wake.clear()
        if time.monotonic() >= self._next_presence_s and not await self._is_same_folder():
            return False
        hints = self._watch.drain() if self._watch else Hints()
        try:
            await self.finder.follow(hints)
            if hints.list_again or time.monotonic() >= self._next_listing_s:
                await self._list()
            await self.finder.look()
        except OSError as error:
            # The folder itself went away or changed while it was read: whether it did is looked at next.
            self.ctx.log.warning("folder.unreadable", folder=files.show_name(self.folder), error=str(error))
            self._next_presence_s = 0.0
            await asyncio.sleep(PRESENCE_EVERY_S)
        self._hand_on()
        await asyncio.sleep(BREATH_S)
        return True

    def _pause_s(self) -> float:
        times = [self._next_presence_s, self._next_listing_s]
        due_s = self.finder.settling.next_due_s()
        if due_s is not None:
            times.append(due_s)
        return max(0.001, min(times) - time.monotonic())

    async def _is_same_folder(self) -> bool:
        found = await self._look_for_folder()
        now_s = time.monotonic()
        self._next_presence_s = now_s + PRESENCE_EVERY_S
        if found != self._found or (self._watch is not None and not self._watch.is_alive):
            return False
        if self._next_rivals_s and now_s >= self._next_rivals_s:
            self._next_rivals_s = 0.0
            self.contest.judge(await self._threads(find_rivals, self.folder))
        if self.rules.is_shared:
            self.contest.judge([])
        self._say_ok()
        return True

    async def _list(self) -> None:
        completed = await self.finder.scan()
        pause_s = self.rules.poll_s if self._watch is None or not completed else self.rules.rescan_s
        self._next_listing_s = time.monotonic() + pause_s

    def _hand_on(self) -> None:
        """Give finished files to the porter, a few more than it carries at once."""
        while self.porter.jobs.qsize() < QUEUED_MAX:
            candidate = self.finder.next_ready()
            if candidate is None:
                return
            self.porter.jobs.put_nowait(Job(candidate.path, candidate.look))

    def _settled(self, job: Job, outcome: Outcome, reason: str) -> None:
        """Hear from the porter what became of a job."""
        self._troubles.pop(job.path, None)
        if job.look is None:
            return
        if outcome is Outcome.TAKEN:
            self.finder.done(job.path)
        elif outcome is Outcome.VANISHED:
            self.finder.gone(job.path)
        elif outcome is Outcome.CHANGING:
            self.finder.settle_again(job.path, self.finder.rules.settle.look_s)
        else:
            self._troubles[job.path] = reason
            self.finder.settle_again(job.path, UNREADABLE_AGAIN_S)
        if self.finder.ready:
            self._wake.set()

    def _vanished(self, path: str) -> None:
        if self.rules.is_shared and self.contest.vanished(files.show_name(path)):
            self._next_rivals_s = time.monotonic()

    def _say_ok(self) -> None:
        """Say that the folder is watched, and what hampers it."""
        waiting = self.finder.settling.candidates
        self._troubles = {path: reason for path, reason in self._troubles.items() if path in waiting}
        if self._troubles:
            path, reason = next(iter(self._troubles.items()))
            more = f" and {len(self._troubles) - 1} more" if len(self._troubles) > 1 else ""
            text = f"{files.show_name(path)}{more} cannot be taken: {reason}."
            self._statuses.degraded(self._part, text, "Let the user of the hub read and move the files of the folder.")
        elif self._watch_problem:
            self._statuses.degraded(
                self._part,
                f"{self.folder} is polled, because the kernel announces no changes: {self._watch_problem}.",
                "Raise fs.inotify.max_user_watches and fs.inotify.max_user_instances.",
            )
        else:
            self._statuses.ok(self._part, f"{self.folder} is watched." if self._watch else f"{self.folder} is polled.")
