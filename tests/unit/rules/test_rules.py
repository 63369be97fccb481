"""The rule book is kept: order, references, what two people do at once, and the trail of it."""

import threading

import pytest

from hub.audit import Actor
from hub.audit.listing import AuditFilter, list_entries
from hub.rules.entry import Entry
from hub.rules.errors import EntryChanged, EntryInUse, EntryMissing, EntryRefused
from hub.rules.hours import HolidayCalendar, TimeProfile
from hub.rules.rule import Otherwise, Rule
from hub.rules.rules import Rules

MARIA = Actor(1, "maria", "web")
OFFICE = {"name": "Office", "hours": [{"days": ["mon"], "begins": "08:00", "ends": "18:00"}]}


@pytest.fixture
def rules(db):
    return Rules(db)


def lines(db):
    with db.read() as session:
        return [(entry.action, entry.subject, entry.details) for entry in list_entries(session, AuditFilter()).items]


def names(rules):
    return [rule.name for rule in rules.load().rules]


def test_an_empty_book_records_everything(rules):
    book = rules.load()
    assert (book.revision, book.rules, book.otherwise.records) == (0, (), True)


def test_rules_keep_their_order_and_can_be_moved(rules):
    made = [rules.add(Rule(name=name), MARIA) for name in ("A", "B", "C")]
    assert names(rules) == ["A", "B", "C"]
    assert [rule.id for rule in made] == [1, 2, 3]
    rules.move(made[2].id, 0, MARIA)
    assert names(rules) == ["C", "A", "B"]
    rules.move(made[2].id, 99, MARIA)
    assert names(rules) == ["A", "B", "C"]
    rules.move(made[0].id, -5, MARIA)
    assert names(rules) == ["A", "B", "C"]


@pytest.mark.parametrize(
    ("field", "value", "text"),
    [
        ("numbers", "201-209", "201-209 is read as one number"),
        ("users", "2001 - 2099", "For a range write patterns"),
        ("numbers", "201,202", "201,202 is more than one number"),
    ],
)
def test_what_would_be_read_as_another_number_is_refused_with_what_to_write(rules, field, value, text):
    with pytest.raises(EntryRefused) as refused:
        rules.add(Rule(name="A", **{field: [value]}), MARIA)
    assert text in refused.value.by_field[field][0]


def test_numbers_with_dashes_and_names_with_commas_are_taken(rules):
    numbers = ("0664-1234", "555-0123", "+43 664-123", "4930-1234567")
    kept = rules.add(Rule(name="A", numbers=numbers, users=["Berger, Anna"]), MARIA)
    assert (kept.numbers, kept.users) == (numbers, ("Berger, Anna",))


def test_every_change_is_a_line_of_the_trail_with_before_and_after(rules, db):
    rule = rules.add(Rule(name="Sales", groups=["Sales"]), MARIA)
    rules.add(Rule(name="Rest"), MARIA)
    rules.change(rule.model_copy(update={"enabled": False}), 1, MARIA)
    rules.move(rule.id, 1, MARIA)
    rules.set_otherwise(Otherwise(records=False), 1, MARIA)
    rules.delete(Rule, rule.id, MARIA)
    told = lines(db)
    assert [action for action, _, _ in told] == [
        "rules.delete",
        "rules.change",
        "rules.change",
        "rules.change",
        "rules.add",
        "rules.add",
    ]
    assert told[0][2]["name"] == "Sales"
    assert told[1][1:] == ("rules:otherwise", {"changed": {"records": [True, False]}})
    assert told[2][2]["changed"] == {"place": [1, 2]}
    assert told[3][1:] == ("rule:1", {"name": "Sales", "changed": {"enabled": [True, False]}})
    assert told[5][2]["groups"] == ["Sales"]


def test_who_comes_second_is_told_and_changes_nothing(rules):
    rule = rules.add(Rule(name="Sales"), MARIA)
    rules.change(rule.model_copy(update={"name": "Sales A"}), 1, MARIA)
    with pytest.raises(EntryChanged):
        rules.change(rule.model_copy(update={"name": "Sales B"}), 1, MARIA)
    with pytest.raises(EntryChanged):
        rules.delete(Rule, rule.id, MARIA, expected_revision=1)
    assert names(rules) == ["Sales A"]
    assert rules.get(Rule, rule.id).revision == 2
    with pytest.raises(EntryChanged):
        rules.set_otherwise(Otherwise(records=False), 9, MARIA)


def test_a_name_is_taken_once_among_its_kind(rules):
    rules.add(Rule(name="Office"), MARIA)
    rules.add(TimeProfile(**OFFICE), MARIA)
    with pytest.raises(EntryRefused) as refused:
        rules.add(Rule(name="OFFICE"), MARIA)
    assert list(refused.value.by_field) == ["name"]


def test_what_is_in_use_is_not_deleted_and_its_users_are_named(rules):
    calendar = rules.add(HolidayCalendar(name="Austria", days=[{"day": "2026-12-25"}]), MARIA)
    profile = rules.add(TimeProfile(**OFFICE, calendars=[calendar.id]), MARIA)
    rule = rules.add(Rule(name="Sales", profile=profile.id), MARIA)
    for kind, entry, user in ((HolidayCalendar, calendar, "Office"), (TimeProfile, profile, "Sales")):
        with pytest.raises(EntryInUse) as refused:
            rules.delete(kind, entry.id, MARIA)
        assert refused.value.users == (user,)
    rules.delete(Rule, rule.id, MARIA)
    rules.delete(TimeProfile, profile.id, MARIA)
    rules.delete(HolidayCalendar, calendar.id, MARIA)
    assert rules.load().calendars == ()


def test_what_is_not_there_cannot_be_referred_to(rules):
    with pytest.raises(EntryRefused) as refused:
        rules.add(Rule(name="Sales", profile=7), MARIA)
    assert list(refused.value.by_field) == ["profile"]
    with pytest.raises(EntryRefused) as refused:
        rules.add(TimeProfile(**OFFICE, calendars=[7]), MARIA)
    assert list(refused.value.by_field) == ["calendars"]


@pytest.mark.parametrize("kind", [Rule, TimeProfile, HolidayCalendar])
def test_what_was_deleted_is_told_as_missing(rules, kind: type[Entry]):
    with pytest.raises(EntryMissing):
        rules.get(kind, 4)
    with pytest.raises(EntryMissing):
        rules.delete(kind, 4, MARIA)


def test_an_id_is_never_given_twice(rules):
    first = rules.add(Rule(name="A"), MARIA)
    rules.delete(Rule, first.id, MARIA)
    assert rules.add(Rule(name="B"), MARIA).id != first.id


def test_there_is_an_end_to_the_number_of_calendars(rules, monkeypatch):
    monkeypatch.setattr(HolidayCalendar, "most", 1)
    rules.add(HolidayCalendar(name="A"), MARIA)
    with pytest.raises(EntryRefused, match="at most 1"):
        rules.add(HolidayCalendar(name="B"), MARIA)


def test_many_who_add_at_once_lose_nothing(rules):
    threads = [threading.Thread(target=rules.add, args=(Rule(name=f"Rule {at}"), MARIA)) for at in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    book = rules.load()
    assert sorted(rule.name for rule in book.rules) == [f"Rule {at}" for at in range(8)]
    assert len({rule.id for rule in book.rules}) == 8
    assert book.revision == 8
