"""Takes in capture files: waits until one is finished, hands over the calls in it, remembers that it is done."""

import asyncio
import traceback
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from time import time

from hub.sdk import (
    Absence,
    Alarm,
    BadRecording,
    Health,
    HealthState,
    PluginContext,
    Receipt,
    Recorded,
    RetryLater,
    Severity,
)
from plugins.pbx_sip.calls.recorded import RecordedCall
from plugins.pbx_sip.decisions import Decisions
from plugins.pbx_sip.drafts.absence import describe_absence, describe_left_out
from plugins.pbx_sip.drafts.draft import make_draft
from plugins.pbx_sip.drafts.terms import Terms
from plugins.pbx_sip.folder import Found, counted, find_captures, memory_key, series_of
from plugins.pbx_sip.packets.files import CaptureFile, open_capture, read_first_time
from plugins.pbx_sip.pieces import Pieces
from plugins.pbx_sip.reading import Reading, advise
from plugins.pbx_sip.settings import SipCaptureSettings

_LOOK_S = 1.0
_AGAIN_S = 2.0
_FAILED = "call.failed"


@dataclass(slots=True)
class Tally:
    """What became of the captures since the start. left_out: calls that rules do not want, by rule."""

    files: int = 0
    calls: int = 0
    missing_calls: int = 0
    refused_calls: int = 0
    failed_calls: int = 0
    left_out: Counter[str] = field(default_factory=Counter)

    def copied(self) -> "Tally":
        """As it is now."""
        return replace(self, left_out=Counter(self.left_out))

    def since(self, before: "Tally") -> "Found":
        """What was found since."""
        return Found(
            calls=self.calls - before.calls,
            missing=self.missing_calls - before.missing_calls,
            left_out=dict(self.left_out - before.left_out),
        )


@dataclass(frozen=True, slots=True)
class Part:
    """A capture that was read. changed_ns: when its file was. found: the calls up to its end."""

    path: Path
    size_bytes: int
    changed_ns: int
    note: str
    found: Found
    last_ns: int


@dataclass(slots=True)
class Series:
    """Captures that go on in one another. parts: those in which calls began that still go on."""

    name: str
    reading: Reading
    parts: list[Part] = field(default_factory=list)


