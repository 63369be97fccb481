"""Lines of an offer that cannot be recorded: what they are in is named to the client and to people."""

from tests.unit.plugins.pbx_sip.recorder.recorder_doubles import TWO, Owner, calling, run, sdp, serving


def test_a_line_that_cannot_be_recorded_is_told_of_though_its_call_is_taken() -> None:
    async def act() -> None:
        owner = Owner()
        evs = sdp("label:1 sendonly") + "m=audio 6002 RTP/AVP 97\r\na=rtpmap:97 EVS/16000\r\na=label:2\r\n"
        async with serving(owner) as server, calling(server.ports[0]) as caller:
            assert (await caller.invite(TWO)).status == 200
            assert owner.refusals == []
            assert (await caller.invite(evs)).status == 200
            [(host, why)] = owner.refusals
            assert (host, len(owner.lines)) == ("127.0.0.1", 1)
            assert "line 2 (EVS)" in why

    run(act)


def test_lines_that_can_all_not_be_recorded_are_named_where_the_call_is_refused() -> None:
    async def act() -> None:
        owner = Owner()
        evs = "v=0\r\nc=IN IP4 127.0.0.1\r\n" + "m=audio 6002 RTP/AVP 97\r\na=rtpmap:97 EVS/16000\r\n" * 2
        dtls = sdp("sendonly").replace("RTP/AVP", "UDP/TLS/RTP/SAVPF")
        async with serving(owner) as server, calling(server.ports[0]) as caller:
            answer = await caller.invite(evs)
            assert answer.status == 488
            assert "line 1 (EVS); line 2 (EVS)" in (answer.headers.get("Warning") or "")
            assert "line 1 (EVS); line 2 (EVS)" in owner.refusals[0][1]
            assert "line 1 (DTLS-SRTP)" in ((await caller.anew().invite(dtls)).headers.get("Warning") or "")
            assert "G.711" in owner.advice[0]
            assert "DTLS-SRTP" in owner.advice[1]

    run(act)


def test_a_fax_that_is_declined_in_a_standing_call_is_no_trouble_of_its_client() -> None:
    async def act() -> None:
        owner = Owner()
        fax = "v=0\r\nc=IN IP4 127.0.0.1\r\nm=image 6000 udptl t38\r\n"
        async with serving(owner) as server, calling(server.ports[0]) as caller:
            assert (await caller.invite(TWO)).status == 200
            assert (await caller.invite(fax)).status == 488
            assert (owner.refusals, len(owner.lines)) == ([], 2)
            assert owner.told[-2:] == ["<INVITE", ">488 INVITE"]
            assert (await caller.anew().invite(fax)).status == 488
            assert len(owner.refusals) == 1

    run(act)
