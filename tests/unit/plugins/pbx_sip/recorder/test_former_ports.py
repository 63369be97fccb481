"""A device that changes its port hears those of its calls that go on at the old one."""

import socket

import pytest

from plugins.pbx_sip.recorder.former_ports import FormerPorts
from plugins.pbx_sip.recorder.server import SipServer
from plugins.pbx_sip.recorder.terms import ListenAt
from plugins.pbx_sip.sip.timers import GIVE_UP_S
from tests.doubles.source_context import until
from tests.unit.plugins.pbx_sip.recorder.recorder_doubles import TWO, Owner, calling, make_terms, run, serving


def is_free(transport: str, port: int) -> bool:
    """Whether others may have a port."""
    kind = socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM
    with socket.socket(socket.AF_INET, kind) as other:
        other.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, kind == socket.SOCK_STREAM)
        try:
            other.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def find_free(transport: str) -> int:
    """A port that nobody has."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM if transport == "udp" else socket.SOCK_STREAM) as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@pytest.mark.parametrize("transport", ["udp", "tcp"])
def test_a_call_ends_at_the_port_it_came_by_and_the_port_is_closed_a_while_later(transport: str) -> None:
    terms = make_terms(listen=(ListenAt(transport=transport, address="127.0.0.1", port=0),))
    now_s = [0.0]

    async def act() -> None:
        before, after = Owner(), Owner()
        async with serving(before, terms) as server:
            [port] = server.ports
            async with calling(port, transport.upper()) as caller:
                assert (await caller.invite(TWO)).status == 200
                other = find_free(transport)
                await server.close()
                again = SipServer(
                    make_terms(listen=(ListenAt(transport=transport, address="127.0.0.1", port=other),)), after
                )
                former = again._former = FormerPorts(
                    again._terms, again._agent.transports, again._calls, lambda: now_s[0]
                )
                again.restore(before.messages)
                await again.start()
                try:
                    assert again.ports == (other,)
                    now_s[0] += 10 * GIVE_UP_S
                    again.close_former_ports()
                    caller.link = caller.transports.link(transport.upper(), "127.0.0.1", port)
                    bye = caller.make("BYE")
                    assert (await caller.ask(bye)).status == 200
                    again.close_former_ports()
                    assert (
                        await caller.ask(bye)
                    ).status == 200  # it may come again, as long as nobody knows of the answer
                    now_s[0] += GIVE_UP_S + 1
                    again.close_former_ports()
                    assert former._needed_s == {}
                    await until(lambda: is_free(transport, port))
                finally:
                    await again.close()
        assert after.errors == []

    run(act)
