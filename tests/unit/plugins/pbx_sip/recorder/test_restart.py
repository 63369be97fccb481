"""A recorder that dies and comes back knows its calls."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from plugins.pbx_sip.recorder.hooks import CallMessage
from plugins.pbx_sip.recorder.replay import Replay
from plugins.pbx_sip.recorder.server import SipServer
from plugins.pbx_sip.recorder.terms import ListenAt
from plugins.pbx_sip.sip.link import Peer
from plugins.pbx_sip.sip.message import write_message
from tests.doubles.source_context import until
from tests.unit.plugins.pbx_sip.recorder.recorder_doubles import (
    TWO,
    Caller,
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
from tests.unit.plugins.pbx_sip.sip.sip_doubles import Time


@dataclass(slots=True)
class Lives:
    """A recorder that can be killed; `after` is what the owner of the second life was told."""

    server: SipServer
    caller: Caller
    before: Owner
    after: Owner

    async def die(self, messages: int | None = None, **more: object) -> None:
        """Die, and come back on the same port with the messages told so far, or the first of them."""
        kept = self.before.messages if messages is None else self.before.messages[:messages]
        [port] = self.server.ports
        await self.server.close()
        listen = (ListenAt(transport="udp", address="127.0.0.1", port=port),)
        terms = make_terms(listen=listen, ports=own_ports(40000, 40019))
        self.server = SipServer(terms, self.after, **more)  # type: ignore[arg-type]
        self.server.restore(kept)
        await self.server.start()


def living(act: Callable[[Lives], Awaitable[None]]) -> None:
    async def live() -> None:
        before = Owner()
        async with serving(before) as server, calling(server.ports[0]) as caller:
            lives = Lives(server, caller, before, Owner())
            try:
                await act(lives)
            finally:
                await lives.server.close()
            assert (before.errors, lives.after.errors) == ([], [])

    run(live)


@pytest.mark.parametrize("method", ["BYE", "INVITE", "UPDATE", "OPTIONS", "INFO"])
def test_requests_in_a_dialog_of_the_former_life_are_answered_by_200(method: str) -> None:
    async def act(lives: Lives) -> None:
        await lives.caller.invite(TWO, "Record-Route: <sip:127.0.0.1:5090;lr>")
        open_before = dict(lives.before.lines)
        await lives.die()
        assert lives.after.lines == open_before
        answer = await (lives.caller.invite(TWO) if method == "INVITE" else lives.caller.send(method))
        assert answer.status == 200
        assert len(lives.server) == (0 if method == "BYE" else 1)

    living(act)


def test_two_dialogs_with_one_call_id_stand_again_each_for_itself() -> None:
    async def act(lives: Lives) -> None:
        caller, tags = lives.caller, {}
        for tag in ("a1", "b2"):
            caller.to_tag = ""
            tags[tag] = (await caller.invite(TWO, tag=tag, acknowledge=False)).to.tag
            caller.to_tag = tags[tag]
            caller.link.send(write_message(caller.make("ACK", number=caller.number, tag=tag)))
        open_before = dict(lives.before.lines)
        await lives.die()
        assert lives.after.lines == open_before
        for tag in ("b2", "a1"):
            caller.to_tag = tags[tag]
            assert (await caller.send("BYE", tag=tag)).status == 200
        assert lives.after.lines == {}
        caller.to_tag = ""
        assert (await caller.invite(TWO, tag="c3")).status == 200
        assert caller.call_id not in {line.call_id for line in lives.after.lines.values()}

    living(act)


def test_the_description_of_the_former_life_goes_on() -> None:
    async def act(lives: Lives) -> None:
        secure = sdp("label:1 sendonly", "label:2 sendonly").replace("RTP/AVP", "RTP/SAVP")
        secure = secure.replace("a=label", f"a=crypto:7 AEAD_AES_128_GCM inline:{'A' * 38}==\r\na=label")
        await lives.caller.invite(secure)
        video = secure + "m=video 7000 RTP/AVP 96\r\n"
        last = await lives.caller.invite(video)
        await lives.die()
        assert (await lives.caller.invite(video)).body == last.body
        held = described(await lives.caller.invite(secure.replace("sendonly", "inactive")))
        assert held.origin.version == described(last).origin.version + 1
        assert held.media[0].crypto == described(last).media[0].crypto
        assert [media.port for media in held.media] == [40000, 40002]
        other = described(await lives.caller.anew().invite(TWO))
        assert [media.port for media in other.media] == [40004, 40006]

    living(act)


def test_an_invite_whose_answer_was_lost_in_the_crash_is_answered_by_the_same() -> None:
    async def act(lives: Lives) -> None:
        lives.caller.call_id = "lost-1"
        invite = lives.caller.make("INVITE", "Supported: timer", "Content-Type: application/sdp", body=TWO)
        first = await lives.caller.ask(invite)
        await lives.die()
        again = await lives.caller.ask(invite)
        assert write_message(again) == write_message(first)
        assert (lives.after.told.count(">200 INVITE"), len(lives.server)) == (1, 1)
        lives.caller.to_tag = again.to.tag
        lives.caller.link.send(write_message(lives.caller.make("ACK", number=1)))
        assert (await lives.caller.send("BYE")).status == 200

    living(act)


def test_an_invite_that_was_never_answered_is_a_new_one() -> None:
    async def act(lives: Lives) -> None:
        lives.caller.call_id = "lost-2"
        invite = lives.caller.make("INVITE", "Content-Type: application/sdp", body=TWO)
        first = await lives.caller.ask(invite)
        await lives.die(messages=1)
        assert (len(lives.server), lives.after.lines) == (0, {})
        again = await lives.caller.ask(invite)
        assert (again.status, again.to.tag != first.to.tag) == (200, True)

    living(act)


def test_calls_that_ended_stay_ended() -> None:
    async def act(lives: Lives) -> None:
        await lives.caller.invite(TWO)
        bye = lives.caller.make("BYE")
        assert (await lives.caller.ask(bye)).status == 200
        mine = lives.caller.to_tag, lives.caller.call_id
        await lives.caller.anew().invite(TWO)
        await lives.server.end(lives.caller.call_id)
        await until(lambda: lives.before.told[-1] == "<200 BYE")
        await lives.die(messages=len(lives.before.messages) - 1)
        assert (len(lives.server), lives.after.lines) == (0, {})
        assert (await lives.caller.ask(bye)).status == 200
        assert mine != (lives.caller.to_tag, lives.caller.call_id)

    living(act)


def test_a_bye_whose_answer_was_not_sent_ends_the_call() -> None:
    async def act(lives: Lives) -> None:
        await lives.caller.invite(TWO)
        bye = lives.caller.make("BYE")
        await lives.caller.ask(bye)
        await lives.die(messages=3)
        assert len(lives.server) == 0
        assert (await lives.caller.ask(bye)).status == 200

    living(act)


def test_a_pause_survives_and_so_do_the_numbers_of_our_requests() -> None:
    async def act(lives: Lives) -> None:
        await lives.caller.invite(TWO)
        assert await lives.server.set_paused(lives.caller.call_id, True)
        await lives.die()
        assert [line[3] for line in lives.after.sections()] == [False, False]
        assert {direction for _, _, direction in told_of(await lives.caller.invite(TWO))} == {"inactive"}
        assert await lives.server.set_paused(lives.caller.call_id, False)
        await lives.server.end(lives.caller.call_id)
        await until(lambda: lives.after.told[-1] == "<200 BYE")
        ours = [each for each in lives.caller.requests if each.method != "ACK"]
        assert [(each.method, each.cseq.number) for each in ours] == [("INVITE", 1), ("INVITE", 2), ("BYE", 3)]
        assert len({(each.sender.tag, each.to.tag) for each in ours}) == 1

    living(act)


def test_an_offer_of_ours_that_was_not_answered_before_the_crash_is_made_again() -> None:
    async def act(lives: Lives) -> None:
        answer = await lives.caller.invite("", acknowledge=False)
        lives.caller.to_tag = answer.to.tag
        await lives.die()
        await until(lambda: lives.after.told[-1] == "open 0" and "<200 INVITE" in lives.after.told)
        assert [line[3] for line in lives.after.sections()] == [True]
        [invite, *_] = lives.caller.requests
        assert invite.body == answer.body

    living(act)


def test_an_answer_in_an_acknowledgement_survives() -> None:
    async def act(lives: Lives) -> None:
        answer = await lives.caller.invite("", acknowledge=False)
        lives.caller.to_tag = answer.to.tag
        body = sdp("sendonly", host="127.0.0.7")
        ack = lives.caller.make("ACK", "Content-Type: application/sdp", body=body, number=1)
        lives.caller.link.send(write_message(ack))
        await until(lambda: "<ACK" in lives.before.told)
        await lives.die()
        assert lives.after.sections() == [(0, "", ("127.0.0.7", "127.0.0.1"), True)]
        await lives.caller.invite("")
        await lives.die()

    living(act)


def test_a_session_timer_runs_on() -> None:
    async def act(lives: Lives) -> None:
        await lives.caller.invite(TWO, "Supported: timer", "Session-Expires: 300;refresher=uac")
        time = Time()
        began_s = lives.before.messages[-1].at_ns / 1e9
        await lives.die(call_later=time.call_later, clock_ns=lambda: int((began_s + 200 + time.now) * 1e9))
        time.pass_by(60)
        assert len(lives.server) == 1
        time.pass_by(10)
        assert len(lives.server) == 0

    living(act)


def test_a_session_that_ran_out_meanwhile_is_given_a_moment() -> None:
    async def act(lives: Lives) -> None:
        await lives.caller.invite(TWO, "Supported: timer", "Session-Expires: 300;refresher=uac")
        time = Time()
        began_s = lives.before.messages[-1].at_ns / 1e9
        await lives.die(call_later=time.call_later, clock_ns=lambda: int((began_s + 9000 + time.now) * 1e9))
        time.pass_by(31)
        assert len(lives.server) == 1
        assert (await lives.caller.send("UPDATE", "Supported: timer", "Session-Expires: 300")).status == 200
        time.pass_by(200)
        assert len(lives.server) == 1

    living(act)


def test_a_journal_that_is_cut_or_out_of_order_still_gives_what_can_be_known() -> None:
    owner = Owner()

    async def act() -> None:
        async with serving(owner) as server, calling(server.ports[0]) as caller:
            await caller.invite(TWO, "Supported: timer")
            await caller.invite("", "Supported: timer")
            await server.set_paused(caller.call_id, True)
            await caller.send("UPDATE")
            await caller.anew().invite(TWO)
            await server.end(caller.call_id)

    run(act)
    peer = Peer("UDP", "127.0.0.1", 5060)

    @settings(max_examples=150, deadline=None)
    @given(
        st.lists(
            st.tuples(st.sampled_from(owner.messages), st.booleans(), st.integers(0, 900), st.binary(max_size=4)),
            max_size=20,
        )
    )
    def replay_any(chosen: list[tuple[CallMessage, bool, int, bytes]]) -> None:
        replay = Replay()
        replay.read(
            replace(message, content=message.content[:place] + junk + message.content[place:], peer=peer)
            if is_spoilt
            else message
            for message, is_spoilt, place, junk in chosen
        )
        assert len(replay.calls) <= len(chosen)

    replay_any()
    whole = Replay()
    whole.read(owner.messages)
    assert (len(whole.calls), len(whole.ended)) == (1, 1)
    assert asyncio.run(_restored(owner.messages)) == 1


async def _restored(messages: list[CallMessage]) -> int:
    server = SipServer(make_terms(), Owner())
    server.restore(messages)
    count = len(server)
    await server.close()
    return count
