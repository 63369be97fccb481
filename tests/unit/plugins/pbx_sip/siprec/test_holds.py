"""Holds and pauses in recording sessions: what the lines do, and what the metadata says of it."""

from dataclasses import replace

import numpy as np
import pytest

from hub.sdk import EventKind
from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.drafts.draft import make_draft
from plugins.pbx_sip.drafts.terms import Terms
from tests.doubles import audio
from tests.unit.plugins.pbx_sip.siprec.forking import Fork, observe

S = 1_000_000_000
ADA, BEN = ("p1", "201", "s1"), ("p2", "+4366412345", "s2")


def metadata(*people: tuple[str, str, str], mode: str = "complete") -> str:
    """People with the streams that they send now, "" for none."""
    named = "".join(
        f'<participant participant_id="{one}"><nameID aor="sip:{number}@x"/></participant>' for one, number, _ in people
    )
    streams = "".join(
        f'<stream stream_id="s{label}" session_id="c"><label>{label}</label></stream>' for label in (1, 2)
    )
    links = "".join(
        f'<participantstreamassoc participant_id="{one}">{f"<send>{sent}</send>" if sent else ""}</participantstreamassoc>'
        for one, _, sent in people
    )
    return f'<recording xmlns="urn:ietf:params:xml:ns:recording:1"><datamode>{mode}</datamode><session session_id="c"/>{named}{streams}{links}</recording>'


BOTH, NOBODY = metadata(ADA, BEN), metadata((*ADA[:2], ""), (*BEN[:2], ""))


@pytest.fixture
def events_of(tmp_path):
    """(kind, party, from, until) of what happened in the only call that frames show, in whole seconds."""

    def find(*frames):
        [call] = observe(tmp_path / "seen.pcap", *frames)
        draft = make_draft(call, NumberPlan(), tmp_path / "call.wav", "test")
        return [
            (each.kind, each.party, round(each.at_s), each.until_s and round(each.until_s)) for each in draft.events
        ]

    return find


def session(**more) -> Fork:
    options = {
        "metadata": BOTH,
        "tones_hz": (400, 900),
        "labels": ("1", "2"),
        "contact": "<sip:sbc@192.0.2.20>;+sip.src",
    }
    return Fork(call_id="s", length_s=8.0, **options | more)


def test_one_line_that_stands_still_is_the_hold_of_its_party(events_of):
    call = session()
    frames = call.frames(), call.again(2.1, "sendonly", "inactive"), call.again(4.1, "sendonly", number=8)
    assert events_of(*frames) == [(EventKind.HOLD, "+4366412345", 2, 4)]


def test_all_lines_at_once_without_a_word_of_it_are_a_pause_of_the_client(events_of):
    call = session()
    assert events_of(call.frames(), call.again(2.1, "inactive"), call.again(4.1, "sendonly", number=8)) == [
        (EventKind.PAUSE, "", 2, 4)
    ]


@pytest.mark.parametrize(
    ("direction", "is_heard"), [("inactive", False), ("sendonly", True)], ids=["paused", "not paused"]
)
def test_what_a_client_sends_while_it_has_paused_is_not_in_the_recording(tmp_path, direction, is_heard):
    call = session()
    frames = call.frames(), call.again(2.1, direction), call.again(4.1, "sendonly", number=8)
    [found] = observe(tmp_path / "seen.pcap", *frames)
    make_draft(found, NumberPlan(), tmp_path / "call.wav", "test")
    samples, _ = audio.decoded((tmp_path / "call.wav").read_bytes())
    loud = [bool(np.abs(samples[round(at_s * 8000) :][:8000]).max() > 1000) for at_s in (0.5, 2.6, 5.0)]
    assert loud == [True, is_heard, True]


def test_all_lines_at_once_are_a_hold_where_the_metadata_has_nobody_send(events_of):
    call = session()
    frames = (
        call.frames(),
        call.again(2.1, "inactive", metadata=NOBODY),
        call.again(4.1, "sendonly", number=8, metadata=BOTH),
    )
    assert events_of(*frames) == [(EventKind.HOLD, "+4366412345", 2, 4), (EventKind.HOLD, "201", 2, 4)]


def test_metadata_that_follows_in_an_update_of_its_own_tells_the_same_hold(events_of):
    call = session()
    frames = (
        call.frames(),
        call.again(2.1, "inactive"),
        call.again(2.2, method="UPDATE", number=8, metadata=metadata((*BEN[:2], ""), mode="partial")),
        call.again(4.1, "sendonly", number=9),
        call.again(4.2, method="UPDATE", number=10, metadata=metadata(BEN, mode="partial")),
    )
    assert events_of(*frames) == [(EventKind.HOLD, "+4366412345", 2, 4), (EventKind.HOLD, "201", 2, 4)]


def test_a_hold_that_only_the_metadata_tells_lasts_to_the_end_if_nothing_ends_it(events_of):
    call = session()
    held = call.again(3.1, method="UPDATE", metadata=metadata((*BEN[:2], ""), mode="partial"))
    assert events_of(call.frames(), held) == [(EventKind.HOLD, "+4366412345", 3, 8)]


def test_parties_who_hold_one_another_in_turn_are_no_pause(events_of):
    call = session()
    frames = (
        call.frames(),
        call.again(2.1, "inactive", "sendonly"),
        call.again(3.1, "inactive", number=8),
        call.again(4.1, "sendonly", "inactive", number=9),
        call.again(6.1, "sendonly", number=10),
    )
    assert events_of(*frames) == [(EventKind.HOLD, "201", 2, 4), (EventKind.HOLD, "+4366412345", 3, 6)]


def test_a_line_that_was_given_back_does_not_count_among_all(events_of):
    call = session()
    fewer = replace(call, ports=(call.ports[0], 0, *call.ports[2:]))
    frames = call.frames(), fewer.again(2.1, "sendonly"), fewer.again(4.1, "inactive", number=8)
    assert (EventKind.PAUSE, "", 4, 8) in events_of(*frames)


@pytest.mark.parametrize("more", [{}, {"metadata": "", "contact": "<sip:pbx@192.0.2.20>"}], ids=["SIPREC", "fork"])
def test_a_client_that_obeys_when_it_is_asked_to_pause_adds_nothing(tmp_path, more):
    call = session(**more)
    frames = call.frames(), call.again(2.2, "inactive"), call.again(4.2, "sendonly", number=8)
    [recorded] = observe(tmp_path / "seen.pcap", *frames)
    paused = (recorded.began_ns + 2 * S, recorded.began_ns + 4 * S)
    draft = make_draft(recorded, NumberPlan(), tmp_path / "call.wav", "test", Terms(pauses=(paused,)))
    assert [(each.kind, each.at_s, each.until_s) for each in draft.events] == [(EventKind.PAUSE, 2.0, 4.0)]


def test_a_mixed_line_on_hold_is_told_by_who_was_held(events_of):
    both = metadata((*ADA[:2], "s1"), (*BEN[:2], "s1"))
    call = session(metadata=both, tones_hz=(400,), labels=("1",))
    held = metadata((*ADA[:2], "s1"), (*BEN[:2], ""))
    frames = (
        call.frames(),
        call.again(2.1, "inactive", metadata=held),
        call.again(4.1, "sendonly", number=8, metadata=both),
    )
    assert events_of(*frames) == [(EventKind.HOLD, "+4366412345", 2, 4)]
