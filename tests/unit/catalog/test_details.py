"""What the PBX says about a call completes its recordings, whichever comes first, and overwrites nothing."""

import random
import threading
from collections import Counter
from datetime import timedelta
from itertools import count

import pytest
from sqlalchemy import String, cast, func, select

from hub.audit.models import AuditLine
from hub.catalog import search
from hub.catalog.commit import commit_recordings
from hub.catalog.details import commit_details, forget_details, hold_devices
from hub.catalog.models import DetailNumber, Recording, RollDay, RollMonth, StoredDetail
from hub.catalog.query import RecordingQuery
from hub.clock import utc_now
from hub.sdk import CallDetail, Direction, Owner, OwnerKind, Party, Role
from tests.doubles.outbox import told
from tests.doubles.recordings import EVERYTHING, NOON, commit, commit_one, prepared, sha256

_details = count(1)
OUTSIDE = "+49 30 1234567"
NOTHING = {
    "call_id": "",
    "direction": Direction.UNKNOWN,
    "parties": (),
    "owner": None,
    "agent": "",
    "target": "",
    "skill": "",
    "fields": {},
    "provenance": {},
}
FOUND_BY_NUMBER = NOTHING | {"parties": (Party(number="201"), Party(number=OUTSIDE))}


def _detail(**changes):
    values = {
        "detail_id": f"smdr {next(_details)}",
        "rule": "smdr",
        "started_at": NOON - timedelta(seconds=10),
        "ended_at": NOON + timedelta(minutes=3),
        "call_id": "77",
        "direction": Direction.OUTGOING,
        "parties": (Party(number="201", name="Anna", role=Role.CALLER), Party(number=OUTSIDE, role=Role.CALLED)),
        "owner": Owner(kind=OwnerKind.ACCOUNT_CODE, id="9000"),
        "agent": "Anna",
        "target": OUTSIDE,
        "skill": "sales",
        "numbers": ("201", OUTSIDE),
        "fields": {"account": "9000"},
    }
    return CallDetail(**values | changes)


def _commit_details(db, *details, instance_id=7):
    with db.write() as session:
        return commit_details(session, instance_id, [(sha256(each.detail_id), each) for each in details])


def _find(db, recording_id):
    with db.read() as session:
        return search.find(session, EVERYTHING, recording_id)


def _assert_sums_are_right(db):
    """The sums equal what one gets by adding up the recordings."""
    owner = (func.coalesce(cast(Recording.owner_kind, String), ""), Recording.owner_id)
    for table, period in ((RollDay, Recording.local_day), (RollMonth, Recording.local_day / 100)):
        with db.read() as session:
            key = (func.floor(period), Recording.device_id, *owner, Recording.direction)
            added = session.execute(select(*key, func.count(), func.sum(Recording.duration_ms)).group_by(*key)).all()
            kept = session.execute(select(*table.table().columns)).all()
        assert sorted(tuple(map(str, _whole(row))) for row in kept) == sorted(
            tuple(map(str, _whole(row))) for row in added
        )


def _whole(row):
    return [int(value) if not isinstance(value, str) else value for value in row]


@pytest.fixture(params=["recording first", "detail first"])
def meet(request, db):
    """Bring a recording and a detail together in both orders; the recording's id."""

    def bring(recording, *details, instance_id=7):
        if request.param == "detail first":
            _commit_details(db, *details, instance_id=instance_id)
            return commit(db, recording)[0].recording_id
        recording_id = commit(db, recording)[0].recording_id
        _commit_details(db, *details, instance_id=instance_id)
        return recording_id

    return bring


def test_empty_fields_are_filled_by_the_detail_of_the_same_call(db, meet):
    found = _find(db, meet(prepared(**NOTHING | {"call_id": "77"}), _detail()))
    assert found.direction is Direction.OUTGOING
    assert found.parties == _detail().parties
    assert found.owner == Owner(kind=OwnerKind.ACCOUNT_CODE, id="9000")
    assert (found.agent, found.target, found.skill) == ("Anna", OUTSIDE, "sales")
    assert found.fields == {"account": "9000"}
    filled = ("direction", "parties", "owner", "agent", "target", "skill", "account")
    assert found.provenance == dict.fromkeys(filled, "smdr")
    _assert_sums_are_right(db)


