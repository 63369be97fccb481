"""Whatever befalls the writer or the disk, what was written whole before is there."""

import os
import shutil
import subprocess
import sys
from zlib import crc32

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.pbx_sip.journal.errors import OtherVersion, WrongKey
from plugins.pbx_sip.journal.journal import Journal
from plugins.pbx_sip.journal.layout import SEGMENT_HEADER
from plugins.pbx_sip.journal.reading import read_units
from plugins.pbx_sip.journal.unit import Note
from plugins.pbx_sip.packets.datagrams import Endpoints
from tests.unit.plugins.pbx_sip.journal.streams import BEGAN_NS, EVER_NS, KEY, by_flow, capture, kept, talk

SECONDS = 3


def note(second):
    return Note(call=f"{second}@pbx", at_ns=BEGAN_NS, kind=1, content=b"INVITE" * 20)


def seconds_of(folder, journal):
    """Which seconds of talk are there, each of them whole."""
    found, seconds = by_flow(kept(folder, journal)), []
    for second in range(SECONDS + 1):
        expected = by_flow(talk(second))
        here = [set(expected[way]) <= set(found.get(way, ())) for way in expected]
        assert all(here) or not any(here)
        seconds += [second] * all(here)
    return seconds


@pytest.fixture(scope="module")
def written(tmp_path_factory):
    """A journal of one segment with three batches, and where each ends."""
    folder, endpoints = tmp_path_factory.mktemp("written"), Endpoints()
    journal = Journal(folder, endpoints, KEY)
    ends = []
    for second in range(SECONDS):
        journal.append([capture(talk(second), endpoints)], [note(second)])
        ends.append(journal.used_bytes)
    journal.close()
    [segment] = folder.glob("*.segment")
    return segment, ends


def changed(tmp_path, written, content, name=None):
    """Another journal with this segment."""
    folder = tmp_path / "changed"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    (folder / (name or written[0].name)).write_bytes(content)
    return folder


def test_a_torn_tail_of_any_length_is_cut_and_work_goes_on(tmp_path, written):
    segment, ends = written
    content = segment.read_bytes()
    sizes = {*range(0, len(content), 211), *(end + more for end in ends for more in (-1, 0, 1, 60))}
    for size in sorted(size for size in sizes if size <= len(content)):
        folder, endpoints = changed(tmp_path, written, content[:size]), Endpoints()
        journal = Journal(folder, endpoints, KEY)
        whole = [second for second in range(SECONDS) if ends[second] <= size]
        assert seconds_of(folder, journal) == whole
        assert [each.call for each in journal.notes()] == [note(second).call for second in whole]
        assert journal.damage == []
        journal.append([capture(talk(SECONDS), endpoints)])
        journal.close()
        again = Journal(folder, Endpoints(), KEY)
        assert seconds_of(folder, again) == [*whole, SECONDS]
        assert again.damage == []
        again.close()


def test_a_tail_that_reached_the_disk_in_parts_costs_only_what_is_missing(tmp_path, written):
    segment, _ = written
    content = bytearray(segment.read_bytes())
    content[-1000:] = b"\xff" * 1000
    folder = changed(tmp_path, written, content)
    journal = Journal(folder, Endpoints(), KEY)
    assert by_flow(kept(folder, journal)).keys() == by_flow(talk(0)).keys()
    units = {way: len(packets) for way, packets in by_flow(kept(folder, journal)).items()}
    assert sorted(units.values()) == [8, 8, 12]
    assert [each.call for each in journal.notes()] == ["0@pbx", "1@pbx"]
    assert "2 units" in journal.damage[0]
    assert "note" in journal.damage[1]
    journal.close()


@pytest.mark.parametrize("is_newest", [True, False])
def test_damage_in_the_middle_is_told_and_what_follows_is_found(tmp_path, written, is_newest):
    segment, ends = written
    content = bytearray(segment.read_bytes())
    content[ends[0] + 20] ^= 1
    folder, endpoints = changed(tmp_path, written, content), Endpoints()
    if not is_newest:
        (folder / "0000000002.segment").touch()
    journal = Journal(folder, endpoints, KEY)
    assert seconds_of(folder, journal) == [0, 2]
    assert journal.damage == [f"segment 1 is damaged from byte {ends[0]} on"]
    journal.append([capture(talk(SECONDS), endpoints)])
    assert seconds_of(folder, journal) == [0, 2, SECONDS]
    journal.close()


def test_a_segment_that_ends_too_early_is_told_and_the_next_is_read(tmp_path, written):
    segment, ends = written
    content = segment.read_bytes()
    folder, endpoints = changed(tmp_path, written, content), Endpoints()
    journal = Journal(folder, endpoints, KEY)
    journal.append([capture(talk(SECONDS), endpoints)])
    journal.close()
    os.truncate(folder / segment.name, ends[2] - 1)
    again = Journal(folder, Endpoints(), KEY)
    assert seconds_of(folder, again) == [0, 1, SECONDS]
    assert again.damage == [f"segment 1 is damaged from byte {ends[1]} on"]
    again.close()


def test_a_segment_does_not_count_under_the_number_of_another(tmp_path, written):
    folder = changed(tmp_path, written, written[0].read_bytes(), name="0000000009.segment")
    journal = Journal(folder, Endpoints(), KEY)
    assert (journal.flows(), len(journal.damage)) == ([], 1)
    journal.close()


