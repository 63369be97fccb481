"""What happens once a call is over: its media is found, its recording made and handed over, its traces removed."""

import asyncio
import itertools
import shutil
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Sequence
from functools import partial

import numpy as np

from hub.sdk import Absence, Alarm, BadRecording, PluginContext, Receipt, Recorded, RetryLater, Severity
from plugins.pbx_sip.calls.moments import now_ns
from plugins.pbx_sip.calls.parts import split_dialog
from plugins.pbx_sip.calls.stopper import Stopper
from plugins.pbx_sip.drafts.absence import describe_absence, describe_left_out
from plugins.pbx_sip.drafts.terms import Terms
from plugins.pbx_sip.engine.call_table import CallTable
from plugins.pbx_sip.engine.foreman import Foreman, WorkerAway
from plugins.pbx_sip.engine.frames import Frame
from plugins.pbx_sip.engine.habits import Habits
from plugins.pbx_sip.engine.job import Decided, Job, Made
from plugins.pbx_sip.engine.makers import JobFailed, Makers
from plugins.pbx_sip.engine.open_call import OpenCall
from plugins.pbx_sip.engine.places import read_places, write_places
from plugins.pbx_sip.engine.reception import Reception
from plugins.pbx_sip.engine.rescue import write_rescue
from plugins.pbx_sip.engine.tally import Tally

_EARLY_NS, _LATE_NS = 2_000_000_000, 1_000_000_000
_AGAIN_S = 2.0
_STRAYS_S = 10.0
_STRAY_SILENT_NS = 10_000_000_000
_STRAY_PACKETS_MIN = 50
_AT_ONCE = 4
_WAYS_MAX = 8000  # as many as a frame holds; what is found of others is left out later, too
_FAILED = "call.failed"
_STOPPED = "call.stopped"
_WHO = "Its timeline shows it; who stopped it under Live calls stands in the audit trail."


