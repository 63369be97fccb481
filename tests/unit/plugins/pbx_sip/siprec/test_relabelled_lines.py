"""Media lines that get another label in the middle of a recording session: each party has what was said under its own."""

from dataclasses import replace

import pytest

from hub.sdk import EventKind
from tests.unit.plugins.pbx_sip.siprec.labelled import ADA, BEN, EVA, metadata, record, session


@pytest.fixture
def recorded(tmp_path):
    def make(*frames):
        """Of those who have a number."""
        draft, heard = record(tmp_path, *frames)
        return draft, {number: sound for number, sound in heard.items() if number}

    return make


def test_who_comes_on_the_line_of_who_has_left_has_only_what_came_since(recorded):
    call = session()
    transfer = replace(call, labels=("4", "2")).again(3.1, "sendonly", metadata=metadata(BEN, EVA))
    draft, heard = recorded(call.frames(), transfer)
    assert heard == {"2001": ([400], []), "+43111": ([900], [900]), "2009": ([], [400])}
    assert not [each for each in draft.events if each.kind is EventKind.NOTE]


def test_labels_that_change_places_take_the_sound_of_their_parties_along(recorded):
    call = session()
    draft, heard = recorded(call.frames(), replace(call, labels=("2", "1")).again(3.1, "sendonly"))
    assert heard == {"2001": ([400], [900]), "+43111": ([900], [400])}
    assert (len(draft.parties), draft.mixed) == (2, False)


def test_a_label_that_comes_back_is_the_same_party_again(recorded):
    call = session()
    away = replace(call, labels=("4", "2")).again(1.0, "sendonly", metadata=metadata(BEN, EVA))
    back = call.again(3.1, "sendonly", number=8, metadata=metadata(ADA, BEN))
    _, heard = recorded(call.frames(), away, back)
    assert heard["2001"][1] == [400]
    assert heard["2009"] == ([400], [])


def test_a_description_that_leaves_out_the_labels_changes_none(recorded):
    call = session()
    draft, heard = recorded(call.frames(), replace(call, labels=()).again(3.1, "sendonly"))
    assert heard == {"2001": ([400], [400]), "+43111": ([900], [900])}
    assert len(draft.parties) == 2


def test_a_hold_ends_where_the_line_is_given_to_somebody_else_and_a_pause_of_all_lines_is_still_one(recorded):
    call = session()
    transfer = replace(call, labels=("4", "2"))
    draft, _ = recorded(
        call.frames(),
        call.again(1.1, "inactive", "sendonly"),
        transfer.again(2.1, "sendonly", number=8, metadata=metadata(BEN, EVA)),
        transfer.again(4.1, "inactive", number=9),
        transfer.again(5.1, "sendonly", number=10),
    )
    spans = {each.kind: (each.party, round(each.at_s), round(each.until_s)) for each in draft.events if each.until_s}
    assert spans == {EventKind.HOLD: ("2001", 1, 2), EventKind.PAUSE: ("", 4, 5)}


@pytest.mark.parametrize("labels", [("agent 1", "caller/2"), ("ä", "ö"), ("'1'", "2")])
def test_labels_that_are_no_tokens_name_their_parties_all_the_same(recorded, labels):
    people = (("p1", "2001", labels[0]), ("p2", "+43111", labels[1]))
    draft, heard = recorded(session(labels=labels, metadata=metadata(*people)).frames())
    assert heard == {"2001": ([400], [400]), "+43111": ([900], [900])}
    assert "metadata_problems" not in draft.fields


def test_who_was_away_for_a_while_leaves_and_joins_in_the_timeline(recorded):
    call = session()
    away = call.again(1.0, "sendonly", metadata=metadata(ADA))
    back = call.again(3.1, "sendonly", number=8, metadata=metadata(ADA, BEN))
    draft, _ = recorded(call.frames(), away, back)
    moves = [
        (each.kind, each.party, round(each.at_s))
        for each in draft.events
        if each.kind in {EventKind.JOIN, EventKind.LEAVE}
    ]
    assert moves == [(EventKind.LEAVE, "+43111", 1), (EventKind.JOIN, "+43111", 3)]
    assert [party.left_s for party in draft.parties] == [None, None]
