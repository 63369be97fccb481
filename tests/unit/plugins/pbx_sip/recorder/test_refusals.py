"""Who and what is refused, in a way that lets a client turn to its next recorder for good reason only."""

from dataclasses import replace
from ipaddress import ip_network

import pytest

from plugins.pbx_sip.recorder.advice import Shortage, advise
from plugins.pbx_sip.recorder.complaints import Complaints
from plugins.pbx_sip.recorder.hooks import Refusal, Sign
from plugins.pbx_sip.recorder.terms import AllowList
from plugins.pbx_sip.sip.digest import answer_challenge
from plugins.pbx_sip.sip.errors import BadRequest
from plugins.pbx_sip.sip.link import Peer
from plugins.pbx_sip.sip.message import Request
from tests.doubles.source_context import until
from tests.unit.plugins.pbx_sip.recorder.recorder_doubles import (
    TWO,
    Caller,
    Owner,
    calling,
    make_terms,
    run,
    sdp,
    serving,
    without_headers,
)
from tests.unit.plugins.pbx_sip.sip.sip_doubles import make_request

NOBODY = AllowList(networks=(ip_network("192.0.2.0/24"),))


def test_strangers_are_refused_and_said_to_be_so_once() -> None:
    async def act() -> None:
        owner = Owner()
        async with serving(owner, make_terms(allowed=NOBODY)) as server, calling(server.ports[0]) as caller:
            for method in ("INVITE", "OPTIONS", "REGISTER", "BYE", "MESSAGE"):
                caller.call_id = f"x-{method}"
                assert (await caller.send(method)).status == 403
            assert owner.refusals == [("127.0.0.1", "403 Forbidden")]
            assert (owner.messages, owner.presences) == ([], [])

    run(act)


@pytest.mark.parametrize(
    ("offer", "status", "warning"),
    [
        (sdp("sendonly", codecs="127"), 488, "305"),
        ("v=0\r\nm=video 6000 RTP/AVP 96\r\n", 488, "304"),
        (sdp("sendonly").replace("RTP/AVP", "RTP/SAVP"), 488, "305"),
        ("v=0\r\nm=audio\r\n", 400, "399"),
    ],
)
def test_an_offer_of_which_nothing_can_be_recorded_is_refused_with_the_reason(
    offer: str, status: int, warning: str
) -> None:
    async def act() -> None:
        owner = Owner()
        async with serving(owner) as server, calling(server.ports[0]) as caller:
            answer = await caller.invite(offer)
            assert answer.status == status
            assert (answer.headers.get("Warning") or "").startswith(f"{warning} recording-hub ")
            assert (owner.messages, owner.lines, len(server)) == ([], {}, 0)
            assert warning in owner.refusals[0][1]
            await caller.anew().invite(TWO)
            assert (await caller.invite(offer)).status == status
            assert len(owner.lines) == 2
            assert owner.told[-2:] == ["<INVITE", f">{status} INVITE"]

    run(act)


@pytest.mark.parametrize("offer", ["v=0\r\n", sdp("label:1").replace("m=audio 6000", "m=audio 0")])
def test_a_call_that_has_no_media_yet_is_taken(offer: str) -> None:
    async def act() -> None:
        owner = Owner()
        async with serving(owner) as server, calling(server.ports[0]) as caller:
            assert (await caller.invite(offer)).status == 200
            assert owner.lines == {}
            assert (await caller.invite(TWO)).status == 200
            assert len(owner.lines) == 2

    run(act)


def test_bodies_and_extensions_that_nobody_knows_are_refused_by_their_own_status() -> None:
    async def act() -> None:
        async with serving(Owner()) as server, calling(server.ports[0]) as caller:
            strange = await caller.invite("abc", "Content-Type: application/strange")
            assert (strange.status, "application/sdp" in strange.tokens("Accept")) == (415, True)
            optional = "Content-Disposition: x;handling=optional"
            assert (await caller.anew().invite("abc", "Content-Type: application/strange", optional)).status == 200
            packed = await caller.anew().invite(TWO, "Content-Encoding: gzip")
            assert (packed.status, packed.headers.get("Accept-Encoding")) == (415, "identity")
            unknown = await caller.anew().invite(TWO, "Require: siprec, teleport")
            assert (unknown.status, unknown.headers.get("Unsupported")) == (420, "teleport")
            assert (await caller.anew().invite(TWO, "Require: 100rel, timer")).status == 200
            short = await caller.anew().invite(TWO, "Session-Expires: 30", "Supported: timer")
            assert (short.status, short.number("Min-SE")) == (422, 90)
            nothing = await caller.anew().send("MESSAGE")
            assert (nothing.status, "UPDATE" in nothing.tokens("Allow")) == (405, True)

    run(act)


