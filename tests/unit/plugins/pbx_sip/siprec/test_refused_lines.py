"""Lines of a recording session that the recorder refuses, as nobody could decode them: the recording says so."""

from dataclasses import replace

import pytest

from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.drafts.draft import make_draft
from tests.unit.plugins.pbx_sip.siprec.forking import observe
from tests.unit.plugins.pbx_sip.siprec.labelled import session

EVS = "What this party sent is in EVS, which cannot be decoded"


@pytest.fixture
def notes_of(tmp_path):
    def find(*frames):
        """(party, whole second, text) of each note on the only call in these frames."""
        [call] = observe(tmp_path / "seen.pcap", *frames)
        draft = make_draft(call, NumberPlan(), tmp_path / "call.wav", "test")
        return [(each.party, round(each.at_s), each.text) for each in draft.events if each.text]

    return find


def test_who_is_on_a_refused_line_was_not_heard_for_its_coding(notes_of):
    assert notes_of(session(unknown=(1,), tones_hz=(400, 0)).frames()) == [("+43111", 0, EVS)]


def test_a_line_that_is_refused_in_the_middle_is_told_of_from_then_on(notes_of):
    call = session()
    refused = replace(call, unknown=(1,))
    frames = (refused.again(2.1, "sendonly"), refused.again(3.1, "sendonly", number=8))
    assert notes_of(call.frames(), *frames) == [("+43111", 2, EVS)]


def test_a_line_that_is_taken_again_may_be_refused_again(notes_of):
    call = session()
    refused = replace(call, unknown=(1,))
    frames = (
        refused.again(2.1, "sendonly"),
        call.again(3.1, "sendonly", number=8),
        refused.again(4.1, "sendonly", number=9),
    )
    assert notes_of(call.frames(), *frames) == [("+43111", 2, EVS), ("+43111", 4, EVS)]


def test_who_is_silent_on_a_line_that_was_taken_has_the_note_of_before(notes_of):
    assert notes_of(session(tones_hz=(400, 0)).frames()) == [("+43111", 0, "Nothing was received of this party")]
