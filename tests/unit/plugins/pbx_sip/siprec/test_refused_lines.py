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


@pytest.mark.parametrize("is_in_place", [True, False])
def test_a_fax_that_the_recorder_declines_is_told_of_from_when_it_was_asked_for(notes_of, is_in_place):
    call = session()
    lines = ["m=image 40000 udptl t38"] if is_in_place else ["m=audio 0 RTP/AVP 0", "m=image 40000 udptl t38"]
    fax = "\r\n".join(["v=0", "o=- 1 2 IN IP4 192.0.2.20", "s=-", "c=IN IP4 192.0.2.20", "t=0 0", *lines, ""])
    asked = call.signal(2.1, call.message("INVITE", body=fax, number=7, tag=";tag=r"))
    refusal = call.message("INVITE", 488, number=7).replace("488 OK", "488 Not Acceptable Here")
    declined = call.signal(2.11, refusal, by_recorder=True)
    told = "A fax was sent here (T.38): it is no sound and is not recorded"
    assert notes_of(call.frames(), [asked, declined]) == [("", 2, told)]