def test_one_call_that_comes_on_two_ways_is_taken_once() -> None:
    async def act() -> None:
        owner = Owner()
        async with serving(owner) as server, calling(server.ports[0]) as caller:
            await caller.invite(TWO)
            caller.to_tag = ""
            assert (await caller.invite(TWO, number=1)).status == 482
            assert (len(owner.lines), owner.refusals) == (2, [])

    run(act)


def test_dialogs_that_are_unknown_do_not_exist() -> None:
    async def act() -> None:
        async with serving(Owner()) as server, calling(server.ports[0]) as caller:
            await caller.invite(TWO)
            caller.to_tag = "other"
            for method in ("INVITE", "UPDATE", "BYE", "INFO", "OPTIONS"):
                assert (await caller.send(method)).status == 481, method
            assert len(server) == 1

    run(act)


def test_a_full_or_closing_recorder_sends_new_calls_elsewhere_and_keeps_those_that_stand() -> None:
    async def act() -> None:
        owner = Owner()
        terms = make_terms(calls_per_host_max=1)
        async with serving(owner, terms) as server, calling(server.ports[0]) as caller, calling(server.ports[0]) as new:
            await caller.invite(TWO)
            assert (await new.invite(TWO)).status == 503
            owner.refusal = Refusal(reason="The Disk Is Full", retry_after_s=7)
            full = await new.anew().invite(TWO)
            assert (full.status, full.reason, full.number("Retry-After")) == (503, "The Disk Is Full", 7)
            owner.refusal = None
            await server.drain()
            assert server.is_draining
            for method in ("INVITE", "OPTIONS"):
                new.anew().call_id = f"too late for {method}"
                assert (await new.send(method)).headers.get("Retry-After") == "30"
            assert (await caller.invite(TWO)).status == 200
            assert (await caller.send("OPTIONS")).status == 200
            assert (await caller.send("BYE")).status == 200
            assert len(owner.refusals) == 3

    run(act)


async def prove(caller: Caller, request: Request, user: str, secret: str) -> int:
    """The status once the challenge to a request is answered."""
    challenged = await caller.ask(request)
    assert challenged.status == 401
    name, value = answer_challenge(challenged, request, user, secret)
    caller.number += 1
    bare = without_headers(without_headers(request, "CSeq"), "Via")
    via = (request.headers.get("Via") or "").replace("branch=", "branch=z9hG4bKagain")
    cseq = ("CSeq", f"{caller.number} {request.method}")
    answer = await caller.ask(replace(request, headers=bare.headers.added(("Via", via), cseq, (name, value))))
    return answer.status


def test_a_stranger_that_knows_a_secret_is_let_in_and_a_wrong_one_is_told_of() -> None:
    async def act() -> None:
        owner = Owner()
        terms = make_terms(allowed=NOBODY, secrets={"pbx": "sesame"})
        async with serving(owner, terms) as server, calling(server.ports[0]) as caller:
            caller.call_id = "secret-1"
            invite = caller.make("INVITE", "Content-Type: application/sdp", body=TWO)
            assert await prove(caller, invite, "pbx", "wrong") == 401
            assert owner.refusals == [("127.0.0.1", "401 the secret is wrong")]
            assert await prove(caller, caller.make("INVITE", body=TWO), "pbx", "sesame") == 200
            caller.to_tag = caller.responses[-1].to.tag
            assert (await caller.send("BYE")).status == 200
            assert owner.errors == []

    run(act)


def register(caller: Caller, user: str, *lines: str) -> Request:
    request = caller.make("REGISTER", *lines)
    return replace(request, headers=request.headers.replaced("To", f"<sip:{user}@here>"))


