"""What happens once a call is over: its media is found, its recording made and handed over, its traces removed."""

import asyncio
import itertools
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence

import numpy as np

from hub.sdk import Absence, AbsentCall, Alarm, BadRecording, PluginContext, Receipt, Recorded, RetryLater, Severity
from plugins.pbx_sip.engine.call_table import CallTable, now_ns
from plugins.pbx_sip.engine.foreman import Foreman, WorkerAway
from plugins.pbx_sip.engine.frames import Frame
from plugins.pbx_sip.engine.habits import Habits
from plugins.pbx_sip.engine.job import Decided, Job, Made
from plugins.pbx_sip.engine.makers import JobFailed, Makers
from plugins.pbx_sip.engine.open_call import OpenCall, find_direction, find_parties, moment
from plugins.pbx_sip.engine.places import read_places, write_places
from plugins.pbx_sip.engine.rescue import write_rescue
from plugins.pbx_sip.engine.tally import Tally

_EARLY_NS, _LATE_NS = 2_000_000_000, 1_000_000_000
_AGAIN_S = 2.0
_STRAYS_S = 10.0
_STRAY_SILENT_NS = 10_000_000_000
_STRAY_PACKETS_MIN = 50
_AT_ONCE = 4
_FAILED = "call.failed"


class Ending:
    """Finishes calls, several at once; nothing of a call is forgotten before the hub has its recording."""

    def __init__(
        self,
        ctx: PluginContext,
        habits: Habits,
        table: CallTable,
        foremen: Sequence[Foreman],
        tally: Tally,
        forget: Callable[[Iterable[str]], None],
    ) -> None:
        """forget: has the notes of calls removed."""
        self._ctx = ctx
        self._habits = habits
        self._table = table
        self._foremen = foremen
        self._tally = tally
        self._forget = forget
        self._makers = Makers(1)
        self._room = asyncio.Semaphore(_AT_ONCE)
        self._names = itertools.count(1)
        self._finishing: Counter[int] = Counter()

    async def finish(self, group: Sequence[OpenCall]) -> None:
        """See to calls that are over, which may be hops of each other."""
        endpoints = {each.endpoint for call in group for each in call.dialog.listenings}
        self._finishing.update(endpoints)
        async with self._room:
            wanted = [call for call in group if call.is_wanted]
            for call in group:
                if not call.is_wanted and not call.leader:
                    await self._tell_unwanted(call)
            if wanted:
                await self._make_all(wanted)
            self._forget_media(group)
            self._forget(call.id for call in group)
        for endpoint in endpoints:
            self._finishing[endpoint] -= 1
            if not self._finishing[endpoint]:
                del self._finishing[endpoint]

    async def watch_strays(self, *, makes: bool) -> None:
        """Look after media that belongs to no call, such as RTCP, once it has ended; makes: recordings of speech."""
        while True:
            await asyncio.sleep(_STRAYS_S)
            for foreman in self._foremen:
                try:
                    await self._take_strays(foreman, makes=makes)
                except WorkerAway:
                    continue

    async def is_heard(self, call: OpenCall, since_ns: int) -> bool:
        """Whether media of a call came since a moment, or that cannot be told now."""
        places = self._places(each.endpoint for each in call.dialog.listenings)
        try:
            found = [
                await foreman.ask("find", places=places, from_ns=since_ns, until_ns=now_ns())
                for foreman in self._foremen
            ]
        except WorkerAway:
            return True
        return any(frame.body or frame.facts["waits"] for frame in found)

    def close(self) -> None:
        """Let go of the processes that make recordings."""
        self._makers.close()

    async def _make_all(self, calls: Sequence[OpenCall]) -> None:
        for made in await self._make(lambda: self._describe(calls)):
            first = next((call for call in calls if call.id in made.call_ids), calls[0])
            await self._hand_over(made, first)

    async def _describe(self, calls: Sequence[OpenCall]) -> Job:
        """All that is needed to make the recordings of calls."""
        endpoints = {each.endpoint for call in calls for each in call.dialog.listenings}
        from_ns = min(0 if call.dialog.joined_late else call.dialog.first_ns - _EARLY_NS for call in calls)
        until_ns = max(_ended_ns(call) for call in calls) + _LATE_NS
        places = self._places(sorted(endpoints))
        units = {}
        for foreman in self._foremen:
            found = await self._find(foreman, places, from_ns, until_ns)
            units[foreman.journal] = _read_units(found.body)
        messages = sorted((message for call in calls for message in call.messages), key=lambda each: each[0])
        claims = self._table.signalling.claims
        return Job(
            messages=tuple(messages),
            units=units,
            claims=tuple(
                (place, call_id, since_ns)
                for endpoint, place in zip(sorted(endpoints), places, strict=True)
                for since_ns, call_id in claims.held(endpoint)
            ),
            decided={
                call.id: Decided(verdict=call.verdict, pauses=call.closed_pauses(_ended_ns(call)))
                for call in calls
                if call.verdict is not None
            },
            plan=self._habits.plan,
            headers=self._habits.headers,
            folder=self._ctx.scratch,
            name=f"call-{next(self._names)}",
            origin=self._ctx.instance,
        )

    async def _find(self, foreman: Foreman, places: list[str], from_ns: int, until_ns: int) -> Frame:
        """Where the media of endpoints lies; a worker that is away comes back, one whose disk is full writes on."""
        while True:
            try:
                found = await foreman.ask("find", places=places, from_ns=from_ns, until_ns=until_ns)
            except WorkerAway:
                found = None
            if found is not None and not found.facts["waits"]:
                return found
            await asyncio.sleep(_AGAIN_S)

    async def _make(self, describe: Callable[[], Awaitable[Job]]) -> tuple[Made, ...]:
        """The recordings of a job; a disk that is full or away is waited for, and where the media lies asked anew."""
        while True:
            job = await describe()
            try:
                return await self._makers.make(job)
            except JobFailed as error:
                self._tally.failed += 1
                self._ctx.log.warning("call.failed", reason=str(error))
                return (await self._rescue(job, error),)
            except OSError as error:
                self._ctx.log.warning("call.postponed", reason=str(error))
                await asyncio.sleep(_AGAIN_S)

    async def _rescue(self, job: Job, error: JobFailed) -> Made:
        """Keep what a call was in a capture file, since no recording can be made of it."""
        path = self._ctx.scratch / f"rescued-{now_ns()}.pcap"
        await asyncio.to_thread(write_rescue, job, path)
        text = f"A call could not be put together ({error}); its signalling and media are in {path}."
        hint = "Import the file again after an update, or give it to the makers of this plug-in."
        self._ctx.raise_alarm(Alarm(key=_FAILED, code="CALL_FAILED", severity=Severity.MAJOR, text=text, hint=hint))
        return Made(call_ids=tuple(job.decided), why=text, has_media=True, was_answered=True)

    async def _hand_over(self, made: Made, call: OpenCall | None) -> None:
        if made.draft is not None:
            draft = made.draft
            try:
                await self._persist(lambda: self._ctx.submit(draft))
                self._tally.recordings += 1
            except BadRecording as error:
                self._tally.failed += 1
                self._ctx.log.warning("call.refused", call_ids=list(made.call_ids), reason=str(error))
            finally:
                for media in draft.media:
                    media.path.unlink(missing_ok=True)  # type: ignore[union-attr]
        elif made.was_answered and call is not None:
            why = Absence.UNREADABLE if made.has_media else Absence.NO_MEDIA
            await self._tell_absence(call, why, made.why)

    async def _tell_unwanted(self, call: OpenCall) -> None:
        if not call.dialog.answered_ns and call.dialog.session is None:
            return
        recorded = call.verdict.recorded if call.verdict else Recorded.YES
        if call.discarded:
            why, text = Absence.DISCARDED, "Somebody discarded it while it lasted."
        elif recorded is Recorded.ON_DEMAND:
            why, text = Absence.NOT_ASKED_FOR, "Nobody asked for its recording."
        else:
            why, text = Absence.LEFT_OUT, "A recording rule leaves it out."
        await self._tell_absence(call, why, text)

    async def _tell_absence(self, call: OpenCall, why: Absence, text: str) -> None:
        parties = find_parties(call.dialog, self._habits.plan)
        absence = AbsentCall(
            absence_id=f"{call.id} {call.dialog.first_ns // 1_000_000}",
            why=why,
            started_at=moment(call.began_ns),
            ended_at=moment(max(_ended_ns(call), call.began_ns)),
            call_id=call.id,
            direction=find_direction(call.dialog, parties, self._habits.plan),
            parties=parties,
            rule=call.verdict.rule if call.verdict else "",
            text=text,
        )
        await self._persist(lambda: self._ctx.submit_absence(absence))
        self._tally.absent += 1

    async def _persist(self, submit: Callable[[], Awaitable[Receipt]]) -> None:
        """Hand something over, however long the hub cannot take it. Raises: BadRecording."""
        while True:
            try:
                await submit()
            except RetryLater as error:
                self._ctx.log.warning("call.postponed", reason=str(error))
                await asyncio.sleep(_AGAIN_S)
            else:
                return

    def _forget_media(self, calls: Sequence[OpenCall]) -> None:
        """Remove what was kept of calls, and nothing of who has used the same endpoints since."""
        claims = self._table.signalling.claims
        for call in calls:
            endpoints = sorted({each.endpoint for each in call.dialog.listenings})
            ends_ns = []
            for endpoint in endpoints:
                _, taken_ns = claims.around(endpoint, call.id, call.dialog.last_ns)
                ends_ns.append(min(_ended_ns(call) + _LATE_NS, taken_ns))
                claims.forget(endpoint, call.id)
            for foreman in self._foremen:
                foreman.release(self._places(endpoints), ends_ns)

    async def _take_strays(self, foreman: Foreman, *, makes: bool) -> None:
        silent_before_ns = now_ns() - _STRAY_SILENT_NS
        found = (await foreman.ask("flows", silent_before_ns=silent_before_ns)).facts
        ends = read_places(self._table.endpoints, found["ways"])
        flows = list(zip(ends[0::2], ends[1::2], found["last_ns"], found["packets"], strict=True))
        strays = [flow for flow in flows if not any(self._is_in_use(end) for end in flow[:2])]
        if not strays:
            return
        sources = sorted({flow[0] for flow in strays if flow[3] >= _STRAY_PACKETS_MIN})
        if sources and makes:
            for made in await self._make(lambda: self._describe_strays(foreman, sources, silent_before_ns)):
                await self._hand_over(made, None)
        ways = self._places(end for flow in strays for end in flow[:2])
        foreman.forget(ways, [flow[2] + 1 for flow in strays])

    async def _describe_strays(self, foreman: Foreman, sources: Sequence[int], until_ns: int) -> Job:
        """All that is needed to make recordings of media that came from endpoints which no call knows."""
        found = await self._find(foreman, self._places(sources), 0, until_ns)
        return Job(
            messages=(),
            units={foreman.journal: _read_units(found.body)},
            claims=(),
            decided={},
            plan=self._habits.plan,
            headers=(),
            folder=self._ctx.scratch,
            name=f"stray-{next(self._names)}",
            origin=self._ctx.instance,
            strays=True,
        )

    def _is_in_use(self, endpoint: int) -> bool:
        return self._table.is_known(endpoint) or endpoint in self._finishing

    def _places(self, endpoints: Iterable[int]) -> list[str]:
        return write_places(self._table.endpoints, endpoints)


def _ended_ns(call: OpenCall) -> int:
    return call.dialog.ended_ns or call.dialog.last_ns


def _read_units(body: bytes) -> tuple[tuple[int, int, int], ...]:
    rows = np.frombuffer(body, np.int64).reshape(-1, 3).tolist()
    return tuple((segment, offset, length) for segment, offset, length in rows)
