import os

import pytest

from hub.audit import Action, Actor, AuditFilter, list_entries
from hub.catalog import events
from hub.db.errors import DatabaseAway
from hub.ingest.entry import read_entry
from hub.ingest.quarantine import NotInQuarantine, Quarantine, Reason, Room
from tests.doubles import outage
from tests.doubles.outbox import newest, told
from tests.unit.ingest.conftest import call

WHY = Reason("TEST", "it was set aside for a test", "Retry it.")
MARIA = Actor(1, "maria", "web")


def set_aside(rig, content=None, **changes):
    receipt = rig.submit(call() if content is None else content, **changes)
    claim = rig.spool.claim(receipt.id)
    rig.quarantine.set_aside(claim, read_entry(claim.folder), Room.DESK, WHY, "Head office")
    return receipt.id


def actions(rig):
    with rig.db.read() as session:
        return [entry.action for entry in list_entries(session, AuditFilter()).items]


def test_an_item_says_why_since_when_and_what_it_holds(rig):
    item_id = set_aside(rig, name="call.wav")
    item = rig.quarantine.get(item_id)
    assert (item.id, item.instance_id, item.origin_name, item.reason, item.room) == (
        item_id,
        7,
        "call.wav",
        WHY,
        Room.DESK,
    )
    assert item.size_bytes == len(call())
    assert item.received_at <= item.since
    assert [entry.id for entry in rig.quarantine.list()] == [item_id]
    assert rig.spool.entries() == []


def test_it_survives_a_restart(rig):
    item_id = set_aside(rig)
    assert Quarantine(rig.spool, rig.db, rig.board).get(item_id).reason == WHY


def test_items_are_counted_by_device(rig):
    for number, device in enumerate((7, 7, 8)):
        set_aside(rig, call(number), device=device)
    assert rig.quarantine.counts() == {7: 2, 8: 1}
    assert rig.quarantine.count() == 3
    assert Quarantine(rig.spool, rig.db, rig.board).counts() == {7: 2, 8: 1}


def test_an_alarm_stands_for_all_items_of_a_device_and_ends_with_the_last(rig):
    items = [set_aside(rig, call(number)) for number in range(3)]
    assert "3 recordings of Head office" in rig.alarms()["QUARANTINE"]
    for item in items:
        assert "QUARANTINE" in rig.alarms()
        assert "Head office" in rig.alarms()["QUARANTINE"]
        rig.quarantine.retry(item, MARIA)
    assert rig.alarms() == {}


def test_a_retry_sends_it_on_its_way_as_new_and_is_audited(rig):
    item_id = set_aside(rig)
    with rig.db.read() as session:
        before = newest(session)
    rig.quarantine.retry(item_id, MARIA)
    entry = read_entry(rig.spool.ready / item_id)
    assert (entry.attempts, entry.crashes) == (0, 0)
    assert rig.quarantine.list() == []
    assert Action.QUARANTINE_RETRY in actions(rig)
    with rig.db.read() as session:
        assert events.Topic.QUARANTINE_CHANGED in [event.topic for event in told(session, before)]
    with pytest.raises(NotInQuarantine):
        rig.quarantine.retry(item_id, MARIA)


def test_a_file_can_be_downloaded_and_is_audited(rig):
    item_id = set_aside(rig, name=os.fsdecode(b"call \xff.wav"))
    file, reader = rig.quarantine.open_file(item_id, 0, MARIA)
    with reader:
        assert reader.read() == call()
    assert file.size_bytes == len(call())
    assert Action.QUARANTINE_DOWNLOAD in actions(rig)
    for part in (1, 99):
        with pytest.raises(NotInQuarantine):
            rig.quarantine.open_file(item_id, part, MARIA)


def test_names_are_fit_for_pages_and_json(rig):
    item = rig.quarantine.get(set_aside(rig, name=os.fsdecode(b"call \xff.wav")))
    assert item.origin_name.encode() == rb"call \udcff.wav"


def test_without_the_catalog_there_is_no_retry_and_no_download_but_setting_aside_works(rig):
    with outage.away(rig.db):
        item_id = set_aside(rig)
        for act in (lambda: rig.quarantine.retry(item_id, MARIA), lambda: rig.quarantine.open_file(item_id, 0, MARIA)):
            with pytest.raises(DatabaseAway):
                act()
        assert rig.quarantine.get(item_id).reason == WHY
    assert "QUARANTINE" in rig.alarms()


def test_an_item_that_the_device_delivers_again_is_a_duplicate(rig):
    item_id = set_aside(rig, name="one")
    assert rig.submit(call(), name="one").duplicate
    assert rig.quarantine.count() == 1
    assert item_id


def test_the_same_recording_twice_in_quarantine_is_two_items(rig):
    first = set_aside(rig, name="one")
    rig.quarantine.retry(first, MARIA)
    claim = rig.spool.claim(first)
    (rig.spool.quarantine / first).mkdir()
    (rig.spool.quarantine / first / "media-0").write_bytes(b"older")
    rig.quarantine.set_aside(claim, read_entry(claim.folder), Room.VAULT, WHY)
    assert {item.id for item in rig.quarantine.list()} == {f"{first}~2"}
    rig.quarantine.retry(f"{first}~2", MARIA)
    assert rig.spool.contains(first)


def test_a_damaged_entry_can_still_be_seen_and_downloaded(rig):
    receipt = rig.submit(call())
    (rig.spool.ready / receipt.id / "entry.json").write_text("damaged")
    rig.quarantine.set_aside(rig.spool.claim(receipt.id), None, Room.INTAKE, WHY)
    [item] = rig.quarantine.list()
    assert (item.instance_id, item.received_at, item.size_bytes) == (0, None, len(call()))
    _, reader = rig.quarantine.open_file(item.id, 0, MARIA)
    with reader:
        assert reader.read() == call()
    assert "QUARANTINE" in rig.alarms()


@pytest.mark.parametrize("item_id", ["", ".", "..", "../ready", "a/b", "\0", "f" * 64])
def test_an_id_that_leads_elsewhere_is_no_item(rig, item_id):
    with pytest.raises(NotInQuarantine):
        rig.quarantine.get(item_id)