def test_a_telephone_system_that_registers_by_its_serial_number_is_there_and_may_call() -> None:
    async def act() -> None:
        owner = Owner()
        terms = make_terms(allowed=NOBODY, secrets={"F18": "sesame", "other": "x"}, serial_number="F18")
        async with serving(owner, terms) as server, calling(server.ports[0]) as caller:
            caller.call_id = "register-1"
            assert await prove(caller, register(caller, "other"), "other", "x") == 403
            assert await prove(caller, register(caller, "F18"), "other", "x") == 403
            assert (await caller.anew().invite(TWO)).status == 401
            caller.call_id = "register-1"
            assert await prove(caller, register(caller, "F18", "Expires: 30"), "F18", "sesame") == 423
            assert caller.responses[-1].number("Min-Expires") == 60
            assert await prove(caller, register(caller, "F18", "Expires: 99999"), "F18", "sesame") == 200
            assert "expires=3600" in (caller.responses[-1].headers.get("Contact") or "")
            for odd in ("99999999999", "soon"):  # RFC 3261 section 20.19: as if nothing was asked for
                assert await prove(caller, register(caller, "F18", f"Expires: {odd}"), "F18", "sesame") == 200
                assert "expires=3600" in (caller.responses[-1].headers.get("Contact") or "")
            presence = owner.presences[-1]
            assert (presence.sign, presence.user, presence.expires_s) == (Sign.REGISTERED, "F18", 3600)
            assert (await caller.anew().invite(TWO)).status == 200
            caller.anew().call_id = "register-1"
            caller.number = 90
            star = without_headers(register(caller, "F18", "Expires: 0"), "Contact")
            star = replace(star, headers=star.headers.added(("Contact", "*")))
            assert await prove(caller, star, "F18", "sesame") == 200
            assert (owner.presences[-1].sign, owner.presences[-1].expires_s) == (Sign.UNREGISTERED, 0)
            assert (await caller.anew().invite(TWO)).status == 401

    run(act)


def test_a_stranger_that_never_answers_the_question_for_the_secret_is_told_of() -> None:
    async def act() -> None:
        owner = Owner()
        terms = make_terms(allowed=NOBODY, secrets={"pbx": "sesame"})
        async with serving(owner, terms) as server, calling(server.ports[0]) as caller:
            for _ in range(3):
                assert (await caller.anew().invite(TWO)).status == 401
            assert owner.refusals == []
            await until(lambda: owner.refusals)
            assert owner.refusals == [("127.0.0.1", "401 it gave no secret when it was asked for one")]
            assert "Telephone systems" in owner.advice[0]
            assert "Secret" in owner.advice[0]
            assert owner.lost == []

    run(act)


def test_questions_that_are_answered_in_the_end_are_no_refusals() -> None:
    owner, later = Owner(), []
    complaints = Complaints(owner, call_later=lambda _, act: later.append(act))  # type: ignore[arg-type,return-value]
    peer, asked = Peer("UDP", "192.0.2.1", 5060), BadRequest(401, "Unauthorized", make_request())
    for _ in range(5):
        complaints.note(asked, peer)
    complaints.forgive(peer.host)
    for act in later:
        act()
    assert (len(later), owner.refusals) == (1, [])
    answer = make_request().headers.added(("Authorization", "Digest"))
    stale = (("WWW-Authenticate", 'Digest nonce="n", stale=true'),)
    complaints.note(BadRequest(401, "Unauthorized", replace(make_request(), headers=answer), stale), peer)
    assert owner.refusals == []
    complaints.note(BadRequest(401, "Unauthorized", replace(make_request(), headers=answer)), peer)
    assert owner.refusals == [("192.0.2.1", "401 the secret is wrong")]


@pytest.mark.parametrize(
    ("answer", "named"),
    [('algorithm="MD5-sess"', "algorithm MD5-sess"), ("qop=auth-int", "qop auth-int"), ("algorithm=MD5", "")],
)
def test_a_way_of_proving_the_secret_that_is_not_supported_is_named_with_those_that_are(
    answer: str, named: str
) -> None:
    owner = Owner()
    given = f'Digest username="pbx", realm="recording-hub", nonce="n", uri="sip:r", response="0", {answer}'
    request = make_request()
    request = replace(request, headers=request.headers.added(("Authorization", given)))
    Complaints(owner).note(BadRequest(401, "Unauthorized", request), Peer("UDP", "192.0.2.1", 5060))
    why = f"it proves the secret by {named}, which is not supported: let it use SHA-256 or MD5, qop auth"
    assert owner.refusals == [("192.0.2.1", f"401 {why if named else 'the secret is wrong'}")]


