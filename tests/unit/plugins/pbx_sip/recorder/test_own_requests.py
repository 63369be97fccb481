"""What the recorder itself asks of clients: to pause, to go on, to refresh, to tell all anew, to end."""

import asyncio
from functools import partial

import pytest

from plugins.pbx_sip.recorder import own_requests
from plugins.pbx_sip.sip.message import write_message
from plugins.pbx_sip.siprec.contents import read_contents
from plugins.pbx_sip.siprec.farewell import Farewell, read_reason
from tests.doubles.source_context import until
from tests.unit.plugins.pbx_sip.recorder.recorder_doubles import (
    TWO,
    Caller,
    Owner,
    calling,
    described,
    make_terms,
    run,
    sdp,
    serving,
    told_of,
)
from tests.unit.plugins.pbx_sip.sip.sip_doubles import Time


@pytest.fixture(autouse=True)
def _no_long_glare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_requests, "choose_glare_wait_s", lambda: 0.01)


def test_a_call_is_ended_by_the_recorder() -> None:
    async def act() -> None:
        owner = Owner()
        async with serving(owner) as server, calling(server.ports[0]) as caller:
            await caller.invite(TWO)
            await server.end(caller.call_id, 'ruled "out"')
            await until(lambda: owner.told[-1] == "<200 BYE")
            [bye] = [each for each in caller.requests if each.method == "BYE"]
            assert bye.headers.get("Reason") == 'SIP;cause=200;text="ruled \\"out\\""'
            assert (bye.to.tag, bye.sender.tag, bye.uri) == ("a1", caller.to_tag, f"sip:src@127.0.0.1:{caller.port}")
            assert (len(server), owner.lines) == (0, {})
            assert (await caller.send("BYE")).status == 200
            await server.end("no such call")

    run(act)


def test_a_call_is_not_ended_before_its_answer_is_acknowledged() -> None:
    async def act() -> None:
        owner = Owner()
        async with serving(owner) as server, calling(server.ports[0]) as caller:
            answer = await caller.invite(TWO, acknowledge=False)
            ending = asyncio.create_task(server.end(caller.call_id))
            await asyncio.sleep(0)
            assert ">BYE" not in owner.told
            caller.to_tag = answer.to.tag
            caller.link.send(write_message(caller.make("ACK", number=1)))
            await ending
            assert ">BYE" in owner.told

    run(act)


def test_a_pause_is_offered_kept_and_taken_back() -> None:
    async def act() -> None:
        owner = Owner()
        async with serving(owner) as server, calling(server.ports[0]) as caller:
            first = await caller.invite(TWO, "Require: siprec")
            assert await server.set_paused(caller.call_id, True)
            paused = next(each for each in caller.requests if each.method == "INVITE")
            assert {str(media.direction) for media in described(paused).media} == {"inactive"}
            assert described(paused).origin.version == described(first).origin.version + 1
            assert not any(line[3] for line in owner.sections())
            await until(lambda: [each.method for each in caller.requests] == ["INVITE", "ACK"])
            again = await caller.invite(TWO)
            assert {direction for _, _, direction in told_of(again)} == {"inactive"}
            assert await server.set_paused(caller.call_id, False)
            assert all(line[3] for line in owner.sections())
            assert {direction for _, _, direction in told_of(await caller.invite(TWO))} == {"recvonly"}
            assert owner.told.count(">INVITE") == owner.told.count("<200 INVITE") == 2

    run(act)


def test_a_client_that_refuses_to_pause_goes_on_as_before() -> None:
    async def act() -> None:
        owner = Owner()
        async with serving(owner) as server, calling(server.ports[0]) as caller:
            await caller.invite(TWO)
            for status in (488, 491):
                caller.answers["INVITE"] = status
                assert not await server.set_paused(caller.call_id, True)
            assert [each.method for each in caller.requests].count("INVITE") == 4
            assert all(line[3] for line in owner.sections())
            assert {direction for _, _, direction in told_of(await caller.invite(TWO))} == {"recvonly"}
            assert not await server.set_paused("no such call", True)

    run(act)


def test_a_client_that_does_not_take_the_end_of_a_pause_may_end_it_by_an_offer_of_its_own() -> None:
    async def act() -> None:
        owner = Owner()
        async with serving(owner) as server, calling(server.ports[0]) as caller:
            await caller.invite(TWO)
            assert await server.set_paused(caller.call_id, True)
            assert server.paused == [caller.call_id]
            caller.answers["INVITE"] = 488
            assert not await server.set_paused(caller.call_id, False)
            assert {direction for _, _, direction in told_of(await caller.invite(TWO))} == {"recvonly"}
            assert server.paused == []

    run(act)


