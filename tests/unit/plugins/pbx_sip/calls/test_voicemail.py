"""When a call was at voicemail, as its signalling or its recording session tells."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from plugins.pbx_sip.calls.dialog import Dialog
from plugins.pbx_sip.calls.numbers import NumberPlan
from plugins.pbx_sip.calls.signalling import Signalling
from plugins.pbx_sip.calls.voicemail import find_voicemails
from plugins.pbx_sip.packets.datagrams import Endpoints
from plugins.pbx_sip.siprec.facts import CallFacts, Party
from plugins.pbx_sip.siprec.session import RecordingSession
from tests.doubles.sip_text import request, response

S = 1_000_000_000
PLAN = NumberPlan(voicemail_numbers=("9000", "VoiceMail*"))
OUTSIDE = "+4930123456"


def spans_of(*messages, plan=PLAN):
    """Seconds; a message every two."""
    wire = Signalling(Endpoints())
    for at_s, message in zip(range(1, 100, 2), messages, strict=False):
        wire.add(message, at_s * S)
    found = find_voicemails(list(wire.dialogs.values()), plan)
    return [(since_ns // S, until_ns // S) for since_ns, until_ns in found]


def connected(who, number, **more):
    """Somebody else speaks for a side."""
    name = {"headers": f"P-Asserted-Identity: {who}", "tag": "b", "number": str(number)}
    return request("UPDATE", **name | {"by_called": "yes"} | more)


INVITE = request("INVITE", caller=OUTSIDE)


@pytest.mark.parametrize(
    ("invite", "answer"),
    [
        (INVITE, response("200 OK", caller=OUTSIDE, headers="P-Asserted-Identity: <sip:9000@pbx>")),
        (INVITE, response("200 OK", caller=OUTSIDE, headers='P-Asserted-Identity: "VoiceMail Pro" <sip:305@pbx>')),
        (
            INVITE,
            response(
                "200 OK", caller=OUTSIDE, headers="History-Info: <sip:305@pbx>;index=1, <sip:9000@pbx>;index=1.1;rc=1"
            ),
        ),
        (request("INVITE", caller=OUTSIDE, called="9000"), response("200 OK", caller=OUTSIDE, called="9000")),
        (
            request("INVITE", called="9000", headers="Diversion: <sip:305@pbx>;reason=no-answer"),
            response("200 OK", called="9000"),
        ),
        (request("INVITE"), response("200 OK", headers="P-Asserted-Identity: <sip:9000@pbx>")),
    ],
    ids=["asserted", "by name", "history of the answer", "called from outside", "diverted", "one of us, diverted"],
)
def test_a_call_that_voicemail_answers_was_there_from_its_beginning(invite, answer):
    assert spans_of(invite, answer) == [(1, 0)]


@pytest.mark.parametrize(
    ("invite", "answer"),
    [
        (INVITE, response("200 OK", caller=OUTSIDE, headers="P-Asserted-Identity: <sip:305@pbx>")),
        (
            request("INVITE", caller=OUTSIDE, called="9000"),
            response("200 OK", caller=OUTSIDE, called="9000", headers="P-Asserted-Identity: <sip:305@pbx>"),
        ),
        (request("INVITE", caller="9000"), response("200 OK", caller="9000")),
        (request("INVITE", caller="9000", called=OUTSIDE), response("200 OK", caller="9000", called=OUTSIDE)),
        (request("INVITE", called="9000"), response("200 OK", called="9000")),
        (request("INVITE", caller=OUTSIDE, called="90001"), response("200 OK", caller=OUTSIDE, called="90001")),
    ],
    ids=["answered", "answered by somebody else", "it calls back", "it calls out", "one of us dials it", "another"],
)
def test_a_call_with_a_person_a_call_back_and_whoever_fetches_messages_do_not_count(invite, answer):
    assert spans_of(invite, answer) == []


def test_where_the_invite_is_sent_counts_where_to_stays_as_it_was_dialled():
    invite = replace(request("INVITE", caller=OUTSIDE), uri="sip:9000@voicemail.example")
    assert spans_of(invite, response("200 OK", caller=OUTSIDE)) == [(1, 0)]


def test_who_is_connected_later_counts_and_a_person_after_that_ends_it():
    people = [connected(f"<sip:{who}@pbx>", place, caller=OUTSIDE) for place, who in enumerate(("9000", "306"), 2)]
    answered = response("200 OK", caller=OUTSIDE)
    assert spans_of(INVITE, answered, people[0]) == [(5, 0)]
    assert spans_of(INVITE, answered, *people) == [(5, 7)]


def test_an_outsider_who_was_called_may_be_sent_to_voicemail_by_the_caller():
    invite, answer = request("INVITE", called=OUTSIDE), response("200 OK", called=OUTSIDE)
    handed = connected('"Voicemail" <sip:77@pbx>', 2, called=OUTSIDE, by_called="")
    assert spans_of(invite, answer, handed) == [(5, 0)]


def test_whoever_was_sent_by_somebody_has_not_dialled_it_for_himself():
    refer = request("REFER", tag="b", by_called="yes", number="2", headers="Refer-To: <sip:9000@pbx>")
    leg = request("INVITE", "c2", called="9000", headers="Referred-By: <sip:305@pbx>")
    assert spans_of(
        request("INVITE"), response("200 OK"), refer, leg, response("200 OK", call_id="c2", called="9000")
    ) == [(7, 0)]


def test_any_hop_tells_and_what_was_dialled_is_on_the_first():
    first, second = request("INVITE"), request("INVITE", "c2", called="9000")
    answers = [response("200 OK", call_id="c2", called="9000"), response("200 OK")]
    assert spans_of(first, second, *answers) == [(3, 0)]
    bye = request("BYE", "c2", called="9000", tag="b", number="2")
    assert spans_of(first, second, *answers, bye) == [(3, 9)]


def test_without_numbers_of_the_voicemail_no_call_goes_there():
    called = {"caller": OUTSIDE, "called": "9000"}
    assert spans_of(request("INVITE", **called), response("200 OK", **called), plan=NumberPlan()) == []


def spans_of_session(*updates):
    """Seconds; updates: who is there, every two."""
    dialog = Dialog(call_id="c1", first_ns=S, session=RecordingSession())
    for at_s, numbers in zip(range(1, 100, 2), updates, strict=False):
        people = "".join(
            f'<participant participant_id="{each}"><nameID aor="sip:{each}@pbx"/></participant>' for each in numbers
        )
        told = f"<recording><datamode>complete</datamode>{people}</recording>"
        dialog.session.update(told.encode(), received_at=datetime.fromtimestamp(at_s, UTC))
    return [(since_ns // S, until_ns // S) for since_ns, until_ns in find_voicemails([dialog], PLAN)]


@pytest.mark.parametrize(
    ("updates", "spans"),
    [
        ([[OUTSIDE, "305"]], []),
        ([[OUTSIDE, "9000"]], [(1, 0)]),
        ([["9000", OUTSIDE]], [(1, 0)]),
        ([["anonymous", "9000"]], [(1, 0)]),
        ([[OUTSIDE], [OUTSIDE, "9000"]], [(1, 0)]),
        ([[OUTSIDE]] * 3 + [[OUTSIDE, "9000"]], [(7, 0)]),
        ([["201", "9000"]], []),
        ([["9000", "201"]], []),
        ([["9000"]], []),
        ([[OUTSIDE, "305"], [OUTSIDE, "9000"]], [(3, 0)]),
        ([["201", "305"], ["201", "9000"]], [(3, 0)]),
        ([[OUTSIDE, "305"], [OUTSIDE, "305", "9000"]], [(3, 0)]),
        ([[OUTSIDE, "305"], [OUTSIDE, "9000"], [OUTSIDE, "306"]], [(3, 5)]),
        ([[OUTSIDE, "9000"], [OUTSIDE, "306"]], [(1, 3)]),
        ([[OUTSIDE, "305"], [OUTSIDE, "9000"], [OUTSIDE, "9000", "306"]], [(3, 5)]),
        ([[OUTSIDE, "305"], [OUTSIDE, "9000"], [OUTSIDE, "306"], [OUTSIDE, "9000"]], [(3, 5), (7, 0)]),
    ],
)
def test_a_recording_session_tells_who_is_left_with_voicemail(updates, spans):
    assert spans_of_session(*updates) == spans


TIMES = st.none() | st.datetimes(datetime(2026, 1, 1), datetime(2026, 1, 2), timezones=st.just(UTC))  # noqa: DTZ001
PARTIES = st.builds(
    Party,
    number=st.sampled_from(["", "9000", "201", OUTSIDE, "anonymous"]),
    name=st.sampled_from(["", "VoiceMail", "Ana"]),
    joined_at=TIMES,
    left_at=TIMES,
)


@given(st.lists(PARTIES, max_size=6))
def test_whatever_a_session_says_spans_are_in_order_and_only_the_last_is_open(parties):
    session = RecordingSession.of(CallFacts(parties=tuple(parties)))
    spans = find_voicemails([Dialog(call_id="c1", first_ns=S, session=session)], PLAN)
    flat = [at_ns for span in spans for at_ns in span if at_ns]
    assert flat == sorted(flat)
    assert all(until_ns for _, until_ns in spans[:-1])


@pytest.mark.parametrize(
    ("entry", "number", "name", "fits"),
    [
        ("9000", "9000", "", True),
        ("9000", "90001", "", False),
        ("90??", "9017", "", True),
        ("+49 30 9000*", "+49309000123", "", True),
        ("VoiceMail*", "305", "Voicemail Pro", True),
        ("boîte vocale", "305", "BOITE  VOCALE", True),
        ("voicemail", "voicemail", "", True),
        ("?17", "*17", "", True),
        ("[0-9]1", "51", "", False),
        ("VoiceMail", "", "", False),
    ],
)
def test_voicemail_is_known_by_number_or_name_as_rules_know_people(entry, number, name, fits):
    assert NumberPlan(voicemail_numbers=(entry,)).is_voicemail(number, name) is fits
