"""What is to be kept waits while a disk is full or slow, and is written when the disk takes it again."""

import os
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from plugins.pbx_sip.engine.keeper import Keeper
from plugins.pbx_sip.journal.journal import Journal
from plugins.pbx_sip.journal.packing import Packed
from plugins.pbx_sip.journal.unit import Note
from plugins.pbx_sip.packets.datagrams import Endpoints
from tests.doubles.hub import until
from tests.unit.plugins.pbx_sip.journal.streams import BEGAN_NS, KEY, Packet, by_flow, capture, kept, talk
from tests.unit.plugins.pbx_sip.journal.test_full_disk import no_file_longer_than

ROOM_BYTES = 64 << 20
WITHIN_S = 30


class SlowJournal(Journal):
    """Every write to its disk lasts until it is let go."""

    def __init__(self, folder: Path, endpoints: Endpoints) -> None:
        super().__init__(folder, endpoints, KEY)
        self.may_write = threading.Event()
        self.writes = 0

    def append_packed(self, packed: Sequence[Packed], notes: Sequence[Note] = ()) -> None:
        self.writes += 1
        assert self.may_write.wait(WITHIN_S)
        super().append_packed(packed, notes)


@pytest.fixture
def endpoints() -> Endpoints:
    return Endpoints()


@contextmanager
def keeping(journal: Journal, room_bytes: int = ROOM_BYTES) -> Iterator[Keeper]:
    keeper = Keeper(journal, room_bytes)
    try:
        yield keeper
    finally:
        keeper.close()


def packets_of(folder: Path) -> dict[tuple[str, str], list[tuple[int, bytes]]]:
    """What another process finds in a journal."""
    journal = Journal(folder, Endpoints(), KEY)
    found = by_flow(kept(folder, journal))
    journal.close()
    return found


def notes_of(folder: Path) -> list[bytes]:
    journal = Journal(folder, Endpoints(), KEY)
    found = [note.content for note in journal.notes()]
    journal.close()
    return found


def note(number: int, call: str = "a") -> Note:
    return Note(call=call, at_ns=number, kind=1, content=str(number).encode())


def test_media_waits_for_a_full_disk_and_is_all_written_when_there_is_room(
    tmp_path: Path, endpoints: Endpoints
) -> None:
    spoken: list[Packet] = []
    with keeping(Journal(tmp_path, endpoints, KEY)) as keeper:
        with no_file_longer_than(2000):
            for second in range(20):
                spoken += talk(second)
                keeper.keep([capture(talk(second), endpoints)])
            until(lambda: keeper.trouble, WITHIN_S, "the trouble")
            assert "too large" in keeper.trouble
            assert keeper.waiting_bytes > 0
            told: list[bool] = []
            keeper.run(lambda _, is_written: told.append(is_written))
            assert until(lambda: told, WITHIN_S, "the errand") == [False]
        until(lambda: not keeper.waiting_bytes, WITHIN_S, "all is written")
        assert (keeper.kept, keeper.lost, keeper.trouble) == (len(spoken), 0, "")
    assert packets_of(tmp_path) == by_flow(spoken)


def test_of_media_that_waits_too_long_the_oldest_is_given_up_and_counted(tmp_path: Path, endpoints: Endpoints) -> None:
    with keeping(Journal(tmp_path, endpoints, KEY), room_bytes=5000) as keeper:
        with no_file_longer_than(10):
            keeper.keep([capture(talk(0), endpoints)])
            until(lambda: keeper.trouble, WITHIN_S, "the trouble")
            one = keeper.waiting_bytes  # what the disk was just given is not given up, nor is what came last
            for second in range(1, 20):
                keeper.keep([capture(talk(second), endpoints)])
            assert keeper.waiting_bytes <= max(5000, 2 * one)
        until(lambda: not keeper.waiting_bytes, WITHIN_S, "all is written")
        assert keeper.lost > 0
        assert keeper.kept + keeper.lost == 20 * len(talk(0))
    latest = by_flow(talk(19))
    found = packets_of(tmp_path)
    assert {way: packets[-len(latest[way]) :] for way, packets in found.items()} == latest