def test_offers_that_cross_are_put_off() -> None:
    async def act() -> None:
        async with serving(Owner()) as server, calling(server.ports[0]) as caller:
            await caller.invite(TWO)
            caller.answers["INVITE"] = 0  # it does not answer yet
            pausing = asyncio.create_task(server.set_paused(caller.call_id, True))
            await until(lambda: caller.requests)
            assert (await caller.invite(TWO)).status == 491
            assert (await caller.send("UPDATE", "Content-Type: application/sdp", body=TWO)).status == 491
            assert (await caller.send("UPDATE")).status == 200
            assert not await server.set_paused(caller.call_id, True)
            caller.answers.clear()
            assert await pausing  # ours was sent again

    run(act)


def test_new_calls_may_be_taken_paused() -> None:
    async def act() -> None:
        owner = Owner()
        async with serving(owner, make_terms(answers_inactive=True)) as server, calling(server.ports[0]) as caller:
            assert {direction for _, _, direction in told_of(await caller.invite(TWO))} == {"inactive"}
            assert await server.set_paused(caller.call_id, False)
            assert all(line[3] for line in owner.sections())
            empty = await caller.anew().invite("")
            assert {direction for _, _, direction in told_of(empty)} == {"inactive"}

    run(act)


def test_all_metadata_is_asked_for_in_the_way_that_the_client_knows() -> None:
    async def act() -> None:
        async with serving(Owner()) as server, calling(server.ports[0]) as caller:
            await caller.invite(TWO)
            await server.ask_snapshot(caller.call_id)
            await until(lambda: caller.requests)
            [update] = caller.requests
            assert (update.method, update.headers.get("Content-Type")) == ("UPDATE", "application/rs-metadata-request")
            assert update.headers.get("Content-Disposition") == "recording-session"
            caller.anew().call_id = "no-update"
            answer = await caller.ask(caller.make("INVITE", "Content-Type: application/sdp", body=TWO))
            caller.to_tag = answer.to.tag
            caller.link.send(write_message(caller.make("ACK")))
            await server.ask_snapshot(caller.call_id)
            await until(lambda: caller.requests[-1].method == "ACK")
            [invite] = [each for each in caller.requests if each.method == "INVITE"]
            contents = read_contents(invite.body, invite.headers.get("Content-Type") or "")
            assert contents.sdp == answer.body
            assert [part.content_type for part in contents.others] == ["application/rs-metadata-request"]
            await server.ask_snapshot("no such call")

    run(act)


def test_all_metadata_is_asked_for_by_invite_where_the_client_takes_no_update_after_all() -> None:
    async def act() -> None:
        async with serving(Owner()) as server, calling(server.ports[0]) as caller:
            await caller.invite(TWO)
            caller.answers["UPDATE"] = 405
            await server.ask_snapshot(caller.call_id)
            await until(partial(was_asked, caller, ["UPDATE", "INVITE", "ACK"]))
            contents = read_contents(caller.requests[1].body, caller.requests[1].headers.get("Content-Type") or "")
            assert [part.content_type for part in contents.others] == ["application/rs-metadata-request"]
            await server.ask_snapshot(caller.call_id)
            await until(partial(was_asked, caller, ["UPDATE", "INVITE", "ACK", "INVITE", "ACK"]))

    run(act)


def test_a_session_that_its_client_refreshes_lives_and_one_that_is_not_ends() -> None:
    async def act() -> None:
        owner, time = Owner(), Time()
        async with (
            serving(owner, call_later=time.call_later, clock_ns=lambda: int(time.now * 1e9)) as server,
            calling(server.ports[0]) as caller,
        ):
            timed = ("Supported: timer", "Session-Expires: 90;refresher=uac")
            answer = await caller.invite(TWO, *timed)
            assert (answer.headers.get("Session-Expires"), answer.tokens("Require")) == ("90;refresher=uac", ("timer",))
            for _ in range(3):
                time.pass_by(50)
                assert (await caller.send("UPDATE", *timed)).headers.get("Session-Expires") == "90;refresher=uac"
            assert len(server) == 1
            time.pass_by(61)
            assert (len(server), owner.lines) == (0, {})
            await until(lambda: owner.told[-1] == "<200 BYE")
            assert read_reason(caller.requests[-1].headers.get("Reason") or "") == Farewell.NOT_REFRESHED
            assert owner.farewells == [(caller.call_id, "the session was not refreshed")]
            assert time.is_idle

    run(act)


def was_asked(caller: Caller, methods: list[str]) -> bool:
    return [each.method for each in caller.requests] == methods


def is_told(owner: Owner, what: str, times: int) -> bool:
    return owner.told.count(what) == times


