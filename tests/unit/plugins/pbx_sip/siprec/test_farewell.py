"""A recorder that ends a session by itself: its recording says why."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.drafts.draft import make_draft
from plugins.pbx_sip.siprec.farewell import Farewell, read_reason, write_reason
from tests.unit.plugins.pbx_sip.siprec.forking import observe
from tests.unit.plugins.pbx_sip.siprec.labelled import session

BYE = (
    "BYE sip:sbc@192.0.2.20 SIP/2.0\r\nVia: SIP/2.0/UDP 192.0.2.90:5060;branch=z9hG4bKr\r\nFrom: <sip:rec@192.0.2.90>;tag=r\r\n"
    "To: <sip:201@pbx.example>;tag=c\r\nCall-ID: s\r\nCSeq: 1 BYE\r\n{reason}Content-Length: 0\r\n\r\n"
)


@pytest.mark.parametrize(
    ("reason", "texts"),
    [
        (
            write_reason(Farewell.NOT_REFRESHED),
            ["The recorder ended the recording session here, as its client had not refreshed it in time"],
        ),
        (write_reason('ruled "out"'), ['The recorder ended the recording session: ruled "out"']),
        ('SIP;text="', []),
        ("", []),
    ],
)
def test_a_recording_says_why_the_recorder_ended_it(tmp_path, reason, texts):
    call = session()
    until_ns, _ = call.signal(4.0, "")
    bye = call.signal(4.0, BYE.format(reason=f"Reason: {reason}\r\n" if reason else ""), by_recorder=True)
    [seen] = observe(tmp_path / "seen.pcap", [each for each in call.frames() if each[0] < until_ns], [bye])
    draft = make_draft(seen, NumberPlan(), tmp_path / "call.wav", "test")
    assert [each.text for each in draft.events if each.text] == texts
    assert [round(each.at_s) for each in draft.events if each.text] == [4 for _ in texts]


@given(st.text(max_size=200))
def test_what_is_written_is_read_again_and_nothing_else_fails(text):
    read_reason(text)
    assert read_reason(write_reason(text)) == text
