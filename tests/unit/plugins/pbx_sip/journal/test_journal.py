"""What is appended is found again, by this process and by others."""

import threading

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugins.pbx_sip.journal.errors import JournalInUse, WrongKey
from plugins.pbx_sip.journal.journal import Journal
from plugins.pbx_sip.journal.reading import read_units
from plugins.pbx_sip.journal.unit import FlowSummary, Note, UnitPlace
from plugins.pbx_sip.packets.datagrams import Datagrams, Endpoints
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
    told,
)

ENDS = st.sampled_from(
    ["192.0.2.1 5004", "192.0.2.1 5006", "198.51.100.7 65535", "2001:db8::1 5004", "2001:db8::2 5004", "0.0.0.0 0"]
)
STEPS = st.sampled_from([0, 1, 20_000_000, SECOND_NS, 3_999_999_999, 4_000_000_000, 90 * SECOND_NS])
PACKETS = st.lists(st.tuples(STEPS, ENDS, ENDS, st.binary(max_size=40)), max_size=30)


@pytest.fixture
def endpoints():
    return Endpoints()


@pytest.fixture
def journal(tmp_path, endpoints):
    journal = Journal(tmp_path, endpoints, KEY)
    yield journal
    journal.close()


def notes_of(call, *contents):
    return [Note(call=call, at_ns=BEGAN_NS + row, kind=row, content=content) for row, content in enumerate(contents)]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(PACKETS, max_size=3), max_size=4))
def test_what_is_appended_is_what_is_read_before_and_after_a_restart(tmp_path_factory, appends):
    folder, endpoints, everything, at_ns = tmp_path_factory.mktemp("journal"), Endpoints(), [], BEGAN_NS
    journal = Journal(folder, endpoints, KEY, segment_bytes=2000)
    for parts in appends:
        captures = []
        for steps in parts:
            packets = []
            for step_ns, source, target, payload in steps:
                at_ns += step_ns
                packets.append((at_ns, source, target, payload))
            captures.append(capture(packets, endpoints))
            everything += packets
        journal.append(captures)
    found = kept(folder, journal)
    assert by_flow(found) == by_flow(everything)
    assert [packet[0] for packet in found] == sorted(packet[0] for packet in everything)
    journal.close()
    again = Journal(folder, Endpoints(), KEY)
    assert by_flow(kept(folder, again)) == by_flow(everything)
    assert again.damage == []
    again.close()


def test_one_flow_may_have_more_packets_at_once_than_a_unit_holds(tmp_path, journal, endpoints):
    rows = 150_000
    datagrams = Datagrams(
        buffer=np.arange(rows * 2, dtype=np.uint16).view(np.uint8)[: rows * 2],
        time_ns=BEGAN_NS + np.arange(rows, dtype=np.int64),
        source=np.full(rows, end(endpoints, "192.0.2.1 1"), np.uint64),
        target=np.full(rows, end(endpoints, "192.0.2.2 2"), np.uint64),
        offset=np.arange(rows, dtype=np.int64) * 2,
        length=np.full(rows, 2, np.int32),
    )
    journal.append([datagrams])
    [flow] = journal.flows()
    assert flow.packets == rows
    read, lost = read_units(tmp_path, [unit.place for unit in journal.find([flow.source], 0, EVER_NS)], Endpoints())
    assert lost == 0
    assert np.array_equal(read.time_ns, datagrams.time_ns)
    assert [read.payload(row) for row in (0, 65_535, 149_999)] == [
        datagrams.payload(row) for row in (0, 65_535, 149_999)
    ]


