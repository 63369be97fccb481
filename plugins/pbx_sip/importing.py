"""Takes in capture files: waits until one is finished, hands over the calls in it, remembers that it is done."""

import asyncio
import traceback
from collections.abc import AsyncIterator, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from time import time

from hub.sdk import Alarm, BadRecording, Health, HealthState, PluginContext, RecordingDraft, RetryLater, Severity
from plugins.pbx_sip.calls.observer import Observer
from plugins.pbx_sip.calls.recorded import RecordedCall
from plugins.pbx_sip.drafts.draft import make_draft
from plugins.pbx_sip.packets.blocks import PacketBlock
from plugins.pbx_sip.packets.files import CaptureFile, open_capture
from plugins.pbx_sip.packets.records import BadCapture
from plugins.pbx_sip.settings import SipCaptureSettings

NAMES = (".pcap", ".pcapng", ".cap", ".pcap.gz", ".pcapng.gz", ".cap.gz")
_LOOK_S = 1.0
_AGAIN_S = 2.0


@dataclass(slots=True)
class Tally:
    """What became of the captures since the start."""

    files: int = 0
    calls: int = 0
    silent_calls: int = 0
    refused_calls: int = 0


@dataclass(slots=True)
class CaptureFolder:
    """One folder of captures."""

    settings: SipCaptureSettings
    ctx: PluginContext
    tally: Tally = field(default_factory=Tally)

    async def run(self) -> None:
        """Import what comes, until cancelled."""
        while True:
            try:
                finished, waiting = await asyncio.to_thread(self._look)
            except OSError as exc:
                hint = "Make it, or mount its disk."
                self.ctx.report(Health(HealthState.DOWN, f"{self.settings.folder}: {exc.strerror}", hint))
                await asyncio.sleep(_LOOK_S)
                continue
            for path in finished:
                await self._import(path)
            self._report(waiting)
            await asyncio.sleep(_LOOK_S)

    def _look(self) -> tuple[list[Path], int]:
        """The captures that are finished and not yet imported, and how many are still growing."""
        finished, waiting, names = [], 0, set()
        for path in sorted(find_captures(self.settings.folder)):
            names.add(path.name)
            state = path.stat()
            known = self.ctx.state.get(_key(path.name)) or ()
            if list(known[:2]) == [state.st_size, state.st_mtime_ns]:
                continue
            if time() - state.st_mtime < self.settings.settle_age_s:
                waiting += 1
            else:
                finished.append(path)
        gone = [key for key, _ in self.ctx.state.items(_key("")) if key.removeprefix(_key("")) not in names]
        for key in gone:
            self.ctx.clear_alarm(key)
        self.ctx.state.delete(*gone)
        return finished, waiting

    async def _import(self, path: Path) -> None:
        """Hand over all calls of a capture; it is done only when the hub has every one."""
        try:
            state = await asyncio.to_thread(path.stat)
            with open_capture(path) as capture:
                note = await self._read(path, capture)
        except OSError as exc:
            self.ctx.log.warning("capture.away", name=path.name, reason=str(exc))
            return
        if note:
            text = f"{path.name} could not be read to its end: {note} The calls before that were taken."
            hint = "Copy it here again; if it is damaged itself, repair it with pcapfix, or delete it."
            alarm = Alarm(key=_key(path.name), code="FILE_PARSE_ERROR", severity=Severity.MINOR, text=text, hint=hint)
            self.ctx.raise_alarm(alarm)
        else:
            self.ctx.clear_alarm(_key(path.name))
        self.tally.files += 1
        self.ctx.state.put(_key(path.name), [state.st_size, state.st_mtime_ns, bool(note)])
        if self.settings.after_import == "delete" and not note:
            await asyncio.to_thread(path.unlink, missing_ok=True)

    async def _read(self, path: Path, capture: CaptureFile) -> str:
        """The calls of a capture, as they end; returns why it could not be read to its end, or ""."""
        observer = Observer(
            sip_ports=[int(port) for port in self.settings.sip_ports],
            headers=self.settings.headers,
            takes_strays=self.settings.unsignalled == "take",
        )
        try:
            note = await self._watch(path, capture, observer)
            await self._hand_over(path, observer.take())
        except OSError:
            raise
        except Exception as exc:  # noqa: BLE001 - our own fault over one capture must not keep back the others
            self.ctx.log.warning("capture.failed", name=path.name, reason=repr(exc), trace=traceback.format_exc())
            note = f"Reading it failed ({type(exc).__name__}: {exc})."
        return note or capture.note

    async def _watch(self, path: Path, capture: CaptureFile, observer: Observer) -> str:
        """Hand over calls as they end, up to the end of the capture or the damage that is returned."""
        try:
            async for block in _blocks(capture):
                await asyncio.to_thread(observer.add, block)
                await self._hand_over(path, observer.take(int(block.time_ns[-1])))
                self._tell_progress(path, capture)
        except BadCapture as exc:
            return f"{exc}."
        return ""

    async def _hand_over(self, path: Path, calls: Iterator[RecordedCall]) -> None:
        while (call := await asyncio.to_thread(next, calls, None)) is not None:
            if not call.lanes:
                self.tally.silent_calls += 1
                self.ctx.log.info("call.without_media", call_id=call.dialog.call_id, capture=path.name)
                continue
            sound = self.ctx.scratch / "call.wav"
            try:
                draft = await asyncio.to_thread(make_draft, call, self.settings.number_plan, sound, path.name)
                await self._submit(draft)
                self.tally.calls += 1
            except BadRecording as exc:
                self.tally.refused_calls += 1
                self.ctx.log.warning("call.refused", call_id=call.dialog.call_id, reason=str(exc))
            finally:
                sound.unlink(missing_ok=True)

    async def _submit(self, draft: RecordingDraft) -> None:
        """Hand a call over, however long the hub cannot take it."""
        while True:
            try:
                await self.ctx.submit(draft)
            except RetryLater as exc:
                self.ctx.report(Health(HealthState.DEGRADED, f"The hub cannot take recordings: {exc}", exc.hint))
                await asyncio.sleep(_AGAIN_S)
            else:
                return

    def _tell_progress(self, path: Path, capture: CaptureFile) -> None:
        if capture.bytes_total:
            percent = capture.bytes_read * 100 // capture.bytes_total
            text = f"Reading {path.name}: {percent} %, {self.tally.calls} calls so far"
            self.ctx.report(Health(HealthState.OK, text, numbers=self._numbers()))

    def _report(self, waiting: int) -> None:
        text = f"{self.tally.files} captures with {self.tally.calls} calls imported"
        if waiting:
            text += f"; {waiting} still growing"
        unread = sum(1 for _, known in self.ctx.state.items(_key("")) if known[2])
        state = HealthState.DEGRADED if unread else HealthState.OK
        hint = "The alarms name them." if unread else ""
        self.ctx.report(Health(state, f"{text}; {unread} unreadable" if unread else text, hint, self._numbers()))

    def _numbers(self) -> dict[str, float]:
        return {
            "captures": float(self.tally.files),
            "calls": float(self.tally.calls),
            "calls_without_media": float(self.tally.silent_calls),
            "calls_refused": float(self.tally.refused_calls),
        }


def find_captures(folder: Path) -> Iterator[Path]:
    """The plain files of a folder that are captures by their names.

    Raises: OSError.
    """
    for path in folder.iterdir():
        if path.name.lower().endswith(NAMES) and not path.name.startswith(".") and path.is_file():
            yield path


async def _blocks(capture: CaptureFile) -> AsyncIterator[PacketBlock]:
    """The blocks of a capture, read beside the event loop. Raises: BadCapture, OSError."""
    blocks = iter(capture)
    while (block := await asyncio.to_thread(next, blocks, None)) is not None:
        yield block


def _key(name: str) -> str:
    return f"capture:{name}"
