"""By what two devices know that they record the same call."""

import pytest

from plugins.pbx_sip.calls.dialog import Dialog
from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.calls.observer import Observer
from plugins.pbx_sip.calls.recorded import RecordedCall
from plugins.pbx_sip.drafts.draft import make_draft
from plugins.pbx_sip.drafts.keys import keys_of_call, keys_of_session
from plugins.pbx_sip.packets.files import open_capture
from plugins.pbx_sip.siprec.facts import CallFacts
from tests.doubles.shared_data import shared

ONE, OTHER, NOBODY = "ab30317f1a784dc48ff824d0d3715d86", "47755A9DE7794BA387653F2099600EF2", "0" * 32
PAIR = f"session-id:{OTHER.lower()},{ONE}"


def call_of(*hops: Dialog) -> RecordedCall:
    return RecordedCall(dialog=hops[0], hops=hops, began_ns=0, rate_hz=8000, law="PCMU", lanes=())


def test_a_call_on_the_wire_is_known_by_the_call_id_of_each_hop():
    call = call_of(Dialog(call_id="a@phone"), Dialog(call_id="b@proxy"), Dialog(call_id="a@phone"))
    assert keys_of_call(call) == ("sip:a@phone", "sip:b@proxy")


@pytest.mark.parametrize("value", [f"{ONE};remote={OTHER}", f"{OTHER}; remote={ONE}", f"{ONE};x=1;remote={OTHER};y=2"])
def test_the_session_id_is_the_same_whichever_end_says_it(value):
    call = call_of(Dialog(call_id="a", headers={"Session-ID": value, "Session-ID (called)": value}))
    assert keys_of_call(call) == ("sip:a", PAIR)


@pytest.mark.parametrize("value", [ONE, f"{ONE};remote={NOBODY}", f"{NOBODY};remote={OTHER}", "nonsense", ""])
def test_half_a_session_id_is_no_key_as_all_calls_of_a_conference_share_it(value):
    assert keys_of_call(call_of(Dialog(call_id="a", headers={"Session-ID": value}))) == ("sip:a",)
    facts = CallFacts(sip_session_ids=(value,), session_ids=("c2Vzc2lvbi1pZC0x",))
    assert PAIR not in keys_of_session(call_of(Dialog(call_id="a")), facts)


def test_a_recording_session_is_known_by_the_session_that_it_records():
    facts = CallFacts(session_ids=("Qs0duuHBEeahvOyezQV3BA==",), sip_session_ids=(f"{ONE};remote={OTHER}",))
    keys = keys_of_session(call_of(Dialog(call_id="of the recording session")), facts)
    assert keys == ("siprec:Qs0duuHBEeahvOyezQV3BA==", PAIR)


def test_a_call_id_in_the_place_of_a_session_id_meets_that_of_the_wire():
    facts = CallFacts(sip_session_ids=("2d8abbf0769c66e15bb349f509693d60@52.57.92.239",))
    session = keys_of_session(call_of(Dialog(call_id="rs")), facts)
    wire = keys_of_call(call_of(Dialog(call_id="2d8abbf0769c66e15bb349f509693d60@52.57.92.239")))
    assert session == wire


@pytest.mark.parametrize("session_id", ["1", "c2Vzc2lvbg==", "00FA0800705D4C5DCAAC41"])
def test_an_id_that_others_use_too_is_no_key(session_id):
    """Counters start anew, and a UCID is of all legs of a call."""
    keys = keys_of_session(call_of(Dialog(call_id="own")), CallFacts(session_ids=(session_id,)))
    assert keys == ("sip:own",)


def test_the_draft_of_a_captured_session_has_them(tmp_path):
    observer = Observer()
    with open_capture(shared("pcaps/siprec_two_oracle.pcapng")) as blocks:
        for block in blocks:
            observer.add(block)
    [call] = observer.take()
    draft = make_draft(call, NumberPlan(), tmp_path / "call.wav", "capture")
    assert "siprec:AavRXwIIQj1Q39eJulTipQ==" in draft.call_keys
    assert draft.longest_s
