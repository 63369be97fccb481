import pytest

from plugins.pbx_sip.sip.message import Request, Response
from plugins.pbx_sip.sip.responses import build_response
from plugins.pbx_sip.sip.server_transaction import InviteServerTransaction, ServerTransaction, State
from plugins.pbx_sip.sip.transaction import Transactions
from tests.unit.plugins.pbx_sip.sip.sip_doubles import Time, Wire, make_request

ACK_OF_2XX = make_request("ACK", branch="z9hG4bK-2", to_tag="b2")
ACK_OF_REFUSAL = make_request("ACK", to_tag="b2")


class Agent:
    """A user agent that takes what comes and answers by hand."""

    def __init__(self, *, is_reliable: bool = False) -> None:
        self.time = Time()
        self.wire = Wire(self.time, is_reliable=is_reliable)
        self.came: list[Request] = []
        self.answers: list[int] = []
        self.timeouts = 0
        self.transactions = Transactions(self.time.call_later, self._on_request)
        self._last: ServerTransaction | None = None

    def _on_request(self, request: Request, transaction: ServerTransaction | None) -> None:
        self.came.append(request)
        self._last = transaction or self._last

    def receive(self, request: Request) -> None:
        self.transactions.receive_request(request, self.wire)

    @property
    def last(self) -> ServerTransaction:
        assert self._last is not None
        return self._last

    @property
    def invite(self) -> InviteServerTransaction:
        assert isinstance(self.last, InviteServerTransaction)
        return self.last

    def respond(self, status: int) -> None:
        self.last.respond(build_response(self.last.request, status, tag="b2"))

    def ask(self, request: Request) -> None:
        self.transactions.request(
            request, self.wire, lambda response: self.answers.append(response.status), self._on_timeout
        )

    def _on_timeout(self) -> None:
        self.timeouts += 1

    def get(self, request: Request, status: int) -> bool:
        return self.transactions.receive_response(build_response(request, status, tag="b2"))


def test_a_request_that_comes_again_gets_the_same_answer_and_nobody_else_hears_of_it() -> None:
    agent = Agent()
    for _ in range(3):
        agent.receive(make_request("OPTIONS"))
    assert (len(agent.came), agent.wire.sent) == (1, [])
    agent.respond(200)
    agent.respond(500)
    agent.receive(make_request("OPTIONS"))
    assert agent.wire.names == ["200", "200"]
    agent.time.pass_by(31.9)
    assert len(agent.transactions) == 1
    agent.time.pass_by(0.2)
    assert len(agent.transactions) == 0
    agent.receive(make_request("OPTIONS"))
    assert len(agent.came) == 2


def test_over_a_reliable_link_nothing_lingers() -> None:
    agent = Agent(is_reliable=True)
    agent.receive(make_request("BYE"))
    agent.respond(200)
    assert len(agent.transactions) == 0
    assert agent.time.is_idle


def test_an_answer_that_takes_long_is_preceded_by_100() -> None:
    agent = Agent()
    agent.receive(make_request())
    agent.time.pass_by(0.25)
    agent.receive(make_request())
    assert agent.wire.names == ["100", "100"]
    quick = Agent()
    quick.receive(make_request())
    quick.respond(180)
    quick.time.pass_by(1)
    assert quick.wire.names == ["180"]


@pytest.mark.parametrize("is_reliable", [False, True])
def test_a_2xx_is_repeated_until_the_ack_comes(is_reliable: bool) -> None:
    agent = Agent(is_reliable=is_reliable)
    agent.receive(make_request())
    agent.respond(200)
    agent.receive(make_request())
    agent.time.pass_by(8)
    assert agent.wire.times == [0, 0.5, 1.5, 3.5, 7.5]
    agent.receive(ACK_OF_2XX)
    assert [request.method for request in agent.came] == ["INVITE", "ACK"]
    agent.invite.acknowledge()
    agent.receive(make_request())
    agent.time.pass_by(60)
    assert agent.wire.names == ["200"] * 5
    assert len(agent.transactions) == 0
    assert agent.time.is_idle


def test_a_2xx_that_is_never_acknowledged_is_given_up() -> None:
    agent = Agent()
    agent.receive(make_request())
    given_up: list[float] = []
    agent.invite.on_no_ack = lambda: given_up.append(agent.time.now)
    agent.respond(200)
    agent.time.pass_by(60)
    assert given_up == [32]
    assert agent.wire.times == [0, 0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5]


def test_a_refusal_is_repeated_until_its_ack_which_nobody_else_hears_of() -> None:
    agent = Agent()
    agent.receive(make_request())
    agent.respond(488)
    agent.time.pass_by(0.6)
    agent.receive(make_request())
    assert agent.wire.names == ["488"] * 3
    agent.receive(ACK_OF_REFUSAL)
    agent.receive(ACK_OF_REFUSAL)
    agent.receive(make_request())
    assert agent.last.state is State.CONFIRMED
    agent.time.pass_by(5)
    assert len(agent.transactions) == 0
    assert (len(agent.came), len(agent.wire.sent)) == (1, 3)