@pytest.mark.parametrize("method", ["UPDATE", "INVITE"])
def test_the_recorder_refreshes_where_that_is_left_to_it(method: str) -> None:
    async def act() -> None:
        owner, time = Owner(), Time()
        async with (
            serving(owner, call_later=time.call_later, clock_ns=lambda: int(time.now * 1e9)) as server,
            calling(server.ports[0]) as caller,
        ):
            caller.call_id = f"refresh-{method}"
            fields = ["Supported: timer", "Session-Expires: 100;refresher=uas", "Content-Type: application/sdp"]
            allow = ["Allow: INVITE, UPDATE"] if method == "UPDATE" else []
            answer = await caller.ask(caller.make("INVITE", *fields, *allow, body=TWO))
            assert answer.headers.get("Session-Expires") == "100;refresher=uas"
            caller.to_tag = answer.to.tag
            caller.link.send(write_message(caller.make("ACK", number=1)))
            caller.answer_headers = (("Session-Expires", "100;refresher=uac"),)
            for turn in range(1, 4):
                time.pass_by(51)
                await until(partial(is_told, owner, f"<200 {method}", turn))
            asked = next(each for each in caller.requests if each.method == method)
            assert asked.headers.get("Session-Expires") == "100;refresher=uac"
            assert asked.body == (answer.body if method == "INVITE" else b"")
            assert len(owner.lines) == 2
            caller.answers[method] = 481
            time.pass_by(51)
            await until(lambda: not len(server))
            assert ">BYE" in owner.told

    run(act)


@pytest.mark.parametrize(
    ("update", "invite", "asked_first", "asked_later"),
    [
        (405, 200, ["UPDATE", "INVITE", "ACK"], ["INVITE", "ACK"]),
        (501, 488, ["UPDATE", "INVITE", "ACK"], ["INVITE", "ACK"]),
        (403, 200, ["UPDATE", "INVITE", "ACK"], ["UPDATE", "INVITE", "ACK"]),
        (405, 403, ["UPDATE", "INVITE", "ACK"], ["INVITE", "ACK"]),
        (491, 200, ["UPDATE"] * 3, ["UPDATE"] * 3),
    ],
)
def test_a_call_whose_client_refuses_to_be_refreshed_goes_on(
    update: int, invite: int, asked_first: list[str], asked_later: list[str]
) -> None:
    async def act() -> None:
        owner, time = Owner(), Time()
        async with (
            serving(owner, call_later=time.call_later, clock_ns=lambda: int(time.now * 1e9)) as server,
            calling(server.ports[0]) as caller,
        ):
            await caller.invite(TWO, "Supported: timer", "Session-Expires: 90;refresher=uas")
            caller.answers |= {"UPDATE": update, "INVITE": invite}
            caller.answer_headers = (("Session-Expires", "90;refresher=uac"),)
            time.pass_by(46)
            await until(partial(was_asked, caller, asked_first))
            for turn in range(1, 4):
                time.pass_by(46)
                await until(partial(was_asked, caller, asked_first + asked_later * turn))
            assert (len(server), len(owner.lines)) == (1, 2)

    run(act)


def test_a_call_whose_client_does_not_answer_to_its_refresh_ends_when_its_time_is_over() -> None:
    async def act() -> None:
        owner, time = Owner(), Time()
        async with (
            serving(owner, call_later=time.call_later, clock_ns=lambda: int(time.now * 1e9)) as server,
            calling(server.ports[0]) as caller,
        ):
            await caller.invite(TWO, "Supported: timer", "Session-Expires: 90;refresher=uas")
            caller.answers["UPDATE"] = 0
            time.pass_by(89)
            assert len(server) == 1
            time.pass_by(2)
            assert (len(server), owner.lines) == (0, {})

    run(act)


def test_a_longer_interval_that_the_client_asks_for_is_taken() -> None:
    async def act() -> None:
        owner, time = Owner(), Time()
        async with (
            serving(owner, call_later=time.call_later, clock_ns=lambda: int(time.now * 1e9)) as server,
            calling(server.ports[0]) as caller,
        ):
            await caller.invite(TWO, "Supported: timer", "Session-Expires: 100;refresher=uas")
            caller.answers["UPDATE"] = 422
            caller.answer_headers = (("Min-SE", "600"),)
            time.pass_by(51)
            await until(
                lambda: [each.headers.get("Session-Expires") for each in caller.requests][-1:] == ["600;refresher=uac"]
            )
            caller.answers.clear()
            assert len(server) == 1

    run(act)


def test_a_client_that_never_acknowledges_its_first_answer_has_no_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugins.pbx_sip.sip.server_transaction.GIVE_UP_S", 0.2)

    async def act() -> None:
        owner = Owner()
        async with serving(owner) as server, calling(server.ports[0]) as caller, calling(server.ports[0]) as other:
            await caller.invite(TWO, acknowledge=False)
            await other.invite(TWO)
            await other.invite(sdp("inactive", "inactive"), acknowledge=False)
            await until(lambda: ">BYE" in owner.told)
            await until(lambda: all(call.invite is None for call in server._calls))
            assert (len(server), len(owner.lines)) == (1, 2)
            assert await server.set_paused(other.call_id, True)

    run(act)
