"""The people of a call in one line."""

from dataclasses import replace

from hub.sdk import Party, Role
from webui.parties import name_of, title_of


def test_an_arrow_is_shown_only_where_somebody_said_who_called():
    one, other = Party(number="201", name="Anna"), Party(number="202")
    assert title_of([one, other]) == "201 Anna · 202"
    assert title_of([replace(other, role=Role.CALLED), replace(one, role=Role.CALLER)]) == "201 Anna → 202"


def test_a_name_turns_nothing_that_stands_beside_it():
    assert name_of(Party(number="2001", name="\u202eevil\u2066")) == "2001 evil"
