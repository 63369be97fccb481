"""Whatever clients send, the recorder goes on and loses no port."""

import asyncio
import socket

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from plugins.pbx_sip.sip.message import Request, write_message
from tests.unit.plugins.pbx_sip.recorder.recorder_doubles import TWO, Owner, calling, make_terms, own_ports, serving

_JUNK = st.one_of(
    st.binary(max_size=12),
    st.sampled_from(
        [b"\r\n", b"\r\n\r\n", b'"', b"<", b";tag=", b"m=audio 1 RTP/AVP 0\r\n", b"a=inactive\r\n", b"0.0.0.0", b"--"]
    ),
)
_SPOILT = st.lists(st.tuples(st.integers(0, 1500), st.integers(0, 60), _JUNK), max_size=3)
_METHODS = st.sampled_from(["INVITE", "UPDATE", "INFO", "BYE", "OPTIONS", "ACK", "REGISTER", "CANCEL", "PRACK"])


def spoil(data: bytes, changes: list[tuple[int, int, bytes]]) -> bytes:
    for place, cut, junk in changes:
        data = data[:place] + junk + data[place + cut :]
    return data


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.tuples(_METHODS, st.booleans(), st.booleans(), _SPOILT), min_size=1, max_size=12))
def test_spoilt_messages_do_no_harm(steps: list[tuple[str, bool, bool, list[tuple[int, int, bytes]]]]) -> None:
    async def act() -> None:
        owner, pool = Owner(), own_ports(40000, 40019)
        async with serving(owner, make_terms(ports=pool)) as server, calling(server.ports[0]) as caller:
            await caller.invite(TWO)
            for method, is_inside, has_body, changes in steps:
                tag = caller.to_tag
                caller.to_tag = tag if is_inside else ""
                kind = ("Content-Type: application/sdp",) if has_body else ()
                request: Request = caller.make(method, *kind, body=TWO if has_body else "")
                caller.to_tag = tag
                with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
                    sock.sendto(spoil(write_message(request), changes), ("127.0.0.1", server.ports[0]))
            caller.anew().call_id = "alive"
            assert (await caller.send("OPTIONS")).status == 200
            assert owner.errors == []
            assert 10 - len(pool) == len(owner.lines)
            assert set(owner.lines) == {line.rtp_port for call in server._calls for line in call.lines}

    asyncio.run(act())