def test_a_slow_disk_holds_nobody_up_and_gets_all_that_waits_at_once(tmp_path: Path, endpoints: Endpoints) -> None:
    journal = SlowJournal(tmp_path, endpoints)
    spoken: list[Packet] = []
    with keeping(journal) as keeper:
        began_s = time.monotonic()
        for second in range(50):
            spoken += talk(second)
            keeper.keep([capture(talk(second), endpoints)])
        assert keeper.note([note(1)], patience_s=0.05)
        assert time.monotonic() - began_s < WITHIN_S / 2
        until(lambda: journal.writes, WITHIN_S, "the write")
        assert keeper.kept == 0
        journal.may_write.set()
        until(lambda: not keeper.waiting_bytes, WITHIN_S, "all is written")
        assert journal.writes <= 3
    assert packets_of(tmp_path) == by_flow(spoken)
    assert notes_of(tmp_path) == [b"1"]


def test_a_note_is_on_its_way_to_the_disk_when_its_giver_goes_on(tmp_path: Path, endpoints: Endpoints) -> None:
    journal = Journal(tmp_path, endpoints, KEY)
    with keeping(journal) as keeper:
        for number in range(100):
            assert keeper.note([note(number)], patience_s=WITHIN_S)
            assert (journal.used_bytes > 0, keeper.waiting_bytes) == (True, 0)
    assert notes_of(tmp_path) == [str(number).encode() for number in range(100)]


def test_a_call_that_is_forgotten_while_its_notes_wait_does_not_come_back(tmp_path: Path, endpoints: Endpoints) -> None:
    with keeping(Journal(tmp_path, endpoints, KEY)) as keeper:
        with no_file_longer_than(10):
            for number in range(2000):
                keeper.note([note(number, "a"), note(number, "b")])
            keeper.forget_call("a")
            keeper.note([note(7, "a")])
            until(lambda: keeper.trouble, WITHIN_S, "the trouble")
        until(lambda: not keeper.waiting_bytes, WITHIN_S, "all is written")
    assert notes_of(tmp_path) == [*(str(number).encode() for number in range(2000)), b"7"]


def test_no_more_notes_are_taken_than_fit_into_memory(tmp_path: Path, endpoints: Endpoints) -> None:
    with keeping(Journal(tmp_path, endpoints, KEY), room_bytes=1000) as keeper:
        with no_file_longer_than(10):
            taken = [keeper.note([note(number)]) for number in range(20)]
            assert taken[0]
            assert not taken[-1]
        until(lambda: not keeper.waiting_bytes, WITHIN_S, "all is written")
        assert keeper.note([note(20)])
    assert notes_of(tmp_path) == [*(str(number).encode() for number in range(sum(taken))), b"20"]


def test_a_hostile_call_id_that_no_note_can_hold_harms_nobody(tmp_path: Path, endpoints: Endpoints) -> None:
    with keeping(Journal(tmp_path, endpoints, KEY)) as keeper:
        assert not keeper.note([note(1, "\udcff" * 60_000)])
        assert keeper.note([note(2, "\udcff" * 16_000)], WITHIN_S)
        assert keeper.trouble == ""
    assert notes_of(tmp_path) == [b"2"]


def test_who_writes_comes_after_who_reads(tmp_path: Path, endpoints: Endpoints) -> None:
    before = os.getpriority(os.PRIO_PROCESS, 0)
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), -10)
    reading = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
    told: list[int] = []
    with keeping(Journal(tmp_path, endpoints, KEY)) as keeper:
        keeper.run(lambda *_: told.append(os.getpriority(os.PRIO_PROCESS, threading.get_native_id())))
        until(lambda: told, WITHIN_S, "the errand")
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), before)
    assert told[0] > reading or reading >= 0  # who may not go before others cannot give way either


def test_the_memory_of_much_media_is_used_again_when_it_is_written(tmp_path: Path, endpoints: Endpoints) -> None:
    spoken = [
        (BEGAN_NS + number, "192.0.2.1 5004", "192.0.2.2 5004", bytes([number % 256]) * 60_000) for number in range(700)
    ]
    much, less = capture(spoken, endpoints), capture(spoken[:-50], endpoints)
    journal = Journal(tmp_path, endpoints, KEY)
    first = journal.pack([much])
    journal.append_packed([first])
    journal.take_back(first)
    second = journal.pack([less])
    assert second.room is first.room
    journal.append_packed([second])
    journal.take_back(second)
    journal.close()
    [(flow, found)] = packets_of(tmp_path).items()
    assert (flow, sorted(found)) == (spoken[0][1:3], sorted((packet[0], packet[3]) for packet in spoken + spoken[:-50]))
