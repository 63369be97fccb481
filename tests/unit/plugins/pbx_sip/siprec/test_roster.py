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


def presence(times):
    return (
        "<recording><datamode>partial</datamode>"
        f'<participantsessionassoc participant_id="p2" session_id="c">{times}</participantsessionassoc></recording>'
    )


WITHOUT = TOLD.replace('<participant participant_id="p2"><nameID aor="sip:{}@x"/></participant>', "").replace(
    '<participantstreamassoc participant_id="p2"><send>t2</send></participantstreamassoc>', ""
)
LEFT = presence("<disassociate-time>2024-01-21T16:26:00Z</disassociate-time>")
BACK = presence("<associate-time>2024-01-21T16:28:00Z</associate-time>")


@pytest.mark.parametrize("updates", [(LEFT, BACK), (WITHOUT, TOLD.format(202)), (LEFT, TOLD.format(202))])
def test_who_leaves_and_comes_back_is_one_party_that_was_away_for_a_while(updates):
    session = RecordingSession()
    for minutes, update in zip((0, 1, 3), (TOLD.format(202), *updates), strict=True):
        session.update(update.encode(), received_at=NOW + minutes * timedelta(minutes=1))
    [_, party] = session.describe().parties
    assert (party.number, party.labels, party.left_at) == ("202", ("2",), None)
    assert party.away == ((NOW + timedelta(minutes=1), NOW + timedelta(minutes=3)),)


def test_who_left_stays_away_although_the_time_of_coming_is_told_once_more():
    session = RecordingSession()
    came = "<associate-time>2024-01-21T16:25:00Z</associate-time>"
    for minutes, update in enumerate((TOLD.format(202), presence(came), LEFT, presence(came))):
        session.update(update.encode(), received_at=NOW + minutes * timedelta(minutes=1))
    assert session.describe().parties[1].left_at is not None


def test_whom_metadata_names_that_comes_late_was_there_from_the_beginning():
    session = RecordingSession()
    session.update(None, received_at=NOW, lines={0: "1", 1: "2"})
    session.update(TOLD.format(202).encode(), received_at=NOW + timedelta(seconds=40))
    assert [party.joined_at for party in session.describe().parties] == [NOW, NOW]
