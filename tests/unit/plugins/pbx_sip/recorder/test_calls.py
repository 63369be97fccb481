"""Recording sessions as clients begin, change and end them."""

import re

from plugins.pbx_sip.recorder.hooks import Sign
from plugins.pbx_sip.sdp.description import Direction
from plugins.pbx_sip.sip.message import write_message
from tests.doubles.source_context import until
from tests.unit.plugins.pbx_sip.recorder.recorder_doubles import (
    TWO,
    Owner,
    calling,
    described,
    make_terms,
    own_ports,
    run,
    sdp,
    serving,
    told_of,
)

METADATA = '<?xml version="1.0"?><recording xmlns="urn:ietf:params:xml:ns:recording:1"><datamode>complete</datamode></recording>'


def multipart(*parts: tuple[str, str]) -> str:
    return "".join(f"--b\r\nContent-Type: {kind}\r\n\r\n{body}\r\n" for kind, body in parts) + "--b--\r\n"


def test_a_call_is_taken_told_and_ended() -> None:
    async def act() -> None:
        owner = Owner()
        async with serving(owner) as server, calling(server.ports[0]) as caller:
            answer = await caller.invite(TWO, "Require: siprec", "User-Agent: SBC/1")
            assert answer.status == 200
            assert told_of(answer) == [(True, "1", "recvonly"), (True, "2", "recvonly")]
            assert ";+sip.srs" in (answer.headers.get("Contact") or "")
            assert answer.tokens("Require") == ("siprec",)
            assert set(answer.tokens("Supported")) == {"siprec", "timer"}
            assert "application/rs-metadata+xml" in answer.tokens("Accept")
            ports = [media.port for media in described(answer).media]
            assert ports == sorted(owner.lines) == [40000, 40002]
            assert owner.sections() == [(0, "1", ("127.0.0.1",), True), (1, "2", ("127.0.0.1",), True)]
            assert (await caller.send("BYE")).status == 200
            assert (owner.lines, len(server)) == ({}, 0)
            assert owner.told == [
                "<INVITE",
                ">200 INVITE",
                "open 0",
                "open 1",
                "<BYE",
                ">200 BYE",
                "close 0",
                "close 1",
            ]
            assert [(each.sign, each.agent) for each in owner.presences] == [(Sign.CALL, "SBC/1")]
            assert owner.errors == []

    run(act)


def test_hold_codec_change_more_lines_and_moved_ports_are_answered_with_the_same_ports_of_ours() -> None:
    async def act() -> None:
        owner = Owner()
        async with serving(owner) as server, calling(server.ports[0]) as caller:
            first = described(await caller.invite(sdp("label:1 sendonly")))
            held = described(await caller.invite(sdp("label:1 inactive")))
            assert held.media[0].direction == Direction.INACTIVE
            assert owner.sections()[0][3] is False
            again = described(await caller.invite(sdp("label:1 sendonly", codecs="18")))
            assert [codec.name for codec in again.media[0].codecs] == ["G729"]
            more = described(await caller.invite(sdp("label:1 sendonly", "label:2 sendonly", host="127.0.0.9")))
            assert [line[:3] for line in owner.sections()] == [
                (0, "1", ("127.0.0.9", "127.0.0.1")),
                (1, "2", ("127.0.0.9", "127.0.0.1")),
            ]
            fewer = TWO.replace("m=audio 6000", "m=audio 0")
            last = described(await caller.invite(fewer))
            assert [media.is_rejected for media in last.media] == [True, False]
            assert [line[:2] for line in owner.sections()] == [(1, "2")]
            every = [first, held, again, more, last]
            assert {description.media[0].port for description in every[:-1]} == {first.media[0].port}
            assert [description.origin.version for description in every] == [1, 2, 3, 4, 5]
            assert len({description.origin.session_id for description in every}) == 1

    run(act)


def test_a_refresh_with_nothing_new_is_answered_with_the_very_same_description() -> None:
    async def act() -> None:
        async with serving(Owner()) as server, calling(server.ports[0]) as caller:
            offer = TWO + "m=video 7000 RTP/AVP 96\r\na=rtpmap:96 H264/90000\r\n"
            first = await caller.invite(offer)
            assert told_of(first)[2][0] is False
            assert (await caller.invite(offer)).body == first.body
            update = await caller.send("UPDATE", "Content-Type: application/sdp", body=offer)
            assert update.body == first.body

    run(act)