class Ending:
    """Finishes calls, several at once; nothing of a call is forgotten before the hub has its recording."""

    def __init__(  # noqa: PLR0913, PLR0917 - all that a call leaves behind
        self,
        ctx: PluginContext,
        habits: Habits,
        table: CallTable,
        foremen: Sequence[Foreman],
        tally: Tally,
        reception: Reception,
        forget: Callable[[Iterable[str]], None],
    ) -> None:
        """forget: has the notes of calls removed."""
        self._ctx = ctx
        self._habits = habits
        self._table = table
        self._foremen = foremen
        self._tally = tally
        self._reception = reception
        self._forget = forget
        self._makers = Makers(1)
        self._folder = ctx.scratch / "making"
        shutil.rmtree(self._folder, ignore_errors=True)  # what was being made in a crash is made anew
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
            for foreman in [each for each in self._foremen if not each.is_gone]:
                try:
                    await self._take_strays(foreman, makes=makes)
                except WorkerAway:
                    continue

    def close(self) -> None:
        """Let go of the processes that make recordings."""
        self._makers.close()

    async def _make_all(self, calls: Sequence[OpenCall]) -> None:
        for made in await self._make(lambda: self._describe(calls)):
            first = next((call for call in calls if call.id in made.call_ids), calls[0])
            await self._hand_over(made, first)

    async def _describe(self, calls: Sequence[OpenCall]) -> Job:
        """All that is needed to make the recordings of calls."""
        from_ns = min(0 if call.dialog.joined_late else call.dialog.first_ns - _EARLY_NS for call in calls)
        until_ns = max(call.over_ns for call in calls) + _LATE_NS
        controlled = {
            each for call in calls for listening in call.dialog.arrivals for each in listening.control_endpoints
        }
        claims = self._table.signalling.claims
        others = sorted(claims.ways_beside([call.id for call in calls]))[:_WAYS_MAX]
        units = {}
        for foreman in self._foremen:
            found = await self._find(foreman, sorted(controlled), from_ns, until_ns, others)
            units[foreman.journal] = _read_units(found.body)
        messages = sorted(
            ((at_ns, call.id, content) for call in calls for at_ns, content in call.told), key=lambda each: each[0]
        )
        return Job(
            messages=tuple(messages),
            units=units,
            claims=tuple(
                (self._places([endpoint])[0], call_id, since_ns)
                for endpoint, call_id, since_ns in sorted({claim for call in calls for claim in claims.beside(call.id)})
            ),
            decided={
                call.id: Decided(
                    terms=Terms(
                        verdict=call.verdict,
                        pauses=call.closed_pauses(call.over_ns),
                        stopped_ns=call.stopped_ns,
                        stopper=call.stopper,
                        voicemails_ns=tuple(since_ns for since_ns, _ in call.voicemails),
                        unheeded=tuple(call.unheeded),
                    ),
                    interaction=call.dialog.interaction,
                )
                for call in calls
                if call.verdict is not None
            },
            plan=self._habits.plan,
            headers=self._habits.headers,
            folder=self._folder,
            name=f"call-{next(self._names)}",
            origin=self._ctx.instance,
        )

    async def _find(
        self,
        foreman: Foreman,
        endpoints: Sequence[int],
        from_ns: int,
        until_ns: int,
        others: Iterable[tuple[int, int]] = (),
    ) -> Frame:
        """Where the media of endpoints lies; a worker that is away comes back, one whose disk is full writes on.

        others: between which endpoints media is not wanted.
        """
        places, besides = self._places(endpoints), self._places(end for way in others for end in way)
        while not foreman.is_gone:
            try:
                found = await foreman.ask("find", places=places, from_ns=from_ns, until_ns=until_ns, others=besides)
            except WorkerAway:
                found = None
            if found is not None and not found.facts["waits"]:
                return found
            await asyncio.sleep(_AGAIN_S)
        return Frame("found")

    async def _make(self, describe: Callable[[], Awaitable[Job]]) -> tuple[Made, ...]:
        """The recordings of a job; a disk that is full or away is waited for, and where the media lies asked anew."""
        while True:
            job = await describe()
            try:
                self._folder.mkdir(exist_ok=True)
                try:
                    return await self._makers.make(job)
                except JobFailed as error:
                    return (await self._rescue(job, error),)
            except OSError as error:
                self._ctx.log.warning("call.postponed", reason=str(error))
                await asyncio.sleep(_AGAIN_S)

    async def _rescue(self, job: Job, error: JobFailed) -> Made:
        """Keep what a call was in a capture file, since no recording can be made of it. Raises: OSError."""
        path = self._ctx.scratch / f"rescued-{now_ns()}.pcap"
        try:
            await asyncio.to_thread(write_rescue, job, path)
        except OSError:
            path.unlink(missing_ok=True)
            raise
        self._tally.failed += 1
        self._ctx.log.warning("call.failed", reason=str(error))
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
                self._tell_stopped(call)
                self._reception.hear(draft, made.qualities)
            except BadRecording as error:
                self._tally.failed += 1
                self._ctx.log.warning("call.refused", call_ids=list(made.call_ids), reason=str(error))
            finally:
                for media in draft.media:
                    media.path.unlink(missing_ok=True)  # type: ignore[union-attr]
        elif made.was_answered and call is not None:
            if made.name in call.forbidden:
                rule = call.forbidden[made.name]
                await self._tell_absence(call, Absence.LEFT_OUT, describe_left_out(rule), made.name, rule)
            elif not made.has_media and call.is_paused_throughout(call.over_ns):
                text = "Its recording was paused from beginning to end."
                await self._tell_absence(call, Absence.PAUSED, text, made.name)
            else:
                why = Absence.UNREADABLE if made.has_media else Absence.NO_MEDIA
                await self._tell_absence(call, why, made.why, made.name)

    def _tell_stopped(self, call: OpenCall | None) -> None:
        """Say so where a rule insists on the recording of a call, and it has only a part of it."""
        verdict = call.verdict if call is not None else None
        if call is None or verdict is None or not verdict.is_mandatory or not call.stopper.is_against_rule:
            return
        rule, length_s = verdict.rule, round(max(call.stopped_ns - call.began_ns, 0) / 1e9)
        text = f"The recording of a call that must be recorded by the rule {rule} was stopped after {length_s} s."
        self._ctx.raise_alarm(
            Alarm(key=_STOPPED, code="MANDATORY_NOT_RECORDED", severity=Severity.CRITICAL, text=text, hint=_WHO)
        )

    async def _tell_unwanted(self, call: OpenCall) -> None:
        if not call.dialog.answered_ns and call.dialog.session is None:
            return
        recorded = call.verdict.recorded if call.verdict else Recorded.YES
        if call.discarded:
            why, text = Absence.DISCARDED, "Somebody discarded it while it lasted."
            if call.stopper is Stopper.SYSTEM:
                text = "The telephone system discarded it while it lasted."
        elif recorded is Recorded.ON_DEMAND and not call.demanded:
            why, text = Absence.NOT_ASKED_FOR, "Nobody asked for its recording."
        elif recorded is not Recorded.NO and call.is_left_to_voicemail:
            why, text = Absence.LEFT_OUT, "It went to voicemail, where a recording rule ends the recording."
        else:
            why, text = Absence.LEFT_OUT, describe_left_out(call.verdict.rule if call.verdict else "")
        await self._tell_absence(call, why, text)

    async def _tell_absence(
        self, call: OpenCall, why: Absence, text: str, name: str = "", rule: str | None = None
    ) -> None:
        """Account for a call; for all that it carries, or for the one of a name. rule: by which, its own if None."""
        rule = (call.verdict.rule if call.verdict else "") if rule is None else rule
        carried = split_dialog(call.dialog)
        for dialog in [each for each in carried if each.call_id == name] or carried:
            absence = describe_absence(dialog, self._habits.plan, why, text, rule)
            await self._persist(partial(self._ctx.submit_absence, absence))
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
            endpoints = sorted({each.endpoint for each in call.dialog.arrivals})
            ends_ns = []
            for endpoint in endpoints:
                taken_ns = claims.taken_ns(endpoint, call.id, call.dialog.last_ns)
                held_ns = claims.held_by_others_ns(endpoint, call.id)
                ends_ns.append(min(call.over_ns + _LATE_NS, taken_ns, held_ns - _EARLY_NS))
            claims.forget(call.id)
            ends = dict(zip(endpoints, ends_ns, strict=True))
            # Its RTCP came to the next port, unless that is another one's.
            ends |= {
                each + 1: end_ns for each, end_ns in ends.items() if each + 1 not in ends and not claims.held(each + 1)
            }
            for foreman in self._foremen:
                foreman.release(self._places(ends), list(ends.values()))

    async def _take_strays(self, foreman: Foreman, *, makes: bool) -> None:
        silent_before_ns = now_ns() - (0 if foreman.is_retired else _STRAY_SILENT_NS)
        found = (await foreman.ask("flows", silent_before_ns=silent_before_ns)).facts
        if foreman.is_retired and not found["ways"]:
            foreman.stop()
            self._tally.forget(self._foremen.index(foreman))
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
        found = await self._find(foreman, sources, 0, until_ns)
        return Job(
            messages=(),
            units={foreman.journal: _read_units(found.body)},
            claims=(),
            decided={},
            plan=self._habits.plan,
            headers=(),
            folder=self._folder,
            name=f"stray-{next(self._names)}",
            origin=self._ctx.instance,
            strays=True,
        )

    def _is_in_use(self, endpoint: int) -> bool:
        """Whether a call has its media there, or its RTCP beside it."""
        return any(self._table.is_known(each) or each in self._finishing for each in (endpoint, endpoint - 1))

    def _places(self, endpoints: Iterable[int]) -> list[str]:
        return write_places(self._table.endpoints, endpoints)


def _read_units(body: bytes) -> tuple[tuple[int, int, int], ...]:
    rows = np.frombuffer(body, np.int64).reshape(-1, 3).tolist()
    return tuple((segment, offset, length) for segment, offset, length in rows)
