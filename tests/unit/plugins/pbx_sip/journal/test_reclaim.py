"""What was forgotten stays forgotten and gives its room back; what goes on is not held up by what is over."""

import shutil

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.pbx_sip.journal.journal import Journal
from plugins.pbx_sip.journal.reading import read_units
from plugins.pbx_sip.journal.unit import Note
from plugins.pbx_sip.packets.datagrams import Endpoints
from tests.unit.plugins.pbx_sip.journal.streams import (
    BEGAN_NS,
    EVER_NS,
    KEY,
    SECOND_NS,
    by_flow,
    capture,
    end,
    kept,
    talk,
)

SEGMENT_BYTES = 10_000
LONG = ("192.0.2.1 20000", "198.51.100.1 30000")


@pytest.fixture
def endpoints():
    return Endpoints()


@pytest.fixture
def journal(tmp_path, endpoints):
    journal = Journal(tmp_path, endpoints, KEY, segment_bytes=SEGMENT_BYTES)
    yield journal
    journal.close()


def forget_all(journal, *, but=()):
    for flow in journal.flows():
        if flow.source not in but:
            journal.forget_flow(flow.source, flow.target, EVER_NS)


def reopen(journal, folder):
    journal.close()
    return Journal(folder, Endpoints(), KEY, segment_bytes=SEGMENT_BYTES)


def note(call, number=0):
    return Note(call=call, at_ns=number, kind=1, content=b"INVITE")


def test_what_is_forgotten_gives_its_room_back_but_for_the_newest_segment(tmp_path, journal, endpoints):
    for second in range(20):
        journal.append([capture(talk(second), endpoints)])
    used_bytes, segments = journal.used_bytes, journal.segments
    assert segments > 5
    assert journal.reclaim() == 0
    forget_all(journal)
    freed_bytes = journal.reclaim()
    assert freed_bytes > used_bytes - SEGMENT_BYTES
    assert journal.segments == 1
    assert journal.used_bytes == sum(path.stat().st_size for path in tmp_path.glob("*.segment"))
    again = reopen(journal, tmp_path)
    assert again.flows() == []
    again.append([capture(talk(0), again._endpoints)])
    assert max(int(path.stem) for path in tmp_path.glob("*.segment")) == segments + 1
    again.close()


