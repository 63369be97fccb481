"""The people of a call in one line."""

from dataclasses import replace

from hub.sdk import Party, Role
from webui.parties import lanes_of, name_of, title_of


def test_an_arrow_is_shown_only_where_somebody_said_who_called():
    one, other = Party(number="201", name="Anna"), Party(number="202")
    assert title_of([one, other]) == "201 Anna · 202"
    assert title_of([replace(other, role=Role.CALLED), replace(one, role=Role.CALLER)]) == "201 Anna → 202"


def test_a_name_turns_nothing_that_stands_beside_it():
    assert name_of(Party(number="2001", name="\u202eevil\u2066")) == "2001 evil"


def test_a_name_from_right_to_left_stands_apart_and_no_other_is_changed():
    one, other = Party(number="+97235551234", name="\u05e9\u05dc\u05d5\u05dd"), Party(number="8014", name="Anna\u200f")
    assert title_of([one, other]) == "+97235551234 \u2068\u05e9\u05dc\u05d5\u05dd\u2069 · 8014 Anna"
    turned = replace(one, name="\u061c\u202b\u05e9", channel=0)
    assert [lane.label for lane in lanes_of([turned], 2)] == ["\u2068\u05e9\u2069", "Channel 2"]
