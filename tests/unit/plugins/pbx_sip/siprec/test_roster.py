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


DUMMY = "sip:ASBCE@asbce.com"
STANDS_IN = TOLD.replace("sip:{}@x", DUMMY)


def known_as(identity, *, label="2", stream="t2", mode="complete"):
    """The second party by its number, under an id."""
    told = TOLD.format(202).replace('"p2"', f'"{identity}"').replace("t2", stream)
    return told.replace("<label>2<", f"<label>{label}<").replace("complete", mode)


@pytest.mark.parametrize(
    "update",
    [
        known_as("p2"),
        known_as("p3"),
        known_as("p3", stream="t7"),
        known_as("p3", label="4"),
        known_as("p3", mode="partial"),
        STANDS_IN.replace("</recording>", "") + known_as("p3").removeprefix("<recording>"),
    ],
    ids=["same id", "another id", "another stream", "another label", "partial", "beside the placeholder"],
)
def test_who_gets_known_instead_of_a_placeholder_was_there_as_long_as_that(update):
    session = RecordingSession()
    for seconds, told in ((0, STANDS_IN), (2, update), (4, update)):
        session.update(told.encode(), received_at=NOW + timedelta(seconds=seconds), lines={0: "1", 1: "2"})
    facts = session.describe()
    [_, party] = [each for each in facts.parties if each.number]
    assert (party.number, party.joined_at, party.left_at, party.away) == ("202", NOW, None, ())
    assert "2" in party.labels
    assert next(sending.since for sending in party.sendings if sending.line == "2") == NOW
    assert (facts.mixed_labels, len(facts.parties)) == ((), 2)


def test_whoever_comes_on_another_line_is_not_who_a_placeholder_stood_for():
    other = known_as("p3", label="3", stream="t3")
    session = RecordingSession()
    for seconds, told in ((0, STANDS_IN), (2, other)):
        session.update(told.encode(), received_at=NOW + timedelta(seconds=seconds), lines={0: "1", 1: "2", 2: "3"})
    [party] = [each for each in session.describe().parties if each.number == "202"]
    assert party.joined_at == NOW + timedelta(seconds=2)


def test_only_the_first_on_a_line_is_who_a_placeholder_stood_for():
    unheard = TOLD.format(202).replace('<participantstreamassoc participant_id="p2"><send>t2</send>', "<x>")
    unheard = unheard.replace("<x></participantstreamassoc>", "")
    both = unheard.replace("</recording>", STANDS_IN.replace('"p2"', '"p9"').removeprefix("<recording>"))
    session = RecordingSession()
    for seconds, told in ((0, both), (2, known_as("p2")), (60, known_as("p5").replace("202", "404"))):
        session.update(told.encode(), received_at=NOW + timedelta(seconds=seconds), lines={0: "1", 1: "2"})
    joined = {each.number: each.joined_at for each in session.describe().parties}
    assert joined == {"201": NOW, "202": NOW, "404": NOW + timedelta(seconds=60)}


@pytest.mark.parametrize(
    ("said", "left_s"), [("16:25:40Z", 40), ("16:26:30Z", 60), ("16:20:00Z", 60)], ids=["said", "to come", "long ago"]
)
def test_who_is_not_named_any_more_left_at_the_time_that_is_said_of_it(said, left_s):
    left = (
        '<participantsessionassoc participant_id="p2" session_id="c">'
        f"<disassociate-time>2024-01-21T{said}</disassociate-time></participantsessionassoc></recording>"
    )
    session = RecordingSession()
    session.update(TOLD.format(202).encode(), received_at=NOW)
    session.update(WITHOUT.replace("</recording>", left).encode(), received_at=NOW + timedelta(seconds=60))
    [_, party] = session.describe().parties
    assert (party.number, party.left_at) == ("202", NOW + timedelta(seconds=left_s))
