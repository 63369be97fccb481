"""The torture messages of RFC 4475, sent to a recorder that runs: none does harm, each gets the answer that fits."""

import asyncio
import socket
from collections.abc import Iterator
from typing import Any

import pytest

from plugins.pbx_sip.recorder.terms import ListenAt
from plugins.pbx_sip.sip.errors import SipError
from plugins.pbx_sip.sip.message import Response, read_message
from tests.doubles.network import network_pair
from tests.unit.plugins.pbx_sip.recorder.recorder_doubles import TWO, Owner, calling, make_terms, serving
from tests.unit.plugins.pbx_sip.sip import torture

WITHIN_S = 10.0
LISTENING = tuple(ListenAt(transport=transport, address="127.0.0.1", port=0) for transport in ("udp", "tcp"))
REFUSED = {name: {status} for name, (status, _) in torture.INVALID.items()}
# Sections 3.3.1, 3.3.4, 3.3.15 and 3.1.2.18: well formed, and nobody could serve them.
REFUSED |= {"invut": {415}, "sdp01": {406}, "unksm2": {400}, "mismatch02": {400, 501}}
# Valid, and not for a recorder: methods that it does not know, a call that goes on and that it never had.
NOT_OURS = {"intmeth": 405, "esc02": 405, "mpart01": 405, "wsinv": 481}
SERVED = [name for name in {**torture.VALID, **torture.FORGIVEN} if name not in {*NOT_OURS, *REFUSED}]
MESSAGES = torture.VALID | torture.FORGIVEN | {name: data for name, (_, data) in torture.INVALID.items()}
# A stream is told apart by lengths: one that is too great is waited for, and who says none is refused (section 18.3 of
# RFC 3261).
ENDLESS, LENGTHLESS = "clerr", "inv2543"


@pytest.fixture(autouse=True)
def _own_network() -> Iterator[None]:
    """A loopback that nobody else uses: answers go to the port that Via names."""
    with network_pair() as pair, pair.at_lan():
        yield


class Wire:
    """Sends bytes and reads what comes back."""

    def __init__(self, port: int, *, over_tcp: bool) -> None:
        self._port = port
        self._over_tcp = over_tcp

    async def statuses(self, *messages: bytes) -> list[int]:
        """The answers up to the final one, or until the recorder hangs up."""
        loop, found, heard = asyncio.get_running_loop(), [], b""
        with self._open() as line:
            for data in messages:
                await loop.sock_sendall(line, data)
            async with asyncio.timeout(WITHIN_S):
                while not found or found[-1] < 200:
                    heard = await loop.sock_recv(line, 65536)
                    if not heard:
                        break
                    found += [each.status for each in _read(heard)]
        return found

    def _open(self) -> socket.socket:
        line = socket.socket(socket.AF_INET, socket.SOCK_STREAM if self._over_tcp else socket.SOCK_DGRAM)
        line.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        line.bind(("127.0.0.1", 0 if self._over_tcp else 5060))
        line.connect(("127.0.0.1", self._port))
        line.setblocking(False)
        return line


def _read(heard: bytes) -> Iterator[Response]:
    try:
        message = read_message(heard)
    except SipError:
        return
    if isinstance(message, Response):
        yield message


def final_of(*data: bytes, over_tcp: bool, **more: Any) -> int:
    """The first final answer to messages of somebody who may call; the recorder is as well afterwards as before."""

    async def act() -> int:
        owner = Owner()
        async with serving(owner, make_terms(listen=LISTENING, **more)) as server:
            port = server.ports[1 if over_tcp else 0]
            found = await Wire(port, over_tcp=over_tcp).statuses(*data)
            async with calling(server.ports[0]) as caller:
                assert (await caller.invite(TWO)).status == 200
                assert (await caller.send("BYE")).status == 200
            assert owner.errors == []
        return found[-1] if found else 0

    return asyncio.run(act())


@pytest.mark.parametrize(
    ("name", "over_tcp"),
    [(name, over_tcp) for name in REFUSED for over_tcp in (False, True) if not over_tcp or name != ENDLESS],
)
def test_what_is_invalid_gets_the_answer_that_the_rfc_names(name: str, over_tcp: bool) -> None:
    assert final_of(MESSAGES[name], over_tcp=over_tcp) in REFUSED[name]


@pytest.mark.parametrize("over_tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize("name", SERVED)
def test_what_is_valid_is_served(name: str, over_tcp: bool) -> None:
    assert final_of(MESSAGES[name], over_tcp=over_tcp) == (400 if over_tcp and name == LENGTHLESS else 200)


@pytest.mark.parametrize("over_tcp", [False, True], ids=["udp", "tcp"])
@pytest.mark.parametrize("name", NOT_OURS)
def test_what_is_valid_but_not_for_a_recorder_is_refused_as_such(name: str, over_tcp: bool) -> None:
    assert final_of(MESSAGES[name], over_tcp=over_tcp) == NOT_OURS[name]


def test_credentials_of_an_unknown_kind_are_none() -> None:
    assert final_of(torture.REGAUT01, over_tcp=False, secrets={"user": "secret"}) == 401


def test_responses_that_nobody_asked_for_are_dropped() -> None:
    unasked = [*torture.DROPPED.values(), torture.UNREASON, torture.NOREASON]
    assert [final_of(data, torture.LWSDISP, over_tcp=False) for data in unasked] == [200] * len(unasked)
