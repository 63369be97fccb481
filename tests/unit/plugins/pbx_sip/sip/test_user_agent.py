import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from plugins.pbx_sip.sip.dialog import Dialog, DialogId, Origin, begin_dialog, make_tag, read_dialog_id
from plugins.pbx_sip.sip.errors import BadRequest
from plugins.pbx_sip.sip.headers import Headers
from plugins.pbx_sip.sip.link import Link
from plugins.pbx_sip.sip.message import Request, Response, write_message
from plugins.pbx_sip.sip.responses import build_response
from plugins.pbx_sip.sip.server_transaction import InviteServerTransaction, ServerTransaction
from plugins.pbx_sip.sip.transport import Transports
from plugins.pbx_sip.sip.user_agent import UserAgent
from tests.doubles.source_context import until
from tests.unit.plugins.pbx_sip.sip.sip_doubles import make_request


class Recorder:
    """Takes every INVITE but one to "later", keeps its dialog and ends it with a BYE when told to."""

    def __init__(self) -> None:
        self.agent = UserAgent(self._serve, self._acknowledge, self._fail, {"siprec", "timer"})
        self.errors: list[Exception] = []
        self.dialogs: dict[DialogId, tuple[Dialog, InviteServerTransaction]] = {}
        self.acknowledged: list[DialogId] = []
        self.cancelled = 0
        self.answers: list[int] = []
        self.port = 0

    def _fail(self, error: Exception) -> None:
        self.errors.append(error)

    def _serve(self, request: Request, transaction: ServerTransaction) -> None:
        if request.method == "MESSAGE":
            raise RuntimeError("this one fails")
        if request.method == "REGISTER":
            raise BadRequest(403, "Forbidden", request)
        if isinstance(transaction, InviteServerTransaction):
            if request.target.user == "later":
                transaction.on_cancel = self._note_cancel
                return
            tag = make_tag()
            dialog = begin_dialog(request, tag)
            self.dialogs[dialog.id] = dialog, transaction
            transaction.respond(build_response(request, 200, tag=tag, headers=[("Contact", self.origin.contact)]))
        else:
            transaction.respond(build_response(request, 200, tag=make_tag()))

    def _note_cancel(self) -> None:
        self.cancelled += 1

    def _acknowledge(self, request: Request) -> None:
        self.dialogs[read_dialog_id(request)][1].acknowledge()
        self.acknowledged.append(read_dialog_id(request))

    @property
    def origin(self) -> Origin:
        return Origin("UDP", "127.0.0.1", self.port, f"<sip:srs@127.0.0.1:{self.port}>;+sip.srs")

    def hang_up(self) -> None:
        (dialog, invite), *_ = self.dialogs.values()
        bye = dialog.make_request("BYE", self.origin)
        self.agent.transactions.request(
            bye, invite.link, lambda response: self.answers.append(response.status), lambda: self.answers.append(0)
        )


class Client:
    """Another stack: sends what it is told and answers requests with 200."""

    def __init__(self) -> None:
        self.responses: list[Response] = []
        self.requests: list[Request] = []
        self.errors: list[Exception] = []
        self.transports = Transports(self._receive, self.errors.append)

    def _receive(self, message: Request | Response, link: Link) -> None:
        if isinstance(message, Request):
            self.requests.append(message)
            link.send(write_message(build_response(message, 200)))
        else:
            self.responses.append(message)

    async def ask(self, link: Link, request: Request) -> Response:
        self.responses.clear()
        link.send(write_message(request))
        await until(lambda: self.responses)
        return self.responses[-1]


@asynccontextmanager
async def call(transport: str = "UDP") -> AsyncIterator[tuple[Recorder, Client, Link]]:
    recorder, client = Recorder(), Client()
    listen = recorder.agent.transports.listen_udp if transport == "UDP" else recorder.agent.transports.listen_tcp
    try:
        recorder.port = await listen("127.0.0.1", 0)
        await client.transports.listen_udp("127.0.0.1", 0)
        yield recorder, client, client.transports.link(transport, "127.0.0.1", recorder.port)
    finally:
        await recorder.agent.close()
        await client.transports.close()


def run(act: Callable[[], Awaitable[None]]) -> None:
    async def limited() -> None:
        async with asyncio.timeout(10):
            await act()

    asyncio.run(limited())


def rport(request: Request) -> Request:
    via = (request.headers.get("Via") or "") + ";rport"
    return Request(method=request.method, uri=request.uri, headers=request.headers.replaced("Via", via))


