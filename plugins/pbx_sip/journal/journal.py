"""The journal: one process appends to it, any process reads what it is told to be there."""

import fcntl
import os
from collections.abc import Collection, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import IO

import numpy as np

from plugins.pbx_sip.journal.addresses import write_ends
from plugins.pbx_sip.journal.batch import Batch
from plugins.pbx_sip.journal.entries import note_entries, unit_entries
from plugins.pbx_sip.journal.errors import JournalInUse
from plugins.pbx_sip.journal.forgotten import Forgotten
from plugins.pbx_sip.journal.layout import FORGOTTEN_CALL, FORGOTTEN_FLOW, NOTE, REPLACED, UNIT, Bytes, Table, is_whole
from plugins.pbx_sip.journal.log import Log
from plugins.pbx_sip.journal.packing import Packed, Packer
from plugins.pbx_sip.journal.reading import OpenSegments
from plugins.pbx_sip.journal.recovery import recover
from plugins.pbx_sip.journal.seals import Broken, Seals
from plugins.pbx_sip.journal.unit import FlowSummary, Note, Unit
from plugins.pbx_sip.packets.datagrams import Datagrams, Endpoints

_LOCK_NAME = "lock"
_DAMAGE_MAX = 100
_LATEST_NS = (1 << 63) - 1
_CARRIED_SHARE = 4  # what is alive of a segment is carried on when it is less than one part in so many
_NO_UNITS, _NO_NOTES = np.empty(0, UNIT), np.empty(0, NOTE)
_NONE_REPLACED = np.empty(0, REPLACED)