def test_what_the_file_said_is_never_overwritten(db, meet):
    recording = prepared(call_id="77", parties=(Party(number="555", name="From file"),), fields={"account": "1"})
    found = _find(db, meet(recording, _detail(fields={"account": "2", "ring_s": "4"})))
    assert found.direction is recording.draft.direction
    assert found.parties == recording.draft.parties
    assert found.owner == recording.draft.owner
    assert (found.agent, found.target, found.skill) == ("Anna Müller", "201", "Billing")
    assert found.fields == {"account": "1", "ring_s": "4"}
    assert found.provenance == {"direction": "filename", "ring_s": "smdr"}


def test_a_party_without_a_name_gets_it(db, meet):
    parties = (Party(number="(201)", role=Role.CALLED), Party(number="202"))
    found = _find(db, meet(prepared(**NOTHING | {"call_id": "77", "parties": parties}), _detail()))
    assert [party.name for party in found.parties] == ["Anna", ""]
    assert found.parties[0].role is Role.CALLED
    assert found.provenance["name of (201)"] == "smdr"


def test_without_a_call_id_numbers_and_time_decide(db, meet):
    recording_id = meet(prepared(**FOUND_BY_NUMBER), _detail())
    assert _find(db, recording_id).call_id == "77"
    assert _find(db, recording_id).provenance["call_id"] == "smdr"


@pytest.mark.parametrize("number", ["0049301234567", "0301234567", "1234567", "+49 (30) 123-4567"])
def test_numbers_may_be_spelt_in_several_ways(db, meet, number):
    recording = prepared(**NOTHING | {"parties": (Party(number="201"), Party(number=number))})
    assert _find(db, meet(recording, _detail())).agent == "Anna"


@pytest.mark.parametrize(
    "detail",
    [
        {"call_id": "78"},
        {"started_at": NOON + timedelta(hours=1), "ended_at": NOON + timedelta(hours=2)},
        {"started_at": NOON - timedelta(days=2), "ended_at": NOON - timedelta(days=2, hours=-1)},
    ],
)
def test_another_call_fills_nothing(db, meet, detail):
    recording_id = meet(prepared(**NOTHING | {"call_id": "77"}), _detail(**detail))
    assert _find(db, recording_id).agent == ""


@pytest.mark.parametrize(
    "detail",
    [
        {"numbers": ("201",), "parties": (), "target": "", "owner": None},
        {"started_at": NOON + timedelta(seconds=1)},
        {"ended_at": NOON - timedelta(seconds=1)},
    ],
)
def test_numbers_that_do_not_fit_or_another_time_fill_nothing(db, meet, detail):
    assert _find(db, meet(prepared(**FOUND_BY_NUMBER), _detail(**detail))).agent == ""


def test_a_detail_of_another_device_fills_nothing(db, meet):
    assert _find(db, meet(prepared(**NOTHING | {"call_id": "77"}), _detail(), instance_id=8)).agent == ""


def test_two_recordings_that_could_be_meant_stay_as_they_are(db):
    ids = [commit_one(db, **FOUND_BY_NUMBER) for _ in range(2)]
    assert _commit_details(db, _detail()) == []
    assert [_find(db, each).agent for each in ids] == ["", ""]


def test_two_calls_that_could_be_meant_leave_the_recording_as_it_is(db):
    _commit_details(db, _detail(call_id="77"), _detail(call_id="78"))
    assert _find(db, commit_one(db, **FOUND_BY_NUMBER)).agent == ""


def test_several_rows_of_one_call_complete_one_another(db, meet):
    first = _detail(agent="", skill="", fields={"row": "1"})
    second = _detail(agent="Bernd", fields={"row": "2", "transferred": "yes"}, started_at=NOON - timedelta(seconds=5))
    found = _find(db, meet(prepared(**FOUND_BY_NUMBER), first, second))
    assert found.agent == "Bernd"
    assert found.skill == "sales"
    assert found.fields == {"row": "1", "transferred": "yes"}


def test_all_recordings_of_the_call_are_completed(db):
    legs = [
        commit_one(db, **NOTHING | {"call_id": "77", "started_at": NOON + timedelta(minutes=minute)})
        for minute in (0, 2)
    ]
    assert sorted(_commit_details(db, _detail())) == sorted(legs)
    assert [_find(db, leg).agent for leg in legs] == ["Anna", "Anna"]


def test_a_call_id_that_the_pbx_used_before_its_restart_is_another_call(db):
    old = commit_one(db, **NOTHING | {"call_id": "77", "started_at": NOON - timedelta(days=3)})
    new = commit_one(db, **NOTHING | {"call_id": "77"})
    assert _commit_details(db, _detail()) == [new]
    assert _find(db, old).agent == ""


