"""Recordings are found by what people type and choose, page by page in both directions."""

from datetime import timedelta

import pytest
from sqlalchemy import false

from hub.catalog import plan, search
from hub.catalog.models import Recording
from hub.catalog.query import Count, Cursor, RecordingQuery, Visible
from hub.sdk import Direction, Owner, OwnerKind, Party, Role
from tests.doubles.recordings import EVERYTHING, NOON, commit, commit_one, prepared


def _party(number, name="", role=Role.PARTICIPANT):
    return Party(number=number, name=name, role=role)


def _search(db, visible=EVERYTHING, *, before=None, after=None, limit=50, **conditions):
    with db.read() as session:
        return search.search(session, visible, RecordingQuery(**conditions), before=before, after=after, limit=limit)


def _found(db, **conditions):
    return [row.id for row in _search(db, **conditions).items]


def _count(db, visible=EVERYTHING, bound=10_000, **conditions):
    with db.read() as session:
        return search.count(session, visible, RecordingQuery(**conditions), bound)


def _plain(**changes):
    """A call without anything that a search could find, but what is given."""
    nothing = {"parties": (), "owner": None, "agent": "", "target": "", "skill": "", "call_id": ""}
    return nothing | changes


@pytest.fixture
def call(db):
    """The id of one call with a different value in every field."""
    return commit_one(
        db,
        parties=(_party("+49 (30) 123-4567", "Carla Díaz", Role.CALLER), _party("201", "王伟", Role.CALLED)),
        owner=Owner(kind=OwnerKind.GROUP, id="650", name="Complaints team"),
        agent="Grzegorz Żak",
        target="0800 555 000",
        skill="Refunds, large",
        call_id="4711-a",
    )


@pytest.mark.parametrize(
    "typed",
    [
        "4930123",
        "030123".removeprefix("0"),
        "+49 30 1234567",
        "1234567",
        "201",
        "20",
        "0800555",
        "650",
        "carla",
        "DIAZ",
        "Díaz",
        "王伟",
        "王",
        "grzegorz zak",
        "żak",
        "complaints",
        "refund",
        '"Refunds, large"',
        "4711-a",
        "nobody, 201",
        " , ,201,",
    ],
)
def test_text_is_found_in_every_field_by_a_part_of_it(db, call, typed):
    commit_one(db, **_plain())
    assert _found(db, text=typed) == [call]


@pytest.mark.parametrize(
    "typed", ["nobody", "9999999", "4711", "4711-A", "%", "_", "a_l", "'", "\0", "\ud800", "201 carla"]
)
def test_text_that_stands_nowhere_finds_nothing(db, call, typed):
    assert _found(db, text=typed) == []


@pytest.mark.parametrize("typed", ["", " ", ",", " , ,", '""', '"'])
def test_no_text_is_no_condition(db, call, typed):
    assert _found(db, text=typed) == [call]


@pytest.mark.parametrize(
    ("field", "value", "others"),
    [
        ("parties", "carla", "grzegorz"),
        ("parties", "4930", "650"),
        ("agent", "grzegorz", "carla"),
        ("owner", "650", "201"),
        ("owner", "complaints", "carla"),
        ("target", "0800", "201"),
        ("skill", "refunds", "complaints"),
        ("call_id", "4711-a", "4711"),
    ],
)
def test_a_field_is_searched_by_its_own_values_only(db, call, field, value, others):
    assert _found(db, **{field: value}) == [call]
    assert _found(db, **{field: f"nobody,{value}"}) == [call]
    assert _found(db, **{field: others}) == []


def test_several_fields_must_all_match(db):
    anna = commit_one(db, **_plain(agent="Anna", skill="sales"))
    commit_one(db, **_plain(agent="Anna", skill="billing"))
    commit_one(db, **_plain(agent="Bernd", skill="sales"))
    assert _found(db, agent="anna", skill="sales") == [anna]
    assert _found(db, text="anna", skill="sales", agent="bernd, anna") == [anna]


def test_dates_are_half_open(db):
    for minute in range(3):
        commit_one(db, started_at=NOON + timedelta(minutes=minute))
    page = _search(db, started_from=NOON, started_before=NOON + timedelta(minutes=2))
    assert [row.started_at for row in page.items] == [NOON + timedelta(minutes=1), NOON]