def test_calls_of_known_clients_that_are_refused_are_lost_and_those_of_strangers_are_not() -> None:
    async def act() -> None:
        owner = Owner()
        terms = make_terms(calls_max=1)
        async with serving(owner, terms) as server, calling(server.ports[0]) as caller:
            await caller.invite(TWO)
            assert (await caller.invite(sdp("sendonly", codecs="127"))).status == 488
            assert owner.lost == []
            lost = []
            for offer, lines, status in (
                (TWO, (), 503),
                (TWO, ("Require: teleport",), 420),
                ("abc", ("Content-Type: application/strange",), 503),
            ):
                assert (await caller.anew().invite(offer, *lines)).status == status
                lost.append((status, caller.call_id))
            owner.is_broken = True
            assert (await caller.anew().invite(TWO, "Session-Expires: 30", "Supported: timer")).status == 503
            assert owner.lost[:-1] == lost
        async with serving(owner, make_terms(allowed=NOBODY)) as server, calling(server.ports[0]) as caller:
            told = len(owner.lost)
            assert (await caller.invite(TWO)).status == 403
            assert (await caller.anew().invite(TWO, "Require: teleport")).status == 420
            assert len(owner.lost) == told

    run(act)


def test_a_fault_of_ours_loses_the_call_with_a_word() -> None:
    async def act() -> None:
        owner = Owner()
        async with serving(owner) as server, calling(server.ports[0]) as caller:
            owner.is_broken = True
            assert (await caller.invite(TWO)).status == 500
            assert owner.lost == [(500, caller.call_id)]
            assert "log" in owner.advice[0]

    run(act)


@pytest.mark.parametrize(
    ("status", "reason", "words"),
    [
        (403, "Forbidden", "Telephone systems"),
        (503, Shortage.CALLS, "Calls at the same time"),
        (503, Shortage.PORTS, "media ports"),
        (503, Shortage.DISK, "Free some space"),
        (415, "Unsupported Media Type", "multipart"),
        (488, "Not Acceptable Here", "G.711"),
        (420, "Bad Extension", "Switch off"),
        (400, "Bad Request", "does not follow SIP"),
    ],
)
def test_each_refusal_has_its_own_way_out(status: int, reason: str, words: str) -> None:
    assert words in advise(BadRequest(status, reason, make_request()))


def test_without_secrets_those_on_the_list_may_register() -> None:
    async def act() -> None:
        owner = Owner()
        async with serving(owner) as server, calling(server.ports[0]) as caller:
            caller.call_id = "register-2"
            assert (await caller.ask(register(caller, "pbx", "Expires: 60"))).status == 200
            old = register(caller, "pbx", "Expires: 60")
            old = replace(old, headers=old.headers.replaced("CSeq", "1 REGISTER"))
            assert (await caller.ask(old)).status == 500
            assert (await caller.ask(register(caller, "pbx", "Expires: 0"))).status == 200
            assert [each.sign for each in owner.presences] == [Sign.REGISTERED, Sign.UNREGISTERED]
            half = register(caller, "pbx", "Expires: 60", "Contact: *")
            assert (await caller.ask(half)).status == 400

    run(act)


def test_a_name_in_the_certificate_is_as_good_as_an_address() -> None:
    allowed = AllowList(networks=(ip_network("192.0.2.0/24"),), names=frozenset({"sbc.example.com"}))
    assert allowed.knows(Peer("TLS", "198.51.100.1", 5061, ("sbc.example.com",)))
    assert allowed.knows(Peer("UDP", "192.0.2.9", 5060))
    assert not allowed.knows(Peer("TLS", "198.51.100.1", 5061, ("other.example.com",)))
    assert not allowed.knows(Peer("UDP", "2001:db8::1", 5060))


def test_the_same_complaint_comes_again_after_a_minute() -> None:
    owner, now = Owner(), [0.0]
    complaints = Complaints(owner, lambda: now[0])
    refusal = BadRequest(403, "Forbidden", make_request())
    for at in (0.0, 30.0, 59.0, 61.0, 70.0, 200.0):
        now[0] = at
        complaints.note(refusal, Peer("UDP", "192.0.2.1", 5060))
    assert len(owner.refusals) == 3
    for host in range(3000):
        complaints.note(refusal, Peer("UDP", f"10.0.{host // 250}.{host % 250}", 5060))
    assert len(complaints._told) == 1000