@dataclass(slots=True)
class CaptureFolder:
    """One folder of captures."""

    settings: SipCaptureSettings
    ctx: PluginContext
    tally: Tally = field(default_factory=Tally)
    series: Series | None = None
    _decisions: Decisions = field(init=False)
    _pieces: Pieces = field(init=False)
    _kept: set[str] = field(default_factory=set)  # captures of calls that could not be put together

    def __post_init__(self) -> None:
        self._decisions = Decisions(self.ctx, self.settings.number_plan)
        self._pieces = Pieces(self.ctx)

    async def run(self) -> None:
        """Import what comes, until cancelled."""
        while True:
            try:
                finished, growing = await asyncio.to_thread(self._look)
            except OSError as exc:
                hint = "Make it, or mount its disk."
                self.ctx.report(Health(HealthState.DOWN, f"{self.settings.folder}: {exc.strerror}", hint))
                await asyncio.sleep(_LOOK_S)
                continue
            for path in finished:
                await self._import(path)
            # A call that goes on at the end of a capture waits for the next one only where that is being written.
            if self.series is not None and self.series.name not in set(map(series_of, growing)):
                await self._end_series()
            self._report(len(growing))
            await asyncio.sleep(_LOOK_S)

    def _look(self) -> tuple[list[Path], list[str]]:
        """The captures that are finished and not yet read, and the names of those that are still growing."""
        finished, growing, names = [], [], set()
        read = {part.path.name for part in self.series.parts} if self.series else set()
        for path in sorted(find_captures(self.settings.folder), key=lambda path: counted(path.name)):
            names.add(path.name)
            state = path.stat()
            known = self.ctx.state.get(memory_key(path.name)) or ()
            if path.name in read or list(known[:2]) == [state.st_size, state.st_mtime_ns]:
                continue
            if time() - state.st_mtime < self.settings.settle_age_s:
                growing.append(path.name)
            else:
                finished.append(path)
        gone = [key for key, _ in self.ctx.state.items(memory_key("")) if key.removeprefix(memory_key("")) not in names]
        for key in gone:
            self.ctx.clear_alarm(key)
        self.ctx.state.delete(*gone)
        return finished, growing

    async def _import(self, path: Path) -> None:
        """Read a capture; the calls that go on at its end are handed over later."""
        before = self.tally.copied()
        try:
            state = await asyncio.to_thread(path.stat)
            series = await self._join_series(path)
            with open_capture(path) as capture:
                note = await self._take(path, series.reading.steps(capture), capture) or series.reading.note
        except OSError as exc:
            self.ctx.log.warning("capture.away", name=path.name, reason=str(exc))
            self.series = None  # its captures are read again
            return
        found = self.tally.since(before)
        last_ns = series.reading.last_ns
        series.parts.append(Part(path, state.st_size, state.st_mtime_ns, note, found, last_ns))
        done = [part for part in series.parts if series.reading.is_done_with(part.last_ns)]
        series.parts = [part for part in series.parts if part not in done]
        await self._settle(done)

    async def _join_series(self, path: Path) -> Series:
        """The series that a capture goes on with; a new one where it does not."""
        if self.series is not None:
            first_ns = await asyncio.to_thread(read_first_time, path)
            if (
                first_ns is None
                or self.series.name != series_of(path.name)
                or not self.series.reading.goes_on(first_ns)
            ):
                await self._end_series()
        if self.series is None:
            self.series = Series(series_of(path.name), await asyncio.to_thread(Reading, self.settings))
        return self.series

    async def _end_series(self) -> None:
        """Hand over the calls that went on at the end of the last capture."""
        series, self.series = self.series, None
        if series is None or not series.parts:
            return
        *before, last = series.parts
        tally = self.tally.copied()
        try:
            note = await self._take(last.path, iter([series.reading.rest()]), None)
        except OSError as exc:
            self.ctx.log.warning("capture.away", name=last.path.name, reason=str(exc))
        else:
            found = last.found.plus(self.tally.since(tally))
            await self._settle([*before, replace(last, note=note or last.note, found=found)])

    async def _settle(self, parts: Sequence[Part]) -> None:
        """Remember captures as imported, now that the hub has every call that began in them."""
        for part in parts:
            key = memory_key(part.path.name)
            if part.note:
                text = f"{part.path.name} could not be read to its end: {part.note} The calls before that were taken."
                if part.found == Found(0):
                    text = f"{part.path.name} could not be read to its end: {part.note} No call was found in it."
                code, hint = "FILE_PARSE_ERROR", advise(part.note)
                self.ctx.raise_alarm(Alarm(key=key, code=code, severity=Severity.MINOR, text=text, hint=hint))
            else:
                self.ctx.clear_alarm(key)
            self.tally.files += 1
            self.ctx.state.put(key, [part.size_bytes, part.changed_ns, bool(part.note), *astuple(part.found)])
            if self.settings.after_import == "delete" and not part.note and part.path.name not in self._kept:
                await asyncio.to_thread(part.path.unlink, missing_ok=True)
        self._decisions.forget(max((part.last_ns for part in parts), default=0))

    async def _take(self, path: Path, steps: Iterator[Iterator[RecordedCall]], capture: CaptureFile | None) -> str:
        """Hand over calls step by step; returns what went wrong by our own fault, or "". Raises: OSError."""
        try:
            while (calls := await asyncio.to_thread(next, steps, None)) is not None:
                await self._hand_over(path, calls, is_rest=capture is None)
                if capture is not None:
                    self._tell_progress(path, capture)
        except OSError:
            raise
        except Exception as exc:  # noqa: BLE001 - our own fault over one capture must not keep back the others
            self.ctx.log.warning("capture.failed", name=path.name, reason=repr(exc), trace=traceback.format_exc())
            return f"Reading it failed ({type(exc).__name__}: {exc})."
        return ""

    async def _hand_over(self, path: Path, calls: Iterator[RecordedCall], *, is_rest: bool) -> None:
        while (call := await asyncio.to_thread(next, calls, None)) is not None:
            terms = Terms.of_capture(call, self._decisions.decide(call), self.settings.number_plan)
            is_wanted = terms.verdict.recorded is Recorded.YES and not terms.is_left_to_voicemail(call)
            if is_wanted and call.is_heard:
                call = await self._record(path, call, terms)
                if is_rest:
                    self._pieces.remember(call)
            if call.failure:
                self._tell_failure(path, call)
            if call.was_answered and not (is_wanted and call.is_heard):
                await self._account_for(call, terms)

    def _tell_failure(self, path: Path, call: RecordedCall) -> None:
        """Say that a call is kept in its capture only; the capture is not deleted."""
        self.tally.failed_calls += 1
        self._kept |= {path.name, *(part.path.name for part in (self.series.parts if self.series else ()))}
        self.ctx.log.warning("call.failed", name=path.name, call_id=call.dialog.call_id, reason=call.failure)
        text = f"A call in {path.name} could not be put together ({call.failure}); the other calls were taken."
        hint = "Keep the capture, and import it again after an update, or give it to the makers of this plug-in."
        self.ctx.raise_alarm(Alarm(key=_FAILED, code="CALL_FAILED", severity=Severity.MAJOR, text=text, hint=hint))

    async def _record(self, path: Path, call: RecordedCall, terms: Terms) -> RecordedCall:
        """Hand over the recording of a call. Returns: the call, or why it failed."""
        sound = self.ctx.scratch / "call.wav"
        try:
            draft = await asyncio.to_thread(make_draft, call, self.settings.number_plan, sound, path.name, terms)
            draft = replace(draft, origin_id=self._pieces.name(call))
            await self._persist(lambda: self.ctx.submit(draft))
            self.tally.calls += 1
        except BadRecording as exc:
            self.tally.refused_calls += 1
            self.ctx.log.warning("call.refused", call_id=call.dialog.call_id, reason=str(exc))
        except OSError:
            raise
        except Exception as exc:  # noqa: BLE001 - our own fault over one call must not keep back the others
            return call.as_failed(exc)
        finally:
            sound.unlink(missing_ok=True)
        return call

    async def _account_for(self, call: RecordedCall, terms: Terms) -> None:
        """Have a call listed of which there is no recording."""
        verdict = terms.verdict
        if verdict.recorded is Recorded.YES and terms.is_left_to_voicemail(call):
            why, text = Absence.LEFT_OUT, "It went to voicemail, where a recording rule ends the recording."
            self.tally.left_out[verdict.rule] += 1
        elif verdict.recorded is not Recorded.YES:
            is_asked = verdict.recorded is Recorded.ON_DEMAND
            why = Absence.NOT_ASKED_FOR if is_asked else Absence.LEFT_OUT
            text = "Nobody asked for its recording." if is_asked else describe_left_out(verdict.rule)
            self.tally.left_out[verdict.rule] += 1
        else:
            why = Absence.UNREADABLE if call.lanes or call.failure else Absence.NO_MEDIA
            text = call.why_unheard
            self.tally.missing_calls += 1
        absence = describe_absence(call.dialog, self.settings.number_plan, why, text, verdict.rule)
        await self._persist(lambda: self.ctx.submit_absence(absence))

    async def _persist(self, submit: Callable[[], Awaitable[Receipt]]) -> None:
        """Hand something over, however long the hub cannot take it. Raises: BadRecording."""
        while True:
            try:
                await submit()
            except RetryLater as exc:
                self.ctx.report(Health(HealthState.DEGRADED, f"The hub cannot take recordings: {exc}", exc.hint))
                await asyncio.sleep(_AGAIN_S)
            else:
                return

    def _tell_progress(self, path: Path, capture: CaptureFile) -> None:
        if capture.bytes_total:
            percent = capture.bytes_read * 100 // capture.bytes_total
            text = f"Reading {path.name}: {percent} %; calls so far: {self.tally.calls}"
            self.ctx.report(Health(HealthState.OK, text, numbers=self._numbers()))

    def _report(self, waiting: int) -> None:
        text = f"Captures imported: {self.tally.files}; calls in them: {self.tally.calls}"
        if left_out := self.tally.left_out.total():
            text += f", {left_out} left out by rules"
        if waiting:
            text += f"; {waiting} still growing"
        unread = sum(1 for _, known in self.ctx.state.items(memory_key("")) if known[2])
        state = HealthState.DEGRADED if unread else HealthState.OK
        hint = "The alarms name them." if unread else ""
        self.ctx.report(Health(state, f"{text}; {unread} unreadable" if unread else text, hint, self._numbers()))

    def _numbers(self) -> dict[str, float]:
        return {
            "captures": float(self.tally.files),
            "calls": float(self.tally.calls),
            "calls_missing": float(self.tally.missing_calls),
            "calls_left_out": float(self.tally.left_out.total()),
            "calls_refused": float(self.tally.refused_calls),
        }