def test_directions_devices_and_problems_are_chosen_from(db):
    first = commit_one(db, instance_id=1, direction=Direction.INCOMING)
    second = commit_one(db, instance_id=2, direction=Direction.OUTGOING)
    third = commit_one(db, instance_id=3, direction=Direction.INTERNAL, problem=("FILE_PARSE_ERROR", ""))
    assert _found(db, directions=frozenset({Direction.OUTGOING})) == [second]
    assert set(_found(db, directions=frozenset({Direction.OUTGOING, Direction.INTERNAL}))) == {second, third}
    assert _found(db, device_ids=frozenset({1})) == [first]
    assert set(_found(db, device_ids=frozenset({1, 3}))) == {first, third}
    assert _found(db, device_ids=frozenset({1, 3}), directions=frozenset({Direction.INTERNAL})) == [third]
    assert _found(db, problems=True) == [third]
    assert set(_found(db, problems=False)) == {first, second}


@pytest.mark.parametrize(
    ("min_s", "max_s", "expected"),
    [
        (60, 60, [60]),
        (61, None, [600, 3600]),
        (None, 59.999, [5]),
        (600, None, [600, 3600]),
        (0, 0, []),
        (700, 800, []),
    ],
)
def test_lengths_are_inclusive(db, min_s, max_s, expected):
    for seconds in (5, 60, 600, 3600):
        commit_one(db, duration_s=float(seconds))
    assert sorted(row.duration_s for row in _search(db, min_s=min_s, max_s=max_s).items) == expected


