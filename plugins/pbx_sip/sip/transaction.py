"""Which transaction a message belongs to.

Source: RFC 3261 sections 17.1.3 and 17.2.3; section 9.2 for CANCEL.
"""

from collections.abc import Callable, Hashable
from dataclasses import replace

from plugins.pbx_sip.sip.client_transaction import ClientTransaction, InviteClientTransaction
from plugins.pbx_sip.sip.link import Link
from plugins.pbx_sip.sip.message import Request, Response, write_message
from plugins.pbx_sip.sip.responses import build_response
from plugins.pbx_sip.sip.server_transaction import InviteServerTransaction, ServerTransaction, State
from plugins.pbx_sip.sip.timers import Callback, CallLater
from plugins.pbx_sip.sip.via import MAGIC_COOKIE

SERVERS_MAX = 100_000

OnRequest = Callable[[Request, ServerTransaction | None], None]
"""Gets each new request with its transaction; an ACK of a 2xx, and it alone, comes without one."""


class Transactions:
    """All transactions of one user agent."""

    def __init__(self, call_later: CallLater, on_request: OnRequest) -> None:
        self._call_later = call_later
        self._on_request = on_request
        self._servers: dict[Hashable, ServerTransaction] = {}
        self._clients: dict[Hashable, ClientTransaction] = {}

    def __len__(self) -> int:
        return len(self._servers) + len(self._clients)

    def receive_request(self, request: Request, link: Link) -> None:
        """A request that was checked came over a link."""
        key = make_server_key(request)
        known = self._servers.get(key)
        if request.method == "ACK":
            if isinstance(known, InviteServerTransaction) and known.state in {State.COMPLETED, State.CONFIRMED}:
                known.acknowledge()
            else:
                self._on_request(request, None)
        elif known is not None:
            known.repeat(link)
        elif len(self._servers) >= SERVERS_MAX:
            link.send(write_message(build_response(request, 503, headers=[("Retry-After", "10")])))
        else:
            kind = InviteServerTransaction if request.method == "INVITE" else ServerTransaction
            transaction = self._servers[key] = kind(request, link, self._call_later)
            transaction.on_end = lambda: self._forget_server(key)
            self._on_request(request, transaction)

    def receive_response(self, response: Response) -> bool:
        """A response that was checked came.

        Returns: whether it answers a request of ours.
        """
        transaction = self._clients.get((response.via.branch, response.cseq.method))
        if transaction is None:
            return False
        transaction.receive(response)
        return True

    def find_cancelled(self, cancel: Request) -> InviteServerTransaction | None:
        """The INVITE that a CANCEL means, if it is known."""
        invite = self._servers.get(make_server_key(replace(cancel, method="INVITE")))
        return invite if isinstance(invite, InviteServerTransaction) else None

    def request(
        self,
        request: Request,
        link: Link,
        on_response: Callable[[Response], None],
        on_timeout: Callback,
    ) -> ClientTransaction:
        """Send a request of ours, whose topmost Via has a branch of its own."""
        key = (request.via.branch, request.method)
        kind = InviteClientTransaction if request.method == "INVITE" else ClientTransaction
        transaction = self._clients[key] = kind(request, link, self._call_later, on_response, on_timeout)
        transaction.on_end = lambda: self._forget_client(key)
        transaction.start()
        return transaction

    def close(self) -> None:
        """End every transaction without a word."""
        for server in tuple(self._servers.values()):
            server.end()
        for client in tuple(self._clients.values()):
            client.end()

    def _forget_server(self, key: Hashable) -> None:
        self._servers.pop(key, None)

    def _forget_client(self, key: Hashable) -> None:
        self._clients.pop(key, None)


def make_server_key(request: Request) -> Hashable:
    """What is the same in a request, its repetitions and the ACK of its refusal.

    Without a branch that is unique (RFC 2543) it is what names the call, the request and the way it came.

    Raises: BadValue.
    """
    via = request.via
    method = "INVITE" if request.method == "ACK" else request.method
    branch = via.branch
    if branch.startswith(MAGIC_COOKIE) and len(branch) > len(MAGIC_COOKIE):
        return branch, via.sent_by, method
    sender = request.sender
    return request.uri, sender.tag, request.call_id, request.cseq.number, str(via), method