def test_a_call_is_set_up_acknowledged_and_ended_from_either_side() -> None:
    async def act(transport: str) -> None:
        async with call(transport) as (recorder, client, link):
            answer = await client.ask(link, rport(make_request("INVITE", "Require: siprec")))
            assert (answer.status, answer.cseq.method) == (200, "INVITE")
            ack = make_request("ACK", branch="z9hG4bK-2", to_tag=answer.to.tag)
            link.send(write_message(rport(ack)))
            await until(lambda: recorder.acknowledged)
            assert set(recorder.dialogs) == {DialogId("c1@192.0.2.1", answer.to.tag, "a1")}
            bye = await client.ask(link, rport(make_request("BYE", branch="z9hG4bK-3", to_tag=answer.to.tag, number=2)))
            assert bye.status == 200
            recorder.hang_up()
            await until(lambda: recorder.answers)
            assert recorder.answers == [200]
            assert [request.method for request in client.requests] == ["BYE"]

    run(lambda: act("UDP"))
    run(lambda: act("TCP"))


def test_what_cannot_be_served_is_refused_and_the_next_is_served() -> None:
    async def act() -> None:
        async with call() as (recorder, client, link):
            for request, status in (
                (make_request("INVITE", "Require: 100rel", branch="z9hG4bK-a"), 420),
                (make_request("INVITE", "Max-Forwards: 999", branch="z9hG4bK-b"), 400),
                (make_request("REGISTER", branch="z9hG4bK-c"), 403),
                (make_request("MESSAGE", branch="z9hG4bK-d"), 500),
                (make_request("INVITE", "Record-Route: nothing", branch="z9hG4bK-e"), 400),
                (make_request("CANCEL", branch="z9hG4bK-f"), 481),
                (make_request("OPTIONS", branch="z9hG4bK-g"), 200),
            ):
                answer = await client.ask(link, rport(request))
                assert (answer.status, bool(answer.to.tag)) == (status, True)
            assert [str(error) for error in recorder.errors] == ["this one fails"]
            assert recorder.agent.transports.counters["requests_refused"] == 2

    run(act)


def test_every_refusal_is_told_before_it_is_sent() -> None:
    async def act() -> None:
        async with call() as (recorder, client, link):
            told: list[tuple[int, str, int]] = []
            recorder.agent.on_refusal = lambda refusal, response, back: told.append(
                (refusal.status, response.to.tag, back.local[1])
            )
            answers = [
                await client.ask(link, rport(make_request("INVITE", "Require: 100rel", branch="z9hG4bK-a"))),
                await client.ask(link, rport(make_request("REGISTER", branch="z9hG4bK-c"))),
                await client.ask(link, rport(make_request("INVITE", "Record-Route: nothing", branch="z9hG4bK-e"))),
            ]
            assert told == [(answer.status, answer.to.tag, recorder.port) for answer in answers]
            assert [status for status, _, _ in told] == [420, 403, 400]

    run(act)


def test_a_refusal_outside_a_transaction_is_the_same_when_the_request_comes_again() -> None:
    async def act() -> None:
        async with call() as (_, client, link):
            bad = rport(make_request("INVITE", "Require: 100rel"))
            assert await client.ask(link, bad) == await client.ask(link, bad)

    run(act)


def test_an_invite_that_is_taken_back_is_answered_so() -> None:
    async def act() -> None:
        async with call() as (recorder, client, link):
            invite = rport(make_request())
            later = Request(method="INVITE", uri="sip:later@192.0.2.9", headers=invite.headers)
            link.send(write_message(later))
            cancel = rport(make_request("CANCEL"))
            link.send(write_message(cancel))
            await until(lambda: len(client.responses) == 2)
            assert [(answer.status, answer.cseq.method) for answer in client.responses] == [
                (200, "CANCEL"),
                (487, "INVITE"),
            ]
            assert recorder.cancelled == 1

    run(act)


def test_responses_and_acknowledgements_to_nothing_do_no_harm() -> None:
    async def act() -> None:
        async with call() as (recorder, client, link):
            link.send(write_message(build_response(make_request("BYE"), 200)))
            link.send(write_message(Response(status=200, headers=Headers())))
            link.send(write_message(make_request("ACK", "Max-Forwards: 999")))
            assert (await client.ask(link, rport(make_request("OPTIONS")))).status == 200
            assert recorder.errors == []
            assert recorder.agent.transports.counters == {"messages_unreadable": 1, "requests_refused": 1}

    run(act)