def test_the_same_detail_again_changes_nothing(db):
    detail = _detail()
    recording_id = commit_one(db, **NOTHING | {"call_id": "77"})
    assert _commit_details(db, detail) == [recording_id]
    assert _commit_details(db, detail, detail) == []
    assert _find(db, recording_id).revision == 2
    with db.read() as session:
        assert session.scalar(select(func.count()).select_from(StoredDetail)) == 1


def test_a_completed_recording_is_found_by_what_it_learned(db):
    recording_id = commit_one(db, **NOTHING | {"call_id": "77"})
    _commit_details(db, _detail())
    for conditions in ({"text": "anna"}, {"text": "1234567"}, {"skill": "sales"}, {"owner": "9000"}):
        with db.read() as session:
            page = search.search(session, EVERYTHING, RecordingQuery(**conditions))
        assert [row.id for row in page.items] == [recording_id]


def test_a_completed_recording_tells_those_who_watch_and_the_trail(db):
    recording_id = commit_one(db, **NOTHING | {"call_id": "77"})
    _commit_details(db, _detail())
    with db.read() as session:
        topics = [event.topic for event in told(session)]
        actions = session.scalars(select(AuditLine.action).order_by(AuditLine.id)).all()
    assert topics == ["recording.catalogued", "recording.changed"]
    assert actions == ["recording.ingest", "recording.details_fill"]
    assert [moment.what for moment in _find(db, recording_id).timeline][-1] == "completed"


def test_old_details_are_forgotten_with_their_numbers(db):
    _commit_details(db, _detail())
    with db.write() as session:
        assert forget_details(session, utc_now() - timedelta(days=1)) == 0
        assert forget_details(session, utc_now() + timedelta(days=1)) == 1
        assert session.scalar(select(func.count()).select_from(DetailNumber)) == 0


def test_hostile_details_are_kept(db):
    detail = _detail(
        detail_id="\0\ud800", rule="\0", call_id="\0", agent="\udcff", numbers=("\0", "x" * 500), fields={"\0": "\0"}
    )
    assert _commit_details(db, detail) == []
    commit_one(db, **NOTHING | {"call_id": "\0"})


def test_a_recording_and_its_detail_committed_at_once_always_meet(db):
    for round_ in range(12):
        at = NOON + timedelta(hours=round_)
        recording = prepared(**NOTHING | {"call_id": f"c{round_}", "started_at": at})
        detail = _detail(call_id=f"c{round_}", started_at=at, ended_at=at)
        barrier = threading.Barrier(2)
        threads = [
            threading.Thread(target=lambda b=barrier, r=recording: (b.wait(), commit(db, r))),
            threading.Thread(target=lambda b=barrier, d=detail: (b.wait(), _commit_details(db, d))),
        ]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert _find(db, recording.recording_id).agent == "Anna"


def test_workers_that_commit_recordings_and_details_of_one_device_do_not_wait_in_a_circle(db):
    failures = []
    barrier = threading.Barrier(3)

    def work(worker):
        barrier.wait()
        try:
            for n in range(6):
                recording = prepared(7 + n % 2, **NOTHING | {"call_id": f"{worker}.{n}"})
                detail = _detail(call_id=f"{worker}.{n}")
                with db.write() as session:
                    hold_devices(session, recordings={7 + n % 2}, details={8 - n % 2})
                    commit_recordings(session, [recording], timezone_of=lambda _: "UTC")
                    commit_details(session, 8 - n % 2, [(detail.detail_id, detail)])
        except Exception as exc:  # noqa: BLE001
            failures.append(exc)

    threads = [threading.Thread(target=work, args=(worker,)) for worker in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_sums_stay_right_through_any_mixture(db):
    chance = random.Random(7)
    for _ in range(25):
        at = NOON + timedelta(hours=chance.randrange(10))
        call_id = str(at.hour % 3)
        if chance.random() < 0.6:
            empty = NOTHING if chance.random() < 0.7 else {}
            items = [
                prepared(**empty | {"call_id": call_id, "started_at": at, "duration_s": chance.random() * 100})
                for _ in range(chance.randrange(1, 4))
            ]
            commit(db, *items, *items[:1])
        else:
            _commit_details(db, _detail(call_id=call_id, started_at=at, ended_at=at + timedelta(minutes=5)))
    _assert_sums_are_right(db)
    with db.read() as session:
        filled = Counter(session.scalars(select(Recording.direction)))
    assert filled[Direction.OUTGOING]
