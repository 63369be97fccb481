"""A disk without room takes nothing away, and when there is room again everything goes on."""

import resource
import subprocess
import sys
from contextlib import contextmanager

import pytest

from plugins.pbx_sip.journal.journal import Journal
from plugins.pbx_sip.journal.unit import Note
from plugins.pbx_sip.packets.datagrams import Endpoints
from tests.privileges import namespace
from tests.unit.plugins.pbx_sip.journal.streams import EVER_NS, KEY, by_flow, capture, kept, talk


@contextmanager
def no_file_longer_than(size_bytes):
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size_bytes, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def note(number):
    return Note(call="a", at_ns=number, kind=0, content=b"INVITE")


@pytest.mark.parametrize("room_bytes", [0, 10, 100, 1000, 2000])
def test_an_append_without_room_leaves_nothing_behind_and_can_be_repeated(tmp_path, room_bytes):
    endpoints = Endpoints()
    journal = Journal(tmp_path, endpoints, KEY)
    journal.append([capture(talk(0), endpoints)], [note(0)])
    used_bytes = journal.used_bytes
    with no_file_longer_than(used_bytes + room_bytes), pytest.raises(OSError):
        journal.append([capture(talk(1), endpoints)], [note(1)])
    assert (tmp_path / "0000000001.segment").stat().st_size == journal.used_bytes == used_bytes
    assert by_flow(kept(tmp_path, journal)) == by_flow(talk(0))
    journal.append([capture(talk(1), endpoints)], [note(1)])
    for _ in range(2):
        assert by_flow(kept(tmp_path, journal)) == by_flow(talk(0) + talk(1))
        assert list(journal.notes()) == [note(0), note(1)]
        journal.close()
        journal = Journal(tmp_path, Endpoints(), KEY)
        assert journal.damage == []
    journal.close()


def test_a_journal_that_cannot_even_be_begun_can_be_begun_later(tmp_path):
    endpoints = Endpoints()
    journal = Journal(tmp_path, endpoints, KEY)
    with no_file_longer_than(10), pytest.raises(OSError):
        journal.append([capture(talk(0), endpoints)])
    assert list(tmp_path.glob("*.segment")) == []
    journal.append([capture(talk(0), endpoints)])
    assert by_flow(kept(tmp_path, journal)) == by_flow(talk(0))
    journal.close()


def test_what_is_forgotten_while_there_is_no_room_is_written_with_the_next_append(tmp_path):
    endpoints = Endpoints()
    journal = Journal(tmp_path, endpoints, KEY)
    journal.append([capture(talk(0), endpoints)], [note(0)])
    with no_file_longer_than(journal.used_bytes):
        for flow in journal.flows():
            journal.forget_flow(flow.source, flow.target, EVER_NS)
        journal.forget_call("a")
    assert (journal.flows(), list(journal.notes())) == ([], [])
    journal.append([capture(talk(1), endpoints)], [note(1)])
    journal.close()
    again = Journal(tmp_path, Endpoints(), KEY)
    assert by_flow(kept(tmp_path, again)) == by_flow(talk(1))
    assert list(again.notes()) == [note(1)]
    again.close()


FULL = """
import errno, sys
from pathlib import Path
from plugins.pbx_sip.journal.journal import Journal
from plugins.pbx_sip.packets.datagrams import Endpoints
from tests.unit.plugins.pbx_sip.journal.streams import EVER_NS, KEY, by_flow, capture, kept, talk

folder, endpoints, second = Path(sys.argv[1]) / "journal", Endpoints(), 0
journal = Journal(folder, endpoints, KEY, segment_bytes=200_000)
spoken = []
for _ in range(3):
    try:
        while True:
            packets = talk(second, flows=10, packets=30)
            journal.append([capture(packets, endpoints)])
            spoken += packets
            second += 1
    except OSError as error:
        assert error.errno == errno.ENOSPC, error
    journal.sync()
    assert by_flow(kept(folder, journal)) == by_flow(spoken)
    journal.close()
    endpoints = Endpoints()
    journal = Journal(folder, endpoints, KEY, segment_bytes=200_000)
    assert journal.damage == []
    assert by_flow(kept(folder, journal)) == by_flow(spoken)
    for flow in journal.flows():
        journal.forget_flow(flow.source, flow.target, EVER_NS)
    spoken = []
    journal.sync()
    assert journal.reclaim() > 500_000
    print(second)
journal.close()
"""


@pytest.mark.privileged
def test_a_full_disk_loses_nothing_and_takes_more_when_calls_are_forgotten(tmp_path):
    mount = ["sh", "-c", f'mount -t tmpfs -o size=1m tmpfs "{tmp_path}" && exec "$@"', "sh"]
    command = [*namespace(), *mount, sys.executable, "-W", "ignore", "-c", FULL, str(tmp_path)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stderr
    first, second, third = map(int, ended.stdout.split())
    assert first > 10
    assert second > first + 10
    assert third > second + 10