class Journal:
    """Datagrams by flow and notes by call, in segment files of one folder.

    What was appended survives the death of the process; what was appended before the last `sync` began, that of the
    machine. One thread uses it, but for `sync` and what says so. damage: what was lost and how, for people.
    """

    def __init__(self, folder: Path, endpoints: Endpoints, key: bytes, *, segment_bytes: int = 256 << 20) -> None:
        """Open a journal, or begin one, and find what is in it. key: 32 bytes, the same each time.

        Raises: JournalInUse; WrongKey; OtherVersion; ValueError (a key of another length); OSError.
        """
        self._seals = Seals(key)
        self._folder = folder
        self._endpoints = endpoints
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = _lock(folder / _LOCK_NAME)
        try:
            found = recover(folder, endpoints, self._seals)
        except BaseException:
            self._lock.close()
            raise
        self._index, self._serial, self.damage = found.index, found.serial, found.damage[:_DAMAGE_MAX]
        self._log = Log(folder, found.sizes, segment_bytes, self._seals)
        self._packer = Packer(endpoints)
        self._forgotten, self._unwritten = found.forgotten, Forgotten()

    @property
    def used_bytes(self) -> int:
        """What the segments take on the disk."""
        return sum(self._log.sizes.values())

    @property
    def segments(self) -> int:
        """How many segments there are."""
        return len(self._log.sizes)

    def append(self, datagrams: Sequence[Datagrams], notes: Sequence[Note] = ()) -> None:
        """Write datagrams and notes, all of them or, when that fails, none.

        Raises: OSError (no room, or the disk is away): the same can be appended again later; ValueError (a datagram or
        a note that cannot be kept).
        """
        parts = [part for part in datagrams if len(part)]
        if not parts:
            self.append_packed((), notes)
            return
        packed = self.pack(parts)
        try:
            self.append_packed([packed], notes)
        finally:
            self.take_back(packed)

    def pack(self, datagrams: Sequence[Datagrams]) -> Packed:
        """Datagrams, one at least, ready for `append_packed`; in whichever one thread packs.

        Raises: ValueError (a datagram that cannot be kept).
        """
        return self._packer.pack(datagrams)

    def take_back(self, packed: Packed) -> None:
        """It is not needed any more; from any thread."""
        self._packer.take_back(packed)

    def append_packed(self, packed: Sequence[Packed], notes: Sequence[Note] = ()) -> None:
        """Write what was packed, and notes, all of them or, when that fails, none. Raises: as `append`."""
        if not packed and not notes:
            return
        marks = [self._seals.mark(note.call) for note in notes]
        serials = range(self._serial + 1, self._serial + 1 + len(notes))
        self._serial += len(notes)
        closed = list(map(self._seals.close_note, notes, marks, serials))
        table = np.array(list(zip(marks, serials, map(len, closed), strict=True)), NOTE)
        ways = [way for each in packed for way in zip(each.source.tolist(), each.target.tolist(), strict=True)]
        units = np.concatenate([each.heads for each in packed]) if packed else _NO_UNITS
        self._write([*(each.content for each in packed), *closed], ways, units, table)

    def sync(self) -> None:
        """Wait until all that was appended is on the disk; from any thread. Raises: OSError."""
        self._log.sync()

    def find(
        self,
        endpoints: Collection[int],
        from_ns: int,
        until_ns: int,
        without: Collection[tuple[int, int]] = frozenset(),
    ) -> list[Unit]:
        """Units of the flows from or to any of the endpoints, of a time, in the order of time.

        without: flows that are not wanted, source and target.
        """
        return self._index.find(endpoints, from_ns, until_ns, without)

    def flows(self) -> list[FlowSummary]:
        """What there is of each flow."""
        return list(self._index.flows())

    def last_ns(self, endpoints: Sequence[int]) -> list[int]:
        """When something came last to each endpoint, as far as it is not forgotten; 0 where nothing did."""
        return [self._index.last_ns_to(endpoint) for endpoint in endpoints]

    def notes(self) -> Iterator[Note]:
        """All notes, in the order in which they were appended. Raises: OSError."""
        found = self._index.notes()
        with OpenSegments(self._folder, (place.segment for _, _, place in found)) as segments:
            for serial, mark, place in found:
                try:
                    yield self._seals.open_note(segments.read(place), mark, serial)
                except Broken:
                    self._tell_damage(f"segment {place.segment}: the note at byte {place.offset} cannot be read")

    def forget_flow(self, source: int, target: int, before_ns: int) -> None:
        """Forget the units of a flow that ended before a moment."""
        before_ns, end = min(before_ns, _LATEST_NS), self._log.end
        if first := self._index.forget_flow(source, target, before_ns, end):
            row = np.array([(b"", b"", 0, 0, before_ns, first, *end)], FORGOTTEN_FLOW)
            write_ends(row, np.array([source], np.uint64), np.array([target], np.uint64), self._endpoints)
            self._write_forgotten(Forgotten(flows=row))

    def forget_call(self, call: str) -> None:
        """Forget the notes of a call."""
        mark, end = self._seals.mark(call), self._log.end
        if first := self._index.forget_call(mark, end):
            self._write_forgotten(Forgotten(calls=np.array([(mark, first, *end)], FORGOTTEN_CALL)))

    def reclaim(self) -> int:
        """Free segments of which nothing is needed; write anew what is alive of those that are mostly dead.

        Those are freed by a later call, when a `sync` has brought to the disk what was written. The more often it is
        called, the less there is to do at once: about every second under load.
        Returns: how many bytes were freed.
        Raises: OSError (no room to write anything anew).
        """
        freed = live_bytes = dying_bytes = 0
        dying = []
        for number in self._log.older():
            live = self._index.live_bytes(number)
            if not live:
                freed += self._free(number)
            elif live * _CARRIED_SHARE < self._log.sizes[number] and live_bytes + live < self._log.segment_bytes:
                live_bytes += live
                dying_bytes += self._log.sizes[number]
                dying.append(number)
        if dying_bytes > self._log.segment_bytes // 2:
            self._carry(dying)
        return freed

    def close(self) -> None:
        """Bring all to the disk, and let another process write. Raises: OSError."""
        if self._lock.closed:
            return
        try:
            self._log.close()
        finally:
            self._lock.close()

    def _free(self, number: int) -> int:
        """Free a segment, after what it says to be forgotten of other segments is said elsewhere."""
        said = self._forgotten.pop(number, Forgotten()).about(self._log.sizes.keys() - {number})
        if said:
            self._log.hold(number)
            self._write_forgotten(said)
        return self._log.free(number)

    def _carry(self, numbers: Sequence[int]) -> None:
        """Write what is alive of segments anew, in one batch that says that it replaces them."""
        flows, calls = self._index.within(numbers)
        with OpenSegments(self._folder, numbers) as segments:
            units = [(way, segments.read(place)) for place, way in flows]
            notes = [(mark, serial, segments.read(place)) for place, mark, serial in calls]
        whole = [(way, unit) for way, unit in units if is_whole(unit)]
        if len(whole) < len(units):
            self._tell_damage(f"segments {numbers}: {len(units) - len(whole)} units cannot be read")
        heads = np.frombuffer(b"".join(unit[: UNIT.itemsize] for _, unit in whole), UNIT)
        table = np.array([(mark, serial, len(note)) for mark, serial, note in notes], NOTE)
        data = b"".join([*(unit for _, unit in whole), *(note for _, _, note in notes)])
        self._write([data], [way for way, _ in whole], heads, table, replaced=np.array(numbers, REPLACED))

    def _write_forgotten(self, forgotten: Forgotten) -> None:
        """Write what was forgotten; when the disk is full, that goes with the next batch that finds room."""
        self._unwritten = self._unwritten.join(forgotten)
        with suppress(OSError):
            self._write([])

    def _write(
        self,
        data: Sequence[Bytes],
        ways: Sequence[tuple[int, int]] = (),
        units: Table = _NO_UNITS,
        notes: Table = _NO_NOTES,
        *,
        replaced: Table = _NONE_REPLACED,
    ) -> None:
        """Write a batch, with it what was forgotten, and then know what is in it. ways: the flow of each unit."""
        flows, calls = self._unwritten
        batch = Batch(units=units, notes=notes, flows=flows, calls=calls, replaced=replaced)
        number, data_at = self._log.write(batch, data)
        if self._unwritten:
            self._forgotten[number] = self._forgotten.get(number, Forgotten()).join(self._unwritten)
            self._unwritten = Forgotten()
        if len(replaced):
            self._index.drop(replaced["segment"].tolist())
        if len(units):
            self._index.add_units(ways, unit_entries(units, number, data_at))
        if len(notes):
            self._index.add_notes(notes, note_entries(notes, number, data_at + batch.units_bytes))

    def _tell_damage(self, damage: str) -> None:
        if len(self.damage) < _DAMAGE_MAX:
            self.damage.append(damage)


def _lock(path: Path) -> IO[bytes]:
    file = os.fdopen(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600), "wb")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as exc:
        file.close()
        raise JournalInUse(f"another process writes {path.parent}") from exc
    return file