def test_a_refusal_over_a_reliable_link_is_sent_once() -> None:
    agent = Agent(is_reliable=True)
    agent.receive(make_request())
    agent.respond(503)
    agent.time.pass_by(20)
    assert agent.wire.names == ["503"]
    agent.receive(ACK_OF_REFUSAL)
    assert len(agent.transactions) == 0


def test_a_cancel_finds_the_invite_it_means() -> None:
    agent = Agent()
    agent.receive(make_request())
    invite = agent.last
    cancel = make_request("CANCEL")
    agent.receive(cancel)
    assert agent.transactions.find_cancelled(cancel) is invite
    assert agent.transactions.find_cancelled(make_request("CANCEL", branch="z9hG4bK-9")) is None
    assert len(agent.transactions) == 2


@pytest.mark.parametrize("branch", ["", "z9hG4bK", "390skdjuw"])
def test_without_a_unique_branch_the_call_and_its_number_tell_requests_apart(branch: str) -> None:
    agent = Agent()
    agent.receive(make_request(branch=branch))
    agent.receive(make_request(branch=branch))
    agent.respond(486)
    agent.receive(make_request("ACK", branch=branch, to_tag="b2"))
    assert agent.last.state is State.CONFIRMED
    agent.receive(make_request(branch=branch, number=2))
    assert [request.cseq.number for request in agent.came] == [1, 2]


def test_a_request_of_ours_is_repeated_until_it_is_answered() -> None:
    agent = Agent()
    bye = make_request("BYE")
    agent.ask(bye)
    agent.time.pass_by(4)
    assert agent.wire.times == [0, 0.5, 1.5, 3.5]
    assert agent.get(bye, 100)
    agent.time.pass_by(8)
    assert agent.wire.times[4:] == [7.5, 11.5]
    agent.get(bye, 200)
    agent.get(bye, 200)
    assert agent.answers == [100, 200]
    agent.time.pass_by(5)
    assert not agent.get(bye, 200)
    assert len(agent.transactions) == 0


def test_a_request_that_is_never_answered_times_out() -> None:
    for method, count in (("BYE", 11), ("INVITE", 7)):
        agent = Agent()
        agent.ask(make_request(method))
        agent.time.pass_by(100)
        assert (agent.timeouts, len(agent.wire.sent), len(agent.transactions)) == (1, count, 0)
        reliable = Agent(is_reliable=True)
        reliable.ask(make_request(method))
        reliable.time.pass_by(100)
        assert (reliable.timeouts, len(reliable.wire.sent)) == (1, 1)


def test_an_invite_of_ours_that_rings_is_not_repeated_and_waits() -> None:
    agent = Agent()
    invite = make_request()
    agent.ask(invite)
    agent.time.pass_by(0.1)
    agent.get(invite, 180)
    agent.time.pass_by(100)
    assert (agent.wire.times, agent.timeouts) == ([0], 0)
    agent.get(invite, 200)
    agent.get(invite, 200)
    assert agent.answers == [180, 200, 200]
    agent.time.pass_by(32)
    assert len(agent.transactions) == 0


@pytest.mark.parametrize(("is_reliable", "acks"), [(False, 2), (True, 1)])
def test_a_refusal_of_our_invite_is_acknowledged_as_often_as_it_comes(is_reliable: bool, acks: int) -> None:
    agent = Agent(is_reliable=is_reliable)
    invite = make_request("INVITE", "Route: <sip:p1;lr>", "Route: <sip:p2;lr>", to_tag="b2")
    agent.ask(invite)
    agent.get(invite, 491)
    agent.get(invite, 491)
    ack, *more = agent.wire.messages[1:]
    assert len(more) == acks - 1
    assert isinstance(ack, Request)
    assert (ack.method, str(ack.cseq), ack.via.branch) == ("ACK", "1 ACK", "z9hG4bK-1")
    assert (ack.uri, ack.to.tag, len(ack.tokens("Route"))) == (invite.uri, "b2", 2)
    assert agent.answers == [491]
    agent.time.pass_by(32)
    assert len(agent.transactions) == 0


def test_a_response_to_nothing_we_asked_is_not_taken() -> None:
    agent = Agent()
    assert not agent.get(make_request("BYE"), 200)


def test_at_the_end_nothing_is_left_running() -> None:
    agent = Agent()
    agent.receive(make_request())
    agent.ask(make_request("BYE"))
    agent.transactions.close()
    assert len(agent.transactions) == 0
    assert agent.time.is_idle


def test_more_requests_than_can_be_kept_are_turned_away(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("plugins.pbx_sip.sip.transaction.SERVERS_MAX", 1)
    agent = Agent()
    agent.receive(make_request())
    agent.receive(make_request("OPTIONS"))
    refusal = agent.wire.messages[0]
    assert isinstance(refusal, Response)
    assert (refusal.status, refusal.headers.get("Retry-After")) == (503, "10")
    assert len(agent.came) == 1