def test_keys_are_answered_and_stay_the_same_until_the_suite_changes() -> None:
    async def act() -> None:
        owner = Owner()
        async with serving(owner) as server, calling(server.ports[0]) as caller:

            def secure(suite: str, key: str) -> str:
                return sdp("label:1 sendonly").replace("RTP/AVP", "RTP/SAVP") + f"a=crypto:1 {suite} inline:{key}\r\n"

            usual = secure("AES_CM_128_HMAC_SHA1_80", "A" * 40)
            first = described(await caller.invite(usual)).media[0]
            again = described(await caller.invite(usual)).media[0]
            other = described(await caller.invite(secure("AEAD_AES_256_GCM", "A" * 59 + "="))).media[0]
            assert first.crypto == again.crypto
            assert other.crypto[0].suite.name == "AEAD_AES_256_GCM"
            assert [line.is_secure for line in owner.lines.values()] == [True]

    run(act)


def test_rtcp_goes_where_both_agree() -> None:
    async def act() -> None:
        owner = Owner()
        async with serving(owner) as server, calling(server.ports[0]) as caller:
            await caller.invite(sdp("rtcp-mux sendonly", "rtcp:7777 sendonly", "sendonly"))
            lines = sorted(owner.lines.values(), key=lambda line: line.section)
            assert [line.rtcp_port - line.rtp_port for line in lines] == [0, 1, 1]

    run(act)


def test_metadata_alone_is_acknowledged_however_it_is_wrapped_and_whatever_it_says() -> None:
    async def act() -> None:
        owner = Owner()
        async with serving(owner) as server, calling(server.ports[0]) as caller:
            both = multipart(("application/rs-metadata+xml", METADATA), ("application/sdp", TWO))
            kind = "Content-Type: multipart/mixed;boundary=b"
            assert told_of(await caller.invite(both, kind))[0][0]
            lines = dict(owner.lines)
            for kind, body in (
                ("multipart/mixed;boundary=b", multipart(("application/rs-metadata", METADATA))),
                ("application/rs-metadata", METADATA),
                ("application/rs-metadata+xml", "<no>xml"),
                ("multipart/mixed;boundary=other", "nothing of the kind"),
            ):
                answer = await caller.send("UPDATE", f"Content-Type: {kind}", body=body)
                assert (answer.status, answer.body) == (200, b"")
            assert owner.lines == lines
            assert owner.told.count("<UPDATE") == owner.told.count(">200 UPDATE") == 4

    run(act)


def test_without_an_offer_the_recorder_offers_and_the_acknowledgement_says_where_media_comes_from() -> None:
    async def act() -> None:
        owner = Owner()
        async with serving(owner) as server, calling(server.ports[0]) as caller:
            answer = await caller.invite("", acknowledge=False)
            assert told_of(answer) == [(True, "", "recvonly")]
            assert owner.sections() == [(0, "", ("127.0.0.1",), False)]
            caller.to_tag = answer.to.tag
            body = sdp("sendonly", host="127.0.0.7")
            ack = caller.make("ACK", "Content-Type: application/sdp", body=body, number=1)
            early = await caller.send("UPDATE", "Content-Type: application/sdp", body=TWO)
            assert early.status == 491
            caller.link.send(write_message(ack))
            await until(lambda: owner.sections() == [(0, "", ("127.0.0.7", "127.0.0.1"), True)])
            assert owner.told[-2:] == ["<ACK", "open 0"]
            wide = await caller.invite("", acknowledge=False)
            assert {"PCMU", "G729", "OPUS"} <= {codec.name for codec in described(wide).media[0].codecs}
            assert described(wide).media[0].port == described(answer).media[0].port

    run(act)


def test_a_client_that_names_two_parties_is_offered_two_lines() -> None:
    async def act() -> None:
        async with serving(Owner(), make_terms(offers_keys=True)) as server, calling(server.ports[0]) as caller:
            named = [f"X-Cisco-Recording-Participant: <sip:{n}@pbx>;media-index={n}" for n in (0, 1)]
            answer = described(await caller.invite("", *named))
            assert [(media.protocol, len(media.crypto)) for media in answer.media] == [("RTP/SAVP", 1)] * 2

    run(act)


def test_a_fork_without_siprec_is_recorded_like_any_other() -> None:
    async def act() -> None:
        owner = Owner()
        async with serving(owner) as server, calling(server.ports[0]) as caller:
            answer = await caller.invite(sdp("sendonly"))
            assert (answer.status, answer.tokens("Require")) == (200, ())

    run(act)


def test_a_client_that_begins_anew_under_the_same_name_gets_a_new_dialog() -> None:
    async def act() -> None:
        owner = Owner()
        async with serving(owner) as server, calling(server.ports[0]) as caller:
            first = await caller.invite(TWO)
            caller.to_tag = ""
            second = await caller.invite(TWO)
            assert first.to.tag != second.to.tag
            assert (len(server), len(owner.lines)) == (1, 2)
            assert (await caller.send("BYE")).status == 200
            assert owner.lines == {}
            assert {message.call_id for message in owner.messages} == {caller.call_id}

    run(act)