def test_units_are_found_by_either_end_and_by_time(tmp_path, journal, endpoints):
    for second in range(5):
        journal.append([capture(talk(second), endpoints)])
    phone, recorder = end(endpoints, "192.0.2.1 20000"), end(endpoints, "198.51.100.1 30001")
    assert {(unit.source, unit.packets) for unit in journal.find([phone], 0, EVER_NS)} == {(phone, 4)}
    assert {unit.target for unit in journal.find([recorder], 0, EVER_NS)} == {recorder}
    within = journal.find([phone, recorder], BEGAN_NS + SECOND_NS, BEGAN_NS + 3 * SECOND_NS)
    assert len(within) == 4
    assert [unit.first_ns for unit in within] == sorted(unit.first_ns for unit in within)
    assert len(journal.find([phone], BEGAN_NS + SECOND_NS + SECOND_NS // 2, BEGAN_NS + SECOND_NS * 7 // 4)) == 1
    assert journal.find([end(endpoints, "192.0.2.99 1")], 0, EVER_NS) == []
    elsewhere = Endpoints()
    read, _ = read_units(tmp_path, [unit.place for unit in within[:1]], elsewhere)
    assert told(read, elsewhere) == [packet for packet in talk(1) if packet[1] == "192.0.2.1 20000"]


def test_a_flow_to_itself_is_found_once(journal, endpoints):
    journal.append([capture([(BEGAN_NS, "192.0.2.1 1", "192.0.2.1 1", b"x")], endpoints)])
    assert len(journal.find([end(endpoints, "192.0.2.1 1")], 0, EVER_NS)) == 1


def test_a_summary_says_what_there_is_of_a_flow(journal, endpoints):
    for second in range(3):
        journal.append([capture(talk(second, flows=1), endpoints)])
    [flow] = journal.flows()
    units = journal.find([flow.source], 0, EVER_NS)
    assert flow == FlowSummary(
        source=end(endpoints, "192.0.2.1 20000"),
        target=end(endpoints, "198.51.100.1 30000"),
        first_ns=BEGAN_NS,
        last_ns=units[-1].last_ns,
        packets=12,
        size_bytes=sum(unit.length for unit in units),
    )
    exact_ns = BEGAN_NS + 2 * SECOND_NS + SECOND_NS * 3 // 4
    assert exact_ns <= flow.last_ns < exact_ns + 100_000


def test_notes_come_back_in_their_order_and_are_forgotten_by_call(tmp_path, journal, endpoints):
    first, second = notes_of("a@pbx", b"INVITE", b"", b"BYE"), notes_of("b@pbx", b"INVITE")
    journal.append([], first[:1])
    journal.append([capture(talk(0), endpoints)], second)
    journal.append([], first[1:])
    assert list(journal.notes()) == [first[0], second[0], *first[1:]]
    journal.forget_call("a@pbx")
    journal.forget_call("unknown@pbx")
    assert list(journal.notes()) == second
    journal.close()
    again = Journal(tmp_path, endpoints, KEY)
    assert list(again.notes()) == second
    again.append([], first)
    assert list(again.notes()) == [*second, *first]
    again.close()


def test_notes_and_whose_they_are_cannot_be_read_on_the_disk(tmp_path, journal):
    journal.append([], notes_of("a-call-of-somebody@pbx", b"a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0"))
    journal.forget_call("a-call-of-somebody@pbx")
    journal.sync()
    files = [path.read_bytes() for path in tmp_path.iterdir()]
    assert any(files)
    for secret in (b"crypto", b"c2VjcmV0", b"somebody"):
        assert not any(secret in content for content in files)
    assert "c2VjcmV0" not in repr(notes_of("a", b"c2VjcmV0"))


def test_only_its_owner_may_read_a_journal(tmp_path, endpoints):
    folder = tmp_path / "new" / "journal"
    journal = Journal(folder, endpoints, KEY)
    journal.append([capture(talk(0), endpoints)])
    assert {path.stat().st_mode & 0o077 for path in (folder, *folder.iterdir())} == {0}
    journal.close()


def test_another_key_is_told_and_changes_nothing(tmp_path, journal, endpoints):
    journal.append([capture(talk(0), endpoints)], notes_of("a", b"INVITE"))
    journal.close()
    before = {path: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(WrongKey, match="another key"):
        Journal(tmp_path, Endpoints(), bytes(32))
    with pytest.raises(ValueError, match="32 bytes, not 5"):
        Journal(tmp_path, Endpoints(), b"short")
    assert {path: path.read_bytes() for path in tmp_path.iterdir()} == before
    again = Journal(tmp_path, Endpoints(), KEY)
    assert by_flow(kept(tmp_path, again)) == by_flow(talk(0))
    again.close()


def test_two_cannot_write_at_once(tmp_path, journal):
    with pytest.raises(JournalInUse, match="another process"):
        Journal(tmp_path, Endpoints(), KEY)
    journal.close()
    Journal(tmp_path, Endpoints(), KEY).close()


def test_nothing_to_append_writes_nothing(tmp_path, journal, endpoints):
    journal.append([])
    journal.append([capture([], endpoints)])
    assert (journal.used_bytes, journal.segments) == (0, 0)
    assert journal.flows() == []
    assert read_units(tmp_path, [], endpoints)[1] == 0


def test_what_cannot_be_kept_is_refused_and_nothing_of_it_written(journal, endpoints):
    long = capture([(BEGAN_NS, "192.0.2.1 1", "192.0.2.2 2", bytes(65_536))], endpoints)
    with pytest.raises(ValueError, match="65536 bytes"):
        journal.append([capture(talk(0), endpoints), long])
    with pytest.raises(ValueError, match="note"):
        journal.append([capture(talk(0), endpoints)], [Note(call="a", at_ns=0, kind=256, content=b"")])
    assert journal.flows() == []


def test_as_many_notes_as_come_are_written_at_once(tmp_path, journal):
    many = [Note(call="a", at_ns=number, kind=1, content=b"INVITE") for number in range(3000)]
    journal.append([], many)
    assert list(journal.notes()) == many


def test_a_sync_may_run_while_more_is_appended(tmp_path, endpoints):
    journal = Journal(tmp_path, endpoints, KEY, segment_bytes=20_000)
    over = threading.Event()
    failures = []

    def sync():
        while not over.is_set():
            try:
                journal.sync()
            except OSError as error:
                failures.append(error)

    syncing = threading.Thread(target=sync)
    syncing.start()
    for second in range(100):
        journal.append([capture(talk(second), endpoints)])
        if second % 10 == 9:
            for flow in journal.flows():
                journal.forget_flow(flow.source, flow.target, EVER_NS)
            journal.reclaim()
    over.set()
    syncing.join()
    assert failures == []
    assert journal.segments < 10
    journal.close()


def test_memory_is_modest_for_flows_that_last(journal, endpoints):
    at_once = capture(talk(0, flows=100, packets=2, size=20), endpoints)
    for _ in range(200):
        journal.append([at_once])
    rows = journal._index._flows.values()
    assert sum(row.__sizeof__() for row in rows) < 20_000 * 24 * 1.25


def test_reading_tells_of_units_that_are_gone_or_damaged(tmp_path, journal, endpoints):
    journal.append([capture(talk(0), endpoints)])
    phone = end(endpoints, "192.0.2.1 20000")
    [unit] = journal.find([phone], 0, EVER_NS)
    wrong = [
        UnitPlace(unit.segment, unit.offset + 1, unit.length),
        UnitPlace(unit.segment, unit.offset, unit.length - 1),
        UnitPlace(unit.segment, 1 << 31, 1000),
        UnitPlace(unit.segment, 0, 0),
    ]
    read, lost = read_units(tmp_path, [*wrong, unit.place], Endpoints())
    assert (len(read), lost) == (4, 4)
    with pytest.raises(FileNotFoundError):
        read_units(tmp_path, [UnitPlace(77, 0, 10)], Endpoints())


def test_addresses_beyond_those_that_a_process_can_remember_are_left_out_and_counted(tmp_path, journal, endpoints):
    packets = [(BEGAN_NS, f"2001:db8::{row} 1", "192.0.2.1 1", b"x") for row in range(1, 4)]
    journal.append([capture(packets, endpoints)])
    places = [unit.place for unit in journal.find([end(endpoints, "192.0.2.1 1")], 0, EVER_NS)]
    read, lost = read_units(tmp_path, places, Endpoints(addresses_max=2))
    assert (len(read), lost) == (2, 1)
    journal.close()
    again = Journal(tmp_path, Endpoints(addresses_max=2), KEY)
    assert len(again.flows()) == 2
    assert len(again.damage) == 1
    again.close()
