"""A journal with a thread of its own: whatever the disk does, packets are read and messages are answered."""

import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from contextlib import suppress
from typing import NamedTuple, TypeAlias

from plugins.pbx_sip.engine.manning import give_way_to_reading
from plugins.pbx_sip.journal.journal import Journal
from plugins.pbx_sip.journal.packing import Packed
from plugins.pbx_sip.journal.unit import Note
from plugins.pbx_sip.packets.datagrams import Datagrams

_AGAIN_S = 1.0
_SYNC_S = 1.0
_RECLAIM_S = 2.0
_LOOK_S = 0.25
_SLOW_S = 5.0
_AT_ONCE_BYTES = 64 << 20
_NOTE_BYTES = 200  # that a note takes beside its content
_CALL_CHARACTERS_MAX = 16_000  # more than a note has room for, where each takes three bytes or four

Errand: TypeAlias = Callable[[Journal, bool], None]


class _Waiting(NamedTuple):
    """Media, a note, or the call whose notes are to be forgotten; at_s: when it was given, monotonic."""

    number: int
    at_s: float
    size_bytes: int
    content: Packed | Note | str


class Keeper:
    """Writes what it is given in that order, as much at once as waits; what the disk does not take waits in memory.

    kept, lost: datagrams that were written, and that were given up because too much waited. used_bytes: of the journal.
    """

    def __init__(self, journal: Journal, waiting_bytes_max: int) -> None:
        """waiting_bytes_max: what may wait; beyond it the oldest media goes, and no note comes in."""
        self.kept = self.lost = 0
        self.used_bytes = journal.used_bytes
        self.waiting_bytes = 0
        self.waiting_bytes_max = waiting_bytes_max
        self._journal = journal
        self._waiting: deque[_Waiting] = deque()
        self._loaded = 0
        self._given = 0
        self._errands: list[tuple[int, Errand]] = []
        self._refusal = self._sync_refusal = ""
        self._again_at_s = self._sync_at_s = self._reclaim_at_s = 0.0
        self._is_unsynced = self._is_closing = False
        self._changes = threading.Condition()
        self._syncing: threading.Thread | None = None
        self._thread = threading.Thread(target=self._work, name="keeper", daemon=True)
        self._thread.start()

    @property
    def trouble(self) -> str:
        """Why the disk takes nothing just now, "" if it does. Raises: RuntimeError (the thread ended by a fault)."""
        if not (self._thread.is_alive() or self._is_closing):
            raise RuntimeError("the thread that writes the journal has ended")
        behind_s = self._behind_s()
        slow = "it has not answered for long" if behind_s > _SLOW_S else ""
        return self._refusal or self._sync_refusal or slow

    def keep(self, media: Sequence[Datagrams]) -> None:
        """Keep datagrams, one at least."""
        packed = self._journal.pack(media)
        with self._changes:
            self._give(packed, len(packed.content))
            while self.waiting_bytes > self.waiting_bytes_max and len(self._waiting) > self._loaded + 1:
                self._give_up(self._loaded)

    def note(self, notes: Iterable[Note], patience_s: float = 0.0) -> bool:
        """Keep notes, and wait a moment until they are written, unless the disk is known to be busy.

        Returns: whether they are kept; they are not when too much waits, or when no journal could hold one.
        """
        notes = list(notes)
        with self._changes:
            is_too_long = any(len(note.call) > _CALL_CHARACTERS_MAX for note in notes)
            if is_too_long or self.waiting_bytes > self.waiting_bytes_max:
                return False
            is_busy = bool(self._refusal) or self._behind_s() > patience_s
            for note in notes:
                self._give(note, len(note.content) + _NOTE_BYTES)
            if not is_busy:
                given = self._given
                self._changes.wait_for(lambda: self._is_written(given) or bool(self._refusal), patience_s)
            return True

    def forget_call(self, call: str) -> None:
        """Forget the notes of a call, those that wait too."""
        with self._changes:
            self._give(call, _NOTE_BYTES)

    def run(self, errand: Errand) -> None:
        """Have something done with the journal; it is told whether all that was given before is written."""
        with self._changes:
            self._errands.append((self._given, errand))
            self._changes.notify_all()

    def close(self) -> None:
        """Write what waits, or try once more where the disk takes nothing, and close the journal. Raises: OSError."""
        with self._changes:
            self._is_closing = True
            self._again_at_s = 0.0
            self._changes.notify_all()
        self._thread.join()
        if self._syncing is not None:
            self._syncing.join()
        self._journal.close()

    def _give(self, content: Packed | Note | str, size_bytes: int) -> None:
        self._given += 1
        self._waiting.append(_Waiting(self._given, time.monotonic(), size_bytes, content))
        self.waiting_bytes += size_bytes
        self._changes.notify_all()

    def _give_up(self, place: int) -> None:
        gone = self._waiting[place]
        del self._waiting[place]
        self._let_go(gone)
        if isinstance(gone.content, Packed):
            self.lost += gone.content.packets

    def _let_go(self, gone: _Waiting) -> None:
        self.waiting_bytes -= gone.size_bytes
        if isinstance(gone.content, Packed):
            self._journal.take_back(gone.content)

    def _behind_s(self) -> float:
        """How long the oldest of what waits has waited."""
        with self._changes:
            return time.monotonic() - self._waiting[0].at_s if self._waiting else 0.0

    def _is_written(self, number: int) -> bool:
        with self._changes:
            return not self._waiting or self._waiting[0].number > number

    def _work(self) -> None:
        give_way_to_reading()
        is_over = False
        while not is_over:
            with self._changes:
                self._changes.wait_for(self._has_work, _LOOK_S)
                is_closing = self._is_closing
                load = self._load() if time.monotonic() >= self._again_at_s else []
                errands, self._errands = self._errands, []
            if load:
                self._write(load)
            for number, errand in errands:
                errand(self._journal, self._is_written(number))
            self._look_after()
            is_over = is_closing and (not self._waiting or bool(self._refusal))

    def _has_work(self) -> bool:
        is_due = bool(self._waiting) and time.monotonic() >= self._again_at_s
        return is_due or bool(self._errands) or self._is_closing

    def _load(self) -> list[_Waiting]:
        """What goes to the disk now; nothing after a call that is forgotten, as it may begin anew."""
        size_bytes = 0
        load: list[_Waiting] = []
        for each in self._waiting:
            is_anew = bool(load) and isinstance(load[-1].content, str) and not isinstance(each.content, str)
            if is_anew or (load and size_bytes + each.size_bytes > _AT_ONCE_BYTES):
                break
            size_bytes += each.size_bytes
            load.append(each)
        self._loaded = len(load)
        return load

    def _write(self, load: list[_Waiting]) -> None:
        packed = [each.content for each in load if isinstance(each.content, Packed)]
        notes = [each.content for each in load if isinstance(each.content, Note)]
        try:
            self._journal.append_packed(packed, notes)
        except OSError as error:
            with self._changes:
                self._loaded = 0
                self._refusal = error.strerror or str(error)
                self._again_at_s = time.monotonic() + _AGAIN_S
                self._changes.notify_all()
            return
        for each in load:
            if isinstance(each.content, str):
                self._journal.forget_call(each.content)
        with self._changes:
            self.kept += sum(each.packets for each in packed)
            self._loaded = 0
            self._refusal = ""
            for _ in load:
                self._let_go(self._waiting.popleft())
            self._is_unsynced = True
            self._changes.notify_all()

    def _look_after(self) -> None:
        """Bring to the disk what was written, and free what is not needed, now and then."""
        now_s = time.monotonic()
        if self._is_unsynced and now_s >= self._sync_at_s and not (self._syncing and self._syncing.is_alive()):
            self._sync_at_s = now_s + _SYNC_S
            self._is_unsynced = False
            self._syncing = threading.Thread(target=self._sync, name="sync", daemon=True)
            self._syncing.start()
        if now_s >= self._reclaim_at_s:
            self._reclaim_at_s = now_s + _RECLAIM_S
            with suppress(OSError):  # no room to carry anything on: it is tried again
                self._journal.reclaim()
        self.used_bytes = self._journal.used_bytes

    def _sync(self) -> None:
        try:
            self._journal.sync()
        except OSError as error:
            self._sync_refusal = error.strerror or str(error)
            self._is_unsynced = True
        else:
            self._sync_refusal = ""
