"""Which rule decides a call."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hub.rules.book import Book, parse
from hub.rules.errors import EntryRefused
from hub.rules.hours import TimeProfile
from hub.rules.rule import Otherwise, Rule
from hub.rules.rulebook import Aspect, Places, Rulebook
from hub.rules.shares import Shares
from hub.sdk import CallOutline, Direction, Owner, OwnerKind, Recorded, Verdict

NOON = datetime(2026, 11, 20, 12, 0, tzinfo=UTC)  # a Friday
OFFICE, BRANCH = 7, 8


def book_of(*rules: dict, **more) -> Book:
    made = [Rule(**{"id": at + 1, "name": f"Rule {at + 1}", **rule}) for at, rule in enumerate(rules)]
    return Book(rules=made, **more)


def call(**more) -> CallOutline:
    return CallOutline(**{"started_at": NOON, "direction": Direction.INCOMING, **more})


def decided(book: Book, outline: CallOutline, device: int = OFFICE) -> Verdict:
    return Rulebook(book).decide(outline, device, Shares())


def deciding(book: Book, outline: CallOutline, device: int = OFFICE) -> str:
    return decided(book, outline, device).rule


def test_without_any_rule_every_call_is_recorded():
    assert decided(Book(), call()) == Verdict()


def test_the_last_line_of_the_book_can_leave_everything_out():
    assert decided(Book(otherwise=Otherwise(records=False)), call()) == Verdict(recorded=Recorded.NO)


def test_the_first_rule_that_fits_decides():
    book = book_of({"groups": ["Sales"]}, {"treatment": "leave_out"}, {"treatment": "mandatory"})
    assert decided(book, call(groups=("Sales",))) == Verdict(rule="Rule 1")
    assert decided(book, call(groups=("Support",))) == Verdict(recorded=Recorded.NO, rule="Rule 2")


def test_a_rule_that_is_switched_off_decides_nothing():
    assert deciding(book_of({"enabled": False}, {}), call()) == "Rule 2"


def test_every_filled_field_must_fit_and_of_each_any_value():
    book = book_of({"groups": ["Sales", "Support"], "account_codes": ["77"], "devices": [OFFICE]})
    fits = call(groups=("support",), account_code="77")
    assert deciding(book, fits) == "Rule 1"
    assert deciding(book, fits, BRANCH) == ""
    assert deciding(book, call(groups=("support",))) == ""
    assert deciding(book, call(account_code="77")) == ""


def test_agent_skill_and_owner_are_found_where_rules_ask_for_them():
    book = book_of({"users": ["7001"]}, {"groups": ["billing"]}, {"routes": ["Line 3"]}, {"account_codes": ["77"]})
    assert deciding(book, call(agent="7001", users=("201",))) == "Rule 1"
    assert deciding(book, call(skill="Billing", groups=("Sales",))) == "Rule 2"
    owned = {OwnerKind.USER: "7001", OwnerKind.GROUP: "billing", OwnerKind.LINE: "line 3", OwnerKind.ACCOUNT_CODE: "77"}
    for number, (kind, name) in enumerate(owned.items(), start=1):
        assert deciding(book, call(owner=Owner(kind=kind, id="x", name=name))) == f"Rule {number}"


def test_a_user_is_known_by_number_also_where_an_agent_is_named():
    assert deciding(book_of({"users": ["201"]}), call(called="201", agent="7001")) == "Rule 1"


@pytest.mark.parametrize(
    ("value", "number", "fits"),
    [
        ("201", "201", True),
        ("201", "2011", False),
        ("+43 (1) 555-0123", "4315550123", True),
        ("4315550123", "+43 1 555 0123", True),
        ("+43*", "+43 1 555 0123", True),
        ("+43*", "+44 20 7946", False),
        ("20?", "207", True),
        ("20?", "2071", False),
        ("*0123", "+43 1 555 0123", True),
        ("*5?5*", "43155501", True),
        ("?17", "*17", True),
        ("*", "anonymous", True),
        ("anonymous", "Anonymous", True),
        ("[0-9]", "5", False),
    ],
)
def test_numbers_are_exact_or_a_beginning_or_a_pattern(value, number, fits):
    book = book_of({"numbers": [value]})
    for outline in (call(caller=number), call(called=number), call(numbers=("9", number))):
        assert (deciding(book, outline) == "Rule 1") is fits


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ("+43664*", True),
        ("+4366412345", True),
        ("+43 664 1234?", True),
        ("4366412345", True),
        ("0043 664 12345", True),
        ("0664 12345", True),
        ("066412345*", True),
        ("*2345", True),
        ("4*", False),
        ("00*", False),
        ("+49*", False),
        ("+436641234", False),
    ],
)
def test_a_number_is_found_however_it_is_written_and_by_its_beginning_as_it_is_told_or_in_full(value, fits):
    spellings = {"066412345": ("+4366412345", "004366412345")}
    book = book_of({"numbers": [value]})
    assert (deciding(book, call(called="066412345", spellings=spellings)) == "Rule 1") is fits
    assert deciding(book, call(called="201", spellings=spellings)) == ""
    assert (deciding(book_of({"routes": [value]}), call(route="066412345", spellings=spellings)) == "Rule 1") is fits


def test_names_are_compared_without_case_accents_and_double_spaces():
    book = book_of({"users": ["Jürgen  Müller"]}, {"routes": ["Line *"]})
    assert deciding(book, call(users=("201", "JURGEN MULLER"))) == "Rule 1"
    assert deciding(book, call(route="line 7")) == "Rule 2"


def test_a_device_that_knows_no_users_knows_them_by_number():
    book = book_of({"users": ["201"]})
    assert deciding(book, call(called="201")) == "Rule 1"
    assert deciding(book, call(called="201", users=("202",))) == ""


@pytest.mark.parametrize(
    ("calls", "fitting"),
    [
        (["incoming"], {Direction.INCOMING}),
        (["outgoing"], {Direction.OUTGOING}),
        (["internal"], {Direction.INTERNAL}),
        (["external"], {Direction.INCOMING, Direction.OUTGOING}),
        (["internal", "outgoing"], {Direction.INTERNAL, Direction.OUTGOING}),
        ([], set(Direction)),
    ],
)
def test_a_rule_can_ask_which_way_a_call_goes(calls, fitting):
    book = book_of({"calls": calls})
    assert {way for way in Direction if deciding(book, call(direction=way))} == fitting


def test_a_verdict_says_all_that_the_rule_does():
    book = book_of(
        {"treatment": "mandatory", "longest_s": 600, "keeps_keys": True},
        {"treatment": "on_demand", "masks_keys": True, "stops_at_voicemail": True},
    )
    assert decided(book, call()) == Verdict(rule="Rule 1", is_mandatory=True, longest_s=600.0, keeps_keys=True)
    second = book.model_copy(update={"rules": book.rules[1:]})
    assert decided(second, call()) == Verdict(
        recorded=Recorded.ON_DEMAND, rule="Rule 2", masks_keys=True, stops_at_voicemail=True
    )


def test_hours_are_those_of_the_place_where_the_device_stands():
    office = TimeProfile(id=9, name="Office", hours=[{"days": ["fri"], "begins": "20:00", "ends": "21:30"}])
    book = book_of({"profile": 9}, profiles=[office])
    rulebook = Rulebook(book, Places("UTC", {BRANCH: "Asia/Shanghai"}))
    assert rulebook.decide(call(), OFFICE, Shares()).rule == ""
    assert rulebook.decide(call(), BRANCH, Shares()).rule == "Rule 1"


def test_a_rule_whose_profile_is_gone_never_holds():
    assert deciding(book_of({"profile": 9}), call()) == ""


def test_it_is_told_why_each_rule_above_did_not_fit():
    book = book_of(
        {"enabled": False, "calls": ["internal"]}, {"groups": ["Sales"], "devices": [BRANCH]}, {"users": ["201"]}, {}
    )
    judged = Rulebook(book).judge(call(called="201"), OFFICE)
    assert judged.rule is not None
    assert judged.rule.name == "Rule 3"
    assert [(miss.rule.name, set(miss.aspects)) for miss in judged.misses] == [
        ("Rule 1", {Aspect.ENABLED, Aspect.CALLS}),
        ("Rule 2", {Aspect.GROUPS, Aspect.DEVICES}),
    ]
    assert Rulebook(book_of({"users": ["202"]})).judge(call(called="201"), OFFICE).rule is None


TEXT = st.text(max_size=12) | st.sampled_from(["201", "20?", "+43*", "*", "Sales", "s*s", "", "??"])
TEXTS = st.lists(TEXT, max_size=3)


@st.composite
def books(draw) -> Book:
    texts = TEXTS.map(lambda found: [" ".join(text.split()) for text in found if text.isprintable()])
    rule = st.fixed_dictionaries(
        {
            "enabled": st.booleans(),
            "users": texts,
            "groups": texts,
            "numbers": texts,
            "calls": st.lists(st.sampled_from(["incoming", "outgoing", "internal", "external"]), max_size=2),
            "devices": st.lists(st.sampled_from([OFFICE, BRANCH]), max_size=2),
            "treatment": st.sampled_from(["record", "leave_out", "mandatory", "on_demand"]),
        }
    )
    return book_of(*draw(st.lists(rule, max_size=6)))


@given(books(), TEXTS, st.sampled_from(list(Direction)), st.sampled_from([OFFICE, BRANCH]))
def test_the_answer_and_its_explanation_always_agree(book, texts, direction, device):
    outline = call(direction=direction, caller=(texts or [""])[0], users=tuple(texts), groups=tuple(texts[1:]))
    rulebook = Rulebook(book)
    judged = rulebook.judge(outline, device)
    assert rulebook.decide(outline, device, Shares()).rule == (judged.rule.name if judged.rule else "")
    above = book.rules[: book.rules.index(judged.rule)] if judged.rule else book.rules
    assert [miss.rule for miss in judged.misses] == list(above)
    assert all(miss.aspects for miss in judged.misses)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", "  "),
        ("name", "x" * 101),
        ("name", "a\x00b"),
        ("longest_s", 18_001),
        ("longest_s", 0),
        ("share_percent", 0),
        ("share_percent", 101),
        ("share_percent", "many"),
        ("numbers", ["1"] * 201),
        ("treatment", "busy"),
        ("users", ["x" * 101]),
    ],
)
def test_what_makes_no_rule_is_refused_by_its_field(field, value):
    with pytest.raises(EntryRefused) as refused:
        parse(Rule, {"name": "Sales", field: value})
    assert {name.split(".")[0] for name in refused.value.by_field} == {field}
