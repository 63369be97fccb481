"""Who was in a recorded call, where its client gives an id to somebody else."""

from datetime import UTC, datetime, timedelta

import pytest

from plugins.pbx_sip.siprec.session import RecordingSession

NOW = datetime(2024, 1, 21, 16, 25, tzinfo=UTC)
TOLD = """<recording><datamode>complete</datamode>
<participant participant_id="p1"><nameID aor="sip:201@x"/></participant>
<participant participant_id="p2"><nameID aor="sip:{}@x"/></participant>
<stream stream_id="t1"><label>1</label></stream><stream stream_id="t2"><label>2</label></stream>
<participantstreamassoc participant_id="p1"><send>t1</send></participantstreamassoc>
<participantstreamassoc participant_id="p2"><send>t2</send></participantstreamassoc></recording>"""


def parties(*numbers):
    """Who was there in the place of the second one, a minute after the other."""
    session = RecordingSession()
    for minute, number in enumerate(numbers):
        session.update(TOLD.format(number).encode(), received_at=NOW + minute * timedelta(minutes=1))
    facts = session.describe()
    assert facts.mixed_labels == ()
    return [(party.number, party.labels, party.left_at) for party in facts.parties]


def test_an_id_that_is_given_to_somebody_else_is_another_party_and_not_one_who_was_renamed():
    assert [number for number, _, _ in parties("202", "voicemail")] == ["201", "202", "voicemail"]
    left_at = [NOW + minute * timedelta(minutes=1) for minute in (1, 2)]
    assert parties("202", "303", "202") == [
        ("201", ("1",), None),
        ("202", ("2",), left_at[0]),
        ("303", ("2",), left_at[1]),
        ("202", ("2",), None),
    ]


@pytest.mark.parametrize("numbers", [("303", "+4930303"), ("+49301234567", "0301234567"), ("unknown", "303")])
def test_whoever_is_named_in_another_form_or_gets_known_stays_the_same(numbers):
    assert parties(*numbers) == [("201", ("1",), None), (numbers[1], ("2",), None)]


def test_whoever_hides_is_not_another_one():
    assert len(parties("303", "anonymous", "303")) == 2