@pytest.mark.parametrize("conditions", [{}, {"text": "anna"}, {"device_ids": frozenset({7, 8})}, {"text": "201,anna"}])
def test_pages_go_both_ways_and_miss_nothing(db, conditions):
    start = [NOON + timedelta(seconds=second // 3) for second in range(25)]  # three begin at the same moment
    ids = [done.recording_id for done in commit(db, *(prepared(started_at=at) for at in start))]
    in_order = [each for _, each in sorted(zip(start, ids, strict=True), reverse=True)]
    pages, before = [], None
    while True:
        page = _search(db, before=before, limit=4, **conditions)
        pages.append([row.id for row in page.items])
        if page.older is None:
            break
        before = page.older
    assert [each for page in pages for each in page] == in_order
    back, after = [], page.newer
    while after is not None:
        page = _search(db, after=after, limit=4, **conditions)
        back.insert(0, [row.id for row in page.items])
        after = page.newer
    assert [each for page in back for each in page] == in_order[: len(in_order) - len(pages[-1])]


def test_the_first_page_has_nothing_newer_and_an_empty_list_no_pages(db):
    empty = _search(db)
    assert (empty.items, empty.older, empty.newer) == ((), None, None)
    commit_one(db)
    only = _search(db)
    assert (only.older, only.newer) == (None, None)


def test_a_page_beyond_the_end_leads_back(db):
    recording_id = commit_one(db)
    beyond = _search(db, before=Cursor(0, 0))
    assert beyond.items == ()
    assert [row.id for row in _search(db, after=beyond.newer).items] == [recording_id]


def test_new_recordings_do_not_move_the_next_page(db):
    commit(db, *(prepared(started_at=NOON + timedelta(seconds=second)) for second in range(4)))
    first = _search(db, limit=2)
    commit_one(db, started_at=NOON + timedelta(hours=1))
    second = _search(db, before=first.older, limit=2)
    assert [row.started_at.second for row in (*first.items, *second.items)] == [3, 2, 1, 0]


def test_what_may_not_be_seen_is_in_no_answer(db):
    secret = commit_one(db, instance_id=2, call_id="shared")
    seen = commit_one(db, instance_id=1, call_id="shared")
    nothing, some = Visible(false()), Visible(Recording.device_id == 1)
    for conditions in ({}, {"text": "anna"}, {"text": "2"}, {"call_id": "shared"}):
        assert _search(db, nothing, **conditions).items == ()
        assert _count(db, nothing, **conditions) == Count(0, exact=True)
        assert [row.id for row in _search(db, some, **conditions).items] == [seen]
        assert _count(db, some, **conditions).n == 1
    with db.read() as session:
        assert search.find(session, some, secret) is None
        assert search.find(session, some, seen).legs == 1
        assert search.find(session, nothing, seen) is None


def test_counts_are_exact_up_to_their_bound(db):
    commit(db, *(prepared() for _ in range(6)))
    assert _count(db) == Count(6, exact=True)
    assert _count(db, bound=6) == Count(6, exact=True)
    assert _count(db, bound=5) == Count(5, exact=False)
    assert _count(db, bound=5, text="anna") == Count(5, exact=False)
    assert _count(db, text="anna") == Count(6, exact=True)
    assert _count(db, text="nobody") == Count(0, exact=True)


def test_recordings_of_one_call_know_each_other(db):
    legs = [commit_one(db, call_id="7", started_at=NOON + timedelta(minutes=minute)) for minute in (0, 5, 9)]
    commit_one(db, call_id="7", started_at=NOON - timedelta(days=2))
    commit_one(db, call_id="7", instance_id=8)
    alone = commit_one(db, call_id="")
    rows = {row.id: row for row in _search(db).items}
    assert [rows[leg].legs for leg in legs] == [3, 3, 3]
    assert rows[alone].legs == 1
    with db.read() as session:
        assert [row.id for row in search.find_siblings(session, EVERYTHING, rows[legs[1]])] == legs
        assert [row.id for row in search.find_siblings(session, EVERYTHING, rows[alone])] == [alone]


def test_extensions_of_two_devices_are_both_found(db):
    ids = {commit_one(db, instance_id=device, **_plain(parties=(_party("201"),))) for device in (1, 2)}
    assert set(_found(db, text="201")) == ids
    assert len(_found(db, text="201", device_ids=frozenset({2}))) == 1


@pytest.mark.parametrize("bounds", [(10_000, 64, 8), (0, 64, 8), (0, 0, 0), (3, 1, 0)])
@pytest.mark.parametrize("too_many", [5_000, 0])
def test_every_plan_finds_the_same(db, monkeypatch, bounds, too_many):
    gather, merge, few = bounds
    monkeypatch.setattr(plan, "GATHER_BOUND", gather)
    monkeypatch.setattr(plan, "MERGE_BOUND", merge)
    monkeypatch.setattr(plan, "_FEW", few)
    monkeypatch.setattr("hub.catalog.needles.MATCHES_BOUND", too_many)
    agents = ["Anna", "Annabel", "Bernd", "Çelik"]
    items = [
        prepared(
            1 + n % 3,
            **_plain(
                agent=agents[n % 4],
                parties=(_party(f"2{n % 7:02}", agents[(n + 1) % 4]), _party(f"+4930{n % 5}00{n % 3}")),
                direction=list(Direction)[n % 3],
                started_at=NOON + timedelta(seconds=n // 2),
                call_id=f"c{n % 9}",
                duration_s=float(n),
            ),
        )
        for n in range(60)
    ]
    ids = [done.recording_id for done in commit(db, *items)]
    order = sorted(range(60), key=lambda n: (items[n].draft.started_at, ids[n]), reverse=True)

    def expected(holds):
        return [ids[n] for n in order if holds(n)]

    def has(n, part):
        return any(part in text.lower() for text in (agents[n % 4], agents[(n + 1) % 4]))

    assert _found(db, text="anna", limit=100) == expected(lambda n: has(n, "anna"))
    assert _found(db, agent="anna", limit=100) == expected(lambda n: n % 4 < 2)
    assert _found(db, text="c3", limit=100) == expected(lambda n: n % 9 == 3)
    assert _found(db, text="celik,c3", limit=100) == expected(lambda n: has(n, "çelik") or n % 9 == 3)
    assert _found(db, parties="203, 49303", limit=100) == expected(lambda n: n % 7 == 3 or n % 5 == 3)
    assert _found(db, text="20", agent="bernd", limit=100) == expected(lambda n: n % 4 == 2)
    narrow = {"directions": frozenset({Direction.INTERNAL}), "device_ids": frozenset({1}), "min_s": 20}
    assert _found(db, text="anna", limit=100, **narrow) == expected(lambda n: has(n, "anna") and n % 3 == 0 and n >= 20)
    page = _search(db, text="anna", limit=5, **narrow)
    rest = _search(db, text="anna", limit=100, before=page.older, **narrow)
    assert [row.id for row in (*page.items, *rest.items)] == _found(db, text="anna", limit=100, **narrow)
    assert _count(db, text="anna", **narrow).n == len(_found(db, text="anna", limit=100, **narrow))
    assert _count(db, text="celik,c3").n == len(_found(db, text="celik,c3", limit=100))


def test_a_count_that_would_look_at_too_many_says_so(db, monkeypatch):
    commit(db, *(prepared() for _ in range(12)))
    monkeypatch.setattr(plan, "LOOK_BOUND", 10)
    found = _count(db, text="anna", directions=frozenset({Direction.INCOMING}))
    assert not found.exact
    assert found.n <= 12
    monkeypatch.setattr("hub.catalog.needles.MATCHES_BOUND", 0)
    found = _count(db, text="anna")
    assert not found.exact
    assert found.n == 10
