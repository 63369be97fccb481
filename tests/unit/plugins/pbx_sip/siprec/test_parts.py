"""Several calls that come at the same time in one recording session."""

import pytest

from hub.sdk import Absence
from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.calls.parts import split_dialog
from plugins.pbx_sip.drafts.absence import describe_absence
from plugins.pbx_sip.drafts.draft import make_draft
from tests.doubles import audio
from tests.unit.plugins.pbx_sip.siprec.forking import Fork, observe, tones_of

PEOPLE = {"a": "2001", "b": "+43111111", "c": "2002", "d": "+43222222"}
TONES = (400.0, 600.0, 900.0, 1200.0)
FIRST, SECOND = "Zmlyc3Qtc2Vzc2lvbg==", "c2Vjb25kLXNlc3Npb24="
IDS = {FIRST: "11" * 16, SECOND: "22" * 16}


def told(people=PEOPLE, session_of=None, sessions=(FIRST, SECOND), mode="complete", stopped=()):
    """Metadata in which each participant sends one stream, two of them in each session."""
    session_of = session_of or {who: sessions["ab".find(who) < 0] for who in people}
    stops = dict.fromkeys(stopped, "<stop-time>2026-11-22T10:00:00Z</stop-time>")
    said = "".join(
        f'<session session_id="{each}"><sipSessionID>{IDS[each]};remote={"0" * 32}</sipSessionID>{stops.get(each, "")}'
        "</session>"
        for each in sessions
    )
    for place, (who, number) in enumerate(people.items(), start=1):
        said += (
            f'<participant participant_id="{who}"><nameID aor="sip:{number}@x"/></participant>'
            f'<stream stream_id="s{who}" session_id="{session_of[who]}"><label>{place}</label></stream>'
            f'<participantsessionassoc participant_id="{who}" session_id="{session_of[who]}"/>'
            f'<participantstreamassoc participant_id="{who}"><send>s{who}</send></participantstreamassoc>'
        )
    return f"<recording><datamode>{mode}</datamode>{said}</recording>"


def fork(metadata, tones_hz=TONES):
    return Fork(
        call_id="x",
        tones_hz=tones_hz,
        labels=("1", "2", "3", "4"),
        metadata=metadata,
        contact="<sip:sbc@192.0.2.20>;+sip.src",
    )


@pytest.fixture
def recordings_of(tmp_path):
    def make(*frames):
        found = []
        for call in observe(tmp_path / "seen.pcap", *frames):
            draft = make_draft(call, NumberPlan(), tmp_path / "call.wav", "test")
            found.append((draft, tones_of(audio.decoded((tmp_path / "call.wav").read_bytes())[0])))
        return found

    return make


def test_each_is_a_recording_of_its_own(recordings_of):
    drafts = recordings_of(fork(told()).frames())
    assert [
        ([(party.number, party.channel) for party in draft.parties], heard, draft.call_id, draft.fields["session_id"])
        for draft, heard in drafts
    ] == [
        ([("2001", 0), ("+43111111", 1)], [[400], [600]], IDS[FIRST], FIRST),
        ([("2002", 0), ("+43222222", 1)], [[900], [1200]], IDS[SECOND], SECOND),
    ]
    first, second = (draft for draft, _ in drafts)
    assert first.origin_id != second.origin_id
    assert first.fields["sip_call_id"] == second.fields["sip_call_id"] == "x"
    assert "other_call_ids" not in first.fields
    assert set(first.call_keys).isdisjoint(second.call_keys)


def test_one_that_begins_later_in_the_same_session_is_a_recording_of_its_own(recordings_of):
    alone = told({who: PEOPLE[who] for who in "ab"}, sessions=(FIRST,), session_of=dict.fromkeys("ab", FIRST))
    call = fork(alone)
    drafts = recordings_of(call.frames(), call.again(0.5, method="UPDATE", metadata=told()))
    assert [heard for _, heard in drafts] == [[[400], [600]], [[900], [1200]]]


@pytest.mark.parametrize(
    "metadata",
    [
        told({**PEOPLE, "c": "2001"}),
        told(stopped=(FIRST,)),
        told(session_of=dict.fromkeys(PEOPLE, FIRST)),
        told(sessions=(FIRST, SECOND)).replace("participantsessionassoc", "x").replace(f'session_id="{SECOND}"><label', "><label"),
    ],
    ids=["somebody in both", "one after the other", "all in one", "not told who is in which"],
)  # fmt: skip
def test_what_has_something_in_common_or_is_not_told_apart_is_one_recording(recordings_of, metadata):
    [(draft, heard)] = recordings_of(fork(metadata).frames())
    assert {pitch for channel in heard for pitch in channel} == {400, 600, 900, 1200}
    assert len(draft.parties) >= 3


def test_each_is_accounted_for_where_none_is_recorded(tmp_path):
    [call, _] = observe(tmp_path / "seen.pcap", fork(told()).frames())
    [dialog] = {id(hop): hop for hop in call.hops}.values()
    rows = [describe_absence(each, NumberPlan(), Absence.LEFT_OUT, "A rule") for each in split_dialog(dialog)]
    assert [[party.number for party in row.parties] for row in rows] == [["2001", "+43111111"], ["2002", "+43222222"]]
    assert len({row.absence_id for row in rows}) == 2
