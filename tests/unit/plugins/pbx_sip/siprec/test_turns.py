"""Parties that take over each other's streams in the metadata: each is heard in its own channel, as it is told when."""

from functools import partial

import pytest

from hub.sdk import EventKind
from tests.unit.plugins.pbx_sip.siprec.labelled import ADA, BEN, metadata, record, session

CROSSED = metadata((*ADA[:2], "2"), (*BEN[:2], "1"))
ONLY_LINKS = (
    "<recording><datamode>partial</datamode>"
    '<participantstreamassoc participant_id="p1"><send>s1</send></participantstreamassoc>'
    '<participantstreamassoc participant_id="p2"><send>s2</send></participantstreamassoc></recording>'
)


@pytest.fixture
def recorded(tmp_path):
    return partial(record, tmp_path)


@pytest.mark.parametrize("told", [metadata(ADA, BEN), ONLY_LINKS], ids=["complete", "partial"])
@pytest.mark.parametrize("labels", [("1", "2"), ()], ids=["labels", "order"])
def test_parties_that_exchange_their_streams_are_never_mixed(recorded, told, labels):
    call = session(metadata=CROSSED, labels=labels)
    draft, heard = recorded(call.frames(), call.again(3.1, method="UPDATE", metadata=told))
    assert heard == {"2001": ([900], [400]), "+43111": ([400], [900])}
    assert (draft.mixed, len(draft.media[0].channel_parties)) == (False, 2)


def test_who_moves_to_the_stream_of_who_left_keeps_the_channel(recorded):
    call = session()
    moved = metadata((*BEN[:2], "1"), ("p3", "2009", "2"))
    draft, heard = recorded(call.frames(), call.again(3.1, method="UPDATE", metadata=moved))
    assert heard == {"2001": ([400], []), "+43111": ([900], [400]), "2009": ([], [900])}
    assert not [each for each in draft.events if each.kind is EventKind.NOTE]


def test_labels_and_parties_that_change_places_together_leave_all_as_it_was(recorded):
    call = session()
    other = session(labels=("2", "1"), ports=call.ports)
    _, heard = recorded(call.frames(), other.again(3.1, "sendonly", metadata=CROSSED))
    assert heard == {"2001": ([400], [400]), "+43111": ([900], [900])}


def test_a_stream_that_one_party_has_after_the_other_stays_one_channel(recorded):
    call = session()
    draft, heard = recorded(
        call.frames(), call.again(3.1, method="UPDATE", metadata=metadata(BEN, ("p3", "2009", "1")))
    )
    assert heard == {"2001": ([400], [400]), "+43111": ([900], [900]), "2009": ([400], [400])}
    assert {each.number: each.channel for each in draft.parties} == {"2001": 0, "+43111": 1, "2009": 0}


def test_a_hold_after_an_exchange_is_that_of_who_has_the_line_then(recorded):
    call, other = session(metadata=CROSSED), metadata(ADA, BEN)
    draft, heard = recorded(
        call.frames(),
        call.again(3.1, method="UPDATE", metadata=other),
        call.again(4.1, "inactive", "sendonly", number=8, metadata=other),
        call.again(5.1, "sendonly", number=9, metadata=other),
    )
    holds = [(each.party, round(each.at_s), round(each.until_s)) for each in draft.events if each.until_s]
    assert (holds, heard["+43111"]) == ([("2001", 4, 5)], ([400], [900]))