def test_what_came_before_a_moment_is_forgotten_and_the_rest_stays(tmp_path, journal, endpoints):
    for second in range(6):
        journal.append([capture(talk(second, flows=1), endpoints)])
    [flow] = journal.flows()
    journal.forget_flow(flow.source, flow.target, BEGAN_NS + 2 * SECOND_NS + SECOND_NS // 2)
    expected = [packet for second in range(2, 6) for packet in talk(second, flows=1)]
    assert kept(tmp_path, journal) == expected
    journal.forget_flow(flow.target, flow.source, EVER_NS)
    again = reopen(journal, tmp_path)
    assert kept(tmp_path, again) == expected
    again.close()


def test_a_flow_and_a_call_that_were_forgotten_may_begin_again(tmp_path, journal, endpoints):
    for _ in range(2):
        journal.append([capture(talk(0), endpoints)], [note("a")])
        forget_all(journal)
        journal.forget_call("a")
    journal.append([capture(talk(1), endpoints)], [note("a", 2)])
    for _ in range(2):
        assert by_flow(kept(tmp_path, journal)) == by_flow(talk(1))
        assert list(journal.notes()) == [note("a", 2)]
        journal = reopen(journal, tmp_path)
    journal.close()


def test_a_long_call_does_not_hold_hours_of_others(tmp_path, journal, endpoints):
    journal.append([], [note("long")])
    for second in range(100):
        journal.append([capture(talk(second, flows=20), endpoints)], [note(str(second)), note("long", second)])
        forget_all(journal, but={end(endpoints, LONG[0])})
        journal.forget_call(str(second))
        journal.reclaim()
        journal.sync()
    expected = [packet for second in range(100) for packet in talk(second, flows=1)]
    assert journal.used_bytes < 6 * sum(flow.size_bytes for flow in journal.flows()) + 3 * SEGMENT_BYTES
    for _ in range(2):
        assert by_flow(kept(tmp_path, journal)) == {LONG: [(packet[0], packet[3]) for packet in expected]}
        assert list(journal.notes()) == [note("long"), *(note("long", second) for second in range(100))]
        assert journal.damage == []
        journal = reopen(journal, tmp_path)
    journal.close()


def begin_with_one_that_lasts(journal, endpoints, seconds=8):
    for second in range(seconds):
        journal.append([capture(talk(second, flows=10), endpoints)], [note(str(second)), note("long", second)])
    forget_all(journal, but={end(endpoints, LONG[0])})
    for second in range(seconds):
        journal.forget_call(str(second))


def test_a_segment_stays_until_what_was_carried_on_from_it_is_on_the_disk(tmp_path, journal, endpoints):
    begin_with_one_that_lasts(journal, endpoints)
    oldest = tmp_path / "0000000001.segment"
    assert journal.reclaim() == 0
    assert journal.reclaim() == 0
    assert oldest.exists()
    journal.sync()
    assert journal.reclaim() > 0
    assert not oldest.exists()


@pytest.mark.parametrize("reclaims", range(12))
def test_a_crash_while_segments_are_reclaimed_neither_loses_nor_doubles(tmp_path, journal, endpoints, reclaims):
    begin_with_one_that_lasts(journal, endpoints)
    for turn in range(reclaims):
        journal.reclaim()
        if turn % 2:
            journal.sync()
    copy = tmp_path / "copy"
    shutil.copytree(tmp_path, copy, ignore=lambda *_: ["copy"])
    again = Journal(copy, Endpoints(), KEY, segment_bytes=SEGMENT_BYTES)
    expected = [packet for second in range(8) for packet in talk(second, flows=1)]
    for _ in range(3):
        assert kept(copy, again) == expected
        assert list(again.notes()) == [note("long", second) for second in range(8)]
        again.reclaim()
        again.sync()
    again.close()


@pytest.mark.parametrize("from_end", [5, 500, 3000])
def test_what_did_not_reach_the_disk_whole_does_not_replace_what_is_there(tmp_path, journal, endpoints, from_end):
    begin_with_one_that_lasts(journal, endpoints)
    journal.reclaim()
    journal.append([capture(talk(8, flows=1), endpoints)])
    journal.close()
    carried = sorted(tmp_path.glob("*.segment"))[-2]
    content = bytearray(carried.read_bytes())
    content[-from_end : len(content) - from_end + 5] = b"\xff" * 5
    carried.write_bytes(content)
    expected = [packet for second in range(9) for packet in talk(second, flows=1)]
    again = Journal(tmp_path, Endpoints(), KEY, segment_bytes=SEGMENT_BYTES)
    for _ in range(5):
        assert kept(tmp_path, again) == expected
        assert list(again.notes()) == [note("long", second) for second in range(8)]
        assert again.damage == []
        again.reclaim()
        again.sync()
        again.reclaim()
        again = reopen(again, tmp_path)
    assert again.segments < 6
    again.close()


def test_a_unit_that_is_damaged_on_the_disk_is_told_and_not_carried_on(tmp_path, journal, endpoints):
    begin_with_one_that_lasts(journal, endpoints)
    phone = end(endpoints, LONG[0])
    first, *others = journal.find([phone], 0, EVER_NS)
    with (tmp_path / f"{first.segment:010d}.segment").open("r+b") as file:
        file.seek(first.offset + 100)
        file.write(b"\xff\xff")
    journal.reclaim()
    assert len(journal.damage) == 1
    assert "1 units cannot be read" in journal.damage[0]
    read, lost = read_units(tmp_path, [unit.place for unit in journal.find([phone], 0, EVER_NS)], Endpoints())
    assert (len(read), lost) == (4 * len(others), 0)


def test_units_that_were_found_can_be_found_anew_when_they_have_moved(tmp_path, journal, endpoints):
    begin_with_one_that_lasts(journal, endpoints)
    phone = end(endpoints, LONG[0])
    found = [unit.place for unit in journal.find([phone], 0, EVER_NS)]
    journal.reclaim()
    read, lost = read_units(tmp_path, found, Endpoints())
    assert (len(read), lost) == (32, 0)
    journal.sync()
    journal.reclaim()
    with pytest.raises(FileNotFoundError):
        read_units(tmp_path, found, Endpoints())
    read, lost = read_units(tmp_path, [unit.place for unit in journal.find([phone], 0, EVER_NS)], Endpoints())
    assert (len(read), lost) == (32, 0)


ACTIONS = st.lists(
    st.tuples(st.sampled_from(["append", "forget", "call", "reclaim", "sync", "restart"]), st.integers(0, 3)),
    max_size=40,
)


@settings(max_examples=80, deadline=None)
@given(ACTIONS)
def test_whatever_is_done_what_is_there_is_what_was_not_forgotten(tmp_path_factory, actions):
    folder, endpoints = tmp_path_factory.mktemp("journal"), Endpoints()
    journal = Journal(folder, endpoints, KEY, segment_bytes=4000)
    packets, notes = {}, {}
    for second, (action, which) in enumerate(actions):
        way = f"192.0.2.{1 + which} 20000", f"198.51.100.1 {30000 + which}"
        match action:
            case "append":
                spoken = talk(second, flows=1 + which)
                journal.append([capture(spoken, endpoints)], [note(str(which), second)])
                for flow, here in by_flow(spoken).items():
                    packets.setdefault(flow, []).extend(here)
                notes.setdefault(str(which), []).append(note(str(which), second))
            case "forget":
                journal.forget_flow(*(end(endpoints, text) for text in way), EVER_NS)
                packets.pop(way, None)
            case "call":
                journal.forget_call(str(which))
                notes.pop(str(which), None)
            case "reclaim":
                journal.reclaim()
            case "sync":
                journal.sync()
            case "restart":
                journal.close()
                endpoints = Endpoints()
                journal = Journal(folder, endpoints, KEY, segment_bytes=4000)
        assert by_flow(kept(folder, journal)) == packets
        expected = sorted((each for those in notes.values() for each in those), key=lambda each: each.at_ns)
        assert list(journal.notes()) == expected
    assert journal.damage == []
    journal.close()
