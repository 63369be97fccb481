"""Carries finished files to the hub, several at once, and empties the source when the hub has them safe enough."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta
from enum import Enum, auto

from hub.sdk import Alarm, BadRecording, NotFound, PluginContext, Receipt, RetryLater, Severity, Stage
from plugins.ipoffice import folder as files
from plugins.ipoffice import taking
from plugins.ipoffice.folder import Look
from plugins.ipoffice.memory import HeldFile, HeldFiles, SeenFiles, WorkFolders, mark
from plugins.ipoffice.status import Statuses
from plugins.ipoffice.taking import Shelf, Taken, Taker
from plugins.ipoffice.threads import Threads

REFUSALS_MAX = 3
RETRY_FIRST_S = 1.0
RETRY_MAX_S = 60.0
ASIDE_AGAIN_S = 30.0
EMPTY_FIRST_S = 2.0
REFUSED_KEY = "handoff.refused"
EMPTY_MAX_S = 60.0
STAGES = {"spool": Stage.SPOOLED, "primary": Stage.STORED, "copy": Stage.COPIED}
RANK = {Stage.QUARANTINED: -1, Stage.SPOOLED: 0, Stage.STORED: 1, Stage.COPIED: 2}


class Outcome(Enum):
    """What became of a job."""

    TAKEN = auto()
    VANISHED = auto()
    CHANGING = auto()
    UNREADABLE = auto()


@dataclass(frozen=True, slots=True)
class Job:
    """One file to hand over: found in the folder (path, look), or moved aside before (shelf)."""

    path: str = ""
    look: Look | None = None
    shelf: Shelf | None = None


@dataclass(frozen=True, slots=True)
class Emptying:
    """What happens at the source. leave: nothing, ever. after: the stage from which a file may be deleted there.

    released: hears of every file that the hub has safe enough and that is deleted here.
    """

    leave: bool = False
    after: Stage = Stage.SPOOLED
    released: Callable[[str, Look], None] | None = None


@dataclass(slots=True)
class Tally:
    """Counts for people."""

    submitted_total: int = 0
    duplicates_total: int = 0
    refused_total: int = 0
    recovering: int = 0
    quarantined: int = 0


class Porter:
    """Takes jobs from a queue and settles each: handed over, refused, or found gone."""

    def __init__(
        self,
        ctx: PluginContext,
        taker: Taker,
        emptying: Emptying,
        memory: tuple[SeenFiles, HeldFiles, WorkFolders],
        statuses: Statuses,
        threads: Threads,
    ) -> None:
        self._ctx = ctx
        self.taker = taker
        self._emptying = emptying
        self.seen, self.held, self._works = memory
        self._statuses = statuses
        self._threads = threads
        self.jobs: asyncio.Queue[Job] = asyncio.Queue()
        self.tally = Tally()
        self._delete_failed = True  # in an earlier run, for all this one knows
        self._part = f"hand-over {taker.source.folder}"

    async def carry(self, settled: Callable[[Job, Outcome, str], None]) -> None:
        """Settle jobs until cancelled; `settled` hears what became of each, and why it is unreadable."""
        while True:
            job = await self.jobs.get()
            reason = ""
            try:
                outcome = await self._settle(job)
            except taking.Aside as aside:
                outcome = Outcome.TAKEN
                self._try_later(aside)
            except OSError as error:
                reason = error.strerror or str(error)
                outcome = Outcome.UNREADABLE
                self._ctx.log.warning("handoff.file_unreadable", file=files.show_name(job.path), error=reason)
            self.tally.recovering -= job.shelf is not None
            settled(job, outcome, reason)

    async def recover(self) -> None:
        """Take up what earlier runs moved aside and did not finish, also from a work folder of earlier settings."""
        work = self.taker.source.work
        if self.taker.source.moves:
            self._works.add(work)
        for known in {work, *self._works.list()}:
            try:
                shelves = await self._threads(self.taker.left_behind, known)
            except FileNotFoundError:
                continue
            if not shelves and known != work:
                self._works.remove(known)
            for shelf in shelves:
                if not self.held.has(shelf.token):
                    self._take_up(shelf)

    def _take_up(self, shelf: Shelf) -> None:
        self.taker.live.add(shelf)
        self.tally.recovering += 1
        self.jobs.put_nowait(Job(shelf=shelf))

    def _try_later(self, aside: taking.Aside) -> None:
        self._ctx.log.warning("handoff.file_unreadable", file=aside.shelf.token, error=str(aside))
        self._statuses.degraded(
            self._part,
            f"A file in the work folder {aside.shelf.work} cannot be read: {aside}.",
            "Let the user of the hub read it; it is tried again every half minute.",
        )
        asyncio.get_running_loop().call_later(ASIDE_AGAIN_S, self._take_up, aside.shelf)

    async def _settle(self, job: Job) -> Outcome:
        try:
            taken = await self._take(job)
        except taking.NotYet:
            return Outcome.CHANGING
        except FileNotFoundError:
            return Outcome.VANISHED
        while taken is not None:
            outcome = await self._submit(taken)
            if outcome is None:
                break
            receipt, taken = outcome
            self.tally.submitted_total += 1
            self.tally.duplicates_total += receipt.duplicate
            if await self._let_go(taken, receipt):
                break
            # It changed after it was sealed: what the hub has is a part of it, so the whole is handed over as well.
            if taken.shelf is None:
                return Outcome.CHANGING
            taken = await self._again_when_settled(taken)
        return Outcome.TAKEN

    async def _take(self, job: Job) -> Taken | None:
        if job.shelf is not None:
            return await self._threads(self.taker.take_up, job.shelf)
        assert job.look is not None
        return await self._threads(self.taker.take, job.path, job.look)

    async def _again(self, taken: Taken) -> Taken | None:
        try:
            return await self._threads(self.taker.take_again, taken)
        except FileNotFoundError:
            return None
        except OSError as error:
            if taken.shelf is not None:
                raise taking.Aside(taken.shelf, error) from None
            raise

    async def _again_when_settled(self, taken: Taken) -> Taken | None:
        before: Look | None = taken.look
        while True:
            look = await self._threads(files.look_at, taken.folder, taken.path)
            if look == before:
                return await self._again(taken)
            before = look
            await asyncio.sleep(self.taker.settle_age_s)

    async def _submit(self, taken: Taken) -> tuple[Receipt, Taken] | None:
        """Hand over until the hub takes it; None if it refuses it for good, or the file is gone."""
        refusals = 0
        wait_s = RETRY_FIRST_S
        current: Taken | None = taken
        while current is not None:
            try:
                receipt = await self._ctx.submit(current.draft)
            except RetryLater as reason:
                self._statuses.degraded(self._part, f"The hub cannot take recordings now: {reason}", reason.hint)
                await asyncio.sleep(_seconds(reason.after, wait_s))
                wait_s = min(RETRY_MAX_S, wait_s * 2)
            except BadRecording as reason:
                refusals += 1
                if refusals == REFUSALS_MAX:
                    await self._refuse(current, reason)
                    return None
                await asyncio.sleep(RETRY_FIRST_S)
                current = await self._again(current)
            else:
                self._statuses.forget(self._part)
                return receipt, current
        return None

    async def _refuse(self, taken: Taken, reason: BadRecording) -> None:
        """Leave a file that the hub does not take where it is, and say so; a restart tries again."""
        self.tally.refused_total += 1
        if taken.shelf is None:
            self.seen.add(taken.name, taken.look)
        hint = f"{reason.hint} It stays in {taken.folder}, and is tried again when the device starts anew."
        more = f", and {self.tally.refused_total - 1} before it" if self.tally.refused_total > 1 else ""
        self._ctx.raise_alarm(
            Alarm(
                key=REFUSED_KEY,
                code="FILE_ERROR",
                severity=Severity.MINOR,
                text=f"The file {files.show_name(taken.name)} cannot be taken{more}: {reason}",
                hint=hint.strip(),
            )
        )

    async def _let_go(self, taken: Taken, receipt: Receipt) -> bool:
        """Do at the source what the settings say; False if the file changed since it was sealed."""
        if self._emptying.leave and taken.shelf is None:
            self.seen.add(taken.name, taken.look)
            return True
        key = taken.shelf.token if taken.shelf else f"{mark(taken.name, taken.look):016x}"
        held = HeldFile(receipt.id, taken.name, taken.folder, taken.path, taken.look, taken.sidecars)
        if self._emptying.after is Stage.SPOOLED:
            return await self._delete(key, held)
        self.held.add(key, held)
        return True

    async def _delete(self, key: str, held: HeldFile) -> bool:
        try:
            deleted = await self._threads(taking.release, held.folder, held.path, held.look, held.sidecars)
        except OSError as error:
            self._delete_failed = True
            self._raise_delete_alarm(held, error)
            self.held.add(key, held)
            return True
        if self.held.has(key):
            self.held.remove(key)
        if deleted and self._emptying.released:
            self._emptying.released(held.name, held.look)
        if deleted and self._is_moved(held):
            await self._threads(taking.tidy, held.folder, (held.path, *held.sidecars))
            self.taker.live.discard(Shelf(held.folder, key))
        return deleted

    @staticmethod
    def _is_moved(held: HeldFile) -> bool:
        return held.path != held.name

    def _raise_delete_alarm(self, held: HeldFile, error: OSError) -> None:
        self._ctx.raise_alarm(
            Alarm(
                key="handoff.delete",
                code="FILE_ERROR",
                severity=Severity.MINOR,
                text=f"Failed to delete {files.show_name(held.name)}: {error.strerror or error}.",
                hint=f"Let the user of the hub delete files in {held.folder}, or choose to leave files there.",
            )
        )

    async def empty(self) -> None:
        """Delete held files once the hub has them safe enough, until cancelled."""
        pause_s = EMPTY_FIRST_S
        while True:
            await asyncio.sleep(pause_s)
            before = len(self.held)
            with suppress(RetryLater):
                await self._empty_round()
            pause_s = EMPTY_FIRST_S if len(self.held) < before else min(EMPTY_MAX_S, pause_s * 2)

    async def _empty_round(self) -> None:
        quarantined = 0
        for key, held in self.held.list():
            try:
                stage = await self._ctx.stage(held.receipt_id)
            except NotFound:
                # The hub does not know it any more (its data was set back): hand it over anew.
                self.held.remove(key)
                if self._is_moved(held):
                    self._take_up(Shelf(held.folder, key))
                continue
            quarantined += stage is Stage.QUARANTINED
            safe = RANK[stage] >= RANK[self._emptying.after]
            if safe and not await self._delete(key, held) and self._is_moved(held):
                self._take_up(Shelf(held.folder, key))
        self.tally.quarantined = quarantined
        if self._delete_failed and not len(self.held):
            self._delete_failed = False
            self._ctx.clear_alarm("handoff.delete")


def _seconds(after: timedelta | None, default_s: float) -> float:
    return after.total_seconds() if after else default_s