def test_two_dialogs_with_one_call_id_are_two_calls_that_go_on_and_end_each_for_itself() -> None:
    async def act() -> None:
        owner = Owner()
        async with serving(owner) as server, calling(server.ports[0]) as caller:
            tags = {}
            for tag in ("a1", "b2"):
                caller.to_tag = ""
                tags[tag] = (await caller.invite(TWO, tag=tag, acknowledge=False)).to.tag
                caller.to_tag = tags[tag]
                caller.link.send(write_message(caller.make("ACK", number=caller.number, tag=tag)))
            assert (len(server), len(owner.lines)) == (2, 4)
            names = [caller.call_id, f"{caller.call_id};to-tag={tags['b2']}"]
            assert {line.call_id for line in owner.lines.values()} == set(names)
            caller.to_tag = tags["a1"]
            assert (await caller.invite(TWO.replace("sendonly", "inactive"), tag="a1", acknowledge=False)).status == 200
            assert [line.call_id for line in owner.lines.values() if line.is_sending] == names[1:] * 2
            assert (await caller.send("BYE", tag="b2")).status == 481
            assert (await caller.send("BYE", tag="a1")).status == 200
            assert {line.call_id for line in owner.lines.values()} == {names[1]}
            caller.to_tag = tags["b2"]
            await server.set_paused(names[1], paused=True)
            assert not any(line.is_sending for line in owner.lines.values())
            assert (await caller.send("BYE", tag="b2")).status == 200
            assert owner.lines == {}
            caller.to_tag = ""
            third = await caller.invite(TWO, tag="a1")
            assert {line.call_id for line in owner.lines.values()} == {f"{caller.call_id};to-tag={third.to.tag}"}
            told = [message.call_id for message in owner.messages]
            assert (told.count(names[0]), told.count(names[1])) == (6, 6)

    run(act)


def test_a_line_in_an_unknown_place_is_taken_from_where_its_signalling_comes() -> None:
    async def act() -> None:
        owner = Owner()
        terms = make_terms(media_hosts=("192.0.2.50",))
        async with serving(owner, terms) as server, calling(server.ports[0]) as caller:
            for host in ("0.0.0.0", "media.example.com"):
                await caller.anew().invite(sdp("sendonly", host=host))
            assert {line.peers for line in owner.lines.values()} == {("127.0.0.1", "192.0.2.50")}
            owner.lines.clear()
            await caller.anew().invite(sdp("sendonly", host="192.0.2.7"))
            assert {line.peers for line in owner.lines.values()} == {("192.0.2.7", "127.0.0.1")}

    run(act)


def test_what_comes_again_is_answered_again_and_told_once() -> None:
    async def act() -> None:
        owner = Owner()
        async with serving(owner) as server, calling(server.ports[0]) as caller:
            await caller.invite(TWO)
            for _ in range(3):
                answer = await caller.send(
                    "INFO", "Content-Type: application/dtmf", body="5", number=2, branch="z9hG4bKx"
                )
                assert answer.status == 200
            assert owner.told.count("<INFO") == 1

    run(act)


def test_key_presses_and_pings_inside_a_call_are_welcome() -> None:
    async def act() -> None:
        owner = Owner()
        async with serving(owner) as server, calling(server.ports[0]) as caller:
            await caller.invite(TWO)
            assert (await caller.send("OPTIONS")).status == 200
            assert (await caller.send("INFO")).status == 200
            assert (await caller.send("REFER")).status == 405
            assert [each for each in owner.told if "OPTIONS" in each or "REFER" in each] == []
            assert [each.sign for each in owner.presences] == [Sign.CALL, Sign.PING]

    run(act)


def test_ports_of_a_call_that_came_to_nothing_are_free_again() -> None:
    async def act() -> None:
        owner = Owner()
        terms = make_terms(ports=own_ports(40000, 40003))
        async with serving(owner, terms) as server, calling(server.ports[0]) as caller:
            three = await caller.invite(sdp("sendonly", "sendonly", "sendonly"))
            assert (three.status, bool(three.headers.get("Retry-After"))) == (503, True)
            owner.is_broken = True
            assert (await caller.anew().invite(TWO)).status == 500
            owner.is_broken = False
            assert (await caller.anew().invite(TWO)).status == 200
            owner.is_broken = True
            assert (await caller.invite(TWO)).status == 500
            assert [str(error) for error in owner.errors] == ["the disk is full"] * 2

    run(act)


def test_what_is_told_reads_as_it_was_sent() -> None:
    async def act() -> None:
        owner = Owner()
        async with serving(owner) as server, calling(server.ports[0]) as caller:
            answer = await caller.invite(TWO)
            asked, answered = owner.messages
            assert b"X" not in answered.content[:3]
            assert answered.content == write_message(answer)
            assert asked.content.endswith(TWO.encode())
            assert re.search(rb"Via: .*received=127\.0\.0\.1", asked.content)
            assert {message.call_id for message in owner.messages} == {caller.call_id}
            assert asked.peer.port == caller.port

    run(act)
