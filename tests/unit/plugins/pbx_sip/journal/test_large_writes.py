"""Much at once goes past the kernel's cache, where the file system lets it, and is the same journal."""

import errno
import os

import numpy as np
import pytest

from plugins.pbx_sip.journal.journal import Journal
from plugins.pbx_sip.journal.layout import PAGE_BYTES
from plugins.pbx_sip.journal.reading import read_units
from plugins.pbx_sip.packets.datagrams import Datagrams, Endpoints
from tests.unit.plugins.pbx_sip.journal.streams import BEGAN_NS, EVER_NS, KEY, by_flow, capture, end, kept, talk
from tests.unit.plugins.pbx_sip.journal.test_full_disk import no_file_longer_than

FLOWS, PACKETS, SIZE = 50, 500, 1400
LARGE_BYTES = FLOWS * PACKETS * SIZE  # more than goes through the cache


def burst(endpoints, seed):
    """Packets of 50 flows, one of each in turn, with noise in them."""
    count = FLOWS * PACKETS
    number = np.arange(count, dtype=np.int64)
    source = np.array([end(endpoints, f"203.0.113.{1 + flow} 4000") for flow in range(FLOWS)], np.uint64)
    return Datagrams(
        buffer=np.random.default_rng(seed).integers(0, 256, LARGE_BYTES, np.uint8),
        time_ns=BEGAN_NS + number * 1000,
        source=source[number % FLOWS],
        target=np.full(count, end(endpoints, "198.51.100.9 6000"), np.uint64),
        offset=number * SIZE,
        length=np.full(count, SIZE, np.int32),
    )


def is_kept(folder, journal, burst, endpoints):
    """Whether all of a burst is found again, octet by octet."""
    target = end(endpoints, "198.51.100.9 6000")
    places = [unit.place for unit in journal.find([target], 0, EVER_NS)]
    found, lost = read_units(folder, places, endpoints)
    content = found.buffer[found.offset[:, np.newaxis] + np.arange(SIZE)]
    return lost == 0 and np.array_equal(content.ravel(), burst.buffer)


@pytest.fixture
def ways(monkeypatch):
    """How files were opened."""
    flags = []
    really_open = os.open

    def spy(path, how, *more, **named):
        flags.append(how)
        return really_open(path, how, *more, **named)

    monkeypatch.setattr(os, "open", spy)
    return flags


def write_all(folder):
    """A journal with little, much, and little again. Returns: it, and what is much."""
    endpoints = Endpoints()
    journal = Journal(folder, endpoints, KEY)
    journal.append([capture(talk(0), endpoints)])
    much = burst(endpoints, 1)
    journal.append([much])
    journal.append([capture(talk(1), endpoints)])
    return journal, much


def holds_all(folder, much):
    """Whether a journal that is opened again holds what `write_all` wrote."""
    endpoints = Endpoints()
    journal = Journal(folder, endpoints, KEY)
    try:
        few = {flow: packets for flow, packets in by_flow(kept(folder, journal)).items() if "203.0.113" not in flow[0]}
        return journal.damage == [] and few == by_flow(talk(0) + talk(1)) and is_kept(folder, journal, much, endpoints)
    finally:
        journal.close()


def test_much_at_once_goes_to_the_disk_directly_and_is_found_again(tmp_path, ways):
    journal, much = write_all(tmp_path)
    assert any(how & os.O_DIRECT for how in ways)
    assert journal.segments == 1
    journal.close()
    assert holds_all(tmp_path, much)


def test_little_at_once_stays_in_the_cache_where_it_is_read_again_soon(tmp_path, ways):
    endpoints = Endpoints()
    journal = Journal(tmp_path, endpoints, KEY)
    journal.append([capture(talk(0), endpoints)])
    journal.close()
    assert ways
    assert not any(how & os.O_DIRECT for how in ways)


@pytest.mark.parametrize("call", ["open", "pwrite"])
def test_a_file_system_that_cannot_write_directly_is_written_to_all_the_same(tmp_path, monkeypatch, call):
    really_open, is_refused = os.open, []

    def refuse(*arguments):
        is_refused.append(True)
        raise OSError(errno.EINVAL, "Invalid argument")

    def open_or_refuse(path, how, *more, **named):
        return refuse() if how & os.O_DIRECT else really_open(path, how, *more, **named)

    monkeypatch.setattr(os, call, open_or_refuse if call == "open" else refuse)
    journal, much = write_all(tmp_path)
    journal.append([burst(Endpoints(), 2)])
    assert is_refused == [True], "it is tried once a segment"
    journal.close()
    monkeypatch.undo()
    again = Journal(tmp_path, Endpoints(), KEY)
    assert again.damage == []
    assert sum(flow.packets for flow in again.flows()) == 2 * FLOWS * PACKETS + 2 * len(talk(0))
    again.close()
    assert much.buffer.tobytes()[:SIZE] in (tmp_path / "0000000001.segment").read_bytes()


@pytest.mark.parametrize("room_bytes", [100, PAGE_BYTES * 100, LARGE_BYTES // 2, LARGE_BYTES + 17])
def test_much_without_room_leaves_nothing_behind_and_can_be_repeated(tmp_path, room_bytes):
    endpoints = Endpoints()
    journal = Journal(tmp_path, endpoints, KEY)
    journal.append([capture(talk(0), endpoints)])
    much, used_bytes = burst(endpoints, 3), journal.used_bytes
    with no_file_longer_than(used_bytes + room_bytes), pytest.raises(OSError):
        journal.append([much])
    assert (tmp_path / "0000000001.segment").stat().st_size == used_bytes
    journal.append([much])
    journal.append([capture(talk(1), endpoints)])
    journal.close()
    assert holds_all(tmp_path, much)


def test_what_was_half_written_when_the_power_failed_is_cut_off_and_the_rest_is_whole(tmp_path):
    journal, _ = write_all(tmp_path)
    journal.close()
    segment = tmp_path / "0000000001.segment"
    os.truncate(segment, segment.stat().st_size - LARGE_BYTES // 2)
    endpoints = Endpoints()
    again = Journal(tmp_path, endpoints, KEY)
    assert by_flow(kept(tmp_path, again)) == by_flow(talk(0))
    again.append([capture(talk(1), endpoints)])
    assert by_flow(kept(tmp_path, again)) == by_flow(talk(0) + talk(1))
    again.close()