def test_other_files_in_the_folder_are_left_alone(tmp_path, written):
    folder = changed(tmp_path, written, written[0].read_bytes())
    others = ["notes.txt", "x.segment", "-1.segment", "0.segment", "\u0661.segment"]
    for name in others:
        (folder / name).write_text("mine")
    (folder / "5.segment").mkdir()
    journal = Journal(folder, Endpoints(), KEY)
    assert (seconds_of(folder, journal), journal.damage) == ([0, 1, 2], [])
    journal.close()
    assert {(folder / name).read_text() for name in others} == {"mine"}


FLIPS = st.lists(st.tuples(st.integers(0, 1 << 30), st.integers(1, 255)), min_size=1, max_size=6)


@settings(max_examples=100, deadline=None)
@given(FLIPS, st.none() | st.integers(0, 1 << 30), st.binary(max_size=200))
def test_no_bytes_of_a_segment_stop_a_journal(tmp_path_factory, written, flips, end, more):
    content = bytearray(written[0].read_bytes())
    for place, change in flips:
        content[place % len(content)] ^= change
    folder = changed(tmp_path_factory.mktemp("flipped"), written, content[: end and end % len(content)] + more)
    endpoints = Endpoints()
    journal = Journal(folder, endpoints, KEY)
    units = journal.find([key for flow in journal.flows() for key in (flow.source, flow.target)], 0, EVER_NS)
    datagrams, _ = read_units(folder, [unit.place for unit in units], Endpoints())
    payloads = {packet[3] for second in range(SECONDS) for packet in talk(second)}
    assert {datagrams.payload(row) for row in range(len(datagrams))} <= payloads
    assert {each.content for each in journal.notes()} <= {note(0).content}
    journal.append([capture(talk(SECONDS), endpoints)])
    journal.forget_call("0@pbx")
    journal.sync()
    journal.reclaim()
    journal.reclaim()
    assert SECONDS in seconds_there(folder, journal)
    journal.close()


def seconds_there(folder, journal):
    ends = {key for flow in journal.flows() for key in (flow.source, flow.target)}
    datagrams, _ = read_units(folder, [unit.place for unit in journal.find(ends, 0, EVER_NS)], Endpoints())
    return {datagrams.payload(row)[0] for row in range(len(datagrams))}


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_any_file_may_lie_where_a_segment_should(tmp_path_factory, content):
    folder = tmp_path_factory.mktemp("any")
    (folder / "0000000001.segment").write_bytes(content)
    journal = Journal(folder, Endpoints(), KEY)
    assert journal.flows() == []
    assert len(journal.damage) == (len(content) > SEGMENT_HEADER.size)
    journal.close()


def test_a_wrong_key_is_told_before_anything_is_cut(tmp_path, written):
    folder = changed(tmp_path, written, written[0].read_bytes()[:-1])
    with pytest.raises(WrongKey):
        Journal(folder, Endpoints(), bytes(32))
    assert (folder / written[0].name).stat().st_size == written[1][-1] - 1


def test_a_format_that_is_not_known_is_told_and_left_alone(tmp_path, written):
    content = bytearray(written[0].read_bytes())
    content[8] = 2
    size = SEGMENT_HEADER.size
    content[size - 4 : size] = crc32(content[: size - 4]).to_bytes(4, "little")
    folder = changed(tmp_path, written, content)
    with pytest.raises(OtherVersion, match="the format 2, known is 1"):
        Journal(folder, Endpoints(), KEY)
    assert (folder / written[0].name).read_bytes() == content


MORTAL = """
import os, random, select, signal, sys
from pathlib import Path
from plugins.pbx_sip.journal.journal import Journal
from plugins.pbx_sip.journal.unit import Note
from plugins.pbx_sip.packets.datagrams import Endpoints
from tests.unit.plugins.pbx_sip.journal.streams import KEY, by_flow, capture, kept, talk

folder, random = Path(sys.argv[1]), random.Random(7)
SECONDS = 60
spoken = [talk(second, flows=8, packets=10, size=2000) for second in range(SECONDS)]


def write(told):
    endpoints = Endpoints()
    journal = Journal(folder, endpoints, KEY, segment_bytes=1_000_000)
    for second in range(SECONDS):
        journal.append([capture(spoken[second], endpoints)], [Note(call=str(second), at_ns=second, kind=1, content=b"x" * 999)])
        os.write(told, bytes([second + 1]))


expected = [by_flow(packets) for packets in spoken]
for life in range(30):
    for path in folder.glob("*.segment"):
        path.unlink()
    told, tells = os.pipe()
    child = os.fork()
    if not child:
        os.close(told)
        write(tells)
        os._exit(0)
    os.close(tells)
    last, until = 0, random.randrange(1, 12)
    while last < until:
        last = os.read(told, 1)[0]
    select.select([], [], [], random.random() * 0.01)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    while more := os.read(told, 100):
        last = more[-1]
    os.close(told)
    endpoints = Endpoints()
    journal = Journal(folder, endpoints, KEY)
    notes = [note.at_ns for note in journal.notes()]
    assert notes == list(range(len(notes))) and last <= len(notes) <= last + 1, (last, notes)
    found = by_flow(kept(folder, journal))
    for way, packets in found.items():
        assert packets == [packet for second in notes for packet in expected[second][way]]
    assert len(found) == 8 and journal.damage == []
    print(last, len(notes))
    journal.close()
"""


def test_a_writer_killed_at_any_moment_loses_nothing_that_it_had_appended(tmp_path):
    command = [sys.executable, "-W", "ignore", "-c", MORTAL, str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    assert len(ended.stdout.splitlines()) == 30
