"""Transports and transactions joined: what comes is checked, told apart and handed on; what is refused is answered.

Source: RFC 3261 sections 8.2, 8.2.7 and 9.2.
"""

import asyncio
import hashlib
import ssl
from collections.abc import Callable, Collection

from plugins.pbx_sip.sip.dialog import make_tag
from plugins.pbx_sip.sip.errors import BadMessage, BadRequest, BadValue
from plugins.pbx_sip.sip.link import Link
from plugins.pbx_sip.sip.message import Request, Response, write_message
from plugins.pbx_sip.sip.responses import build_response
from plugins.pbx_sip.sip.server_transaction import ServerTransaction
from plugins.pbx_sip.sip.transaction import Transactions
from plugins.pbx_sip.sip.transport import Limits, Transports
from plugins.pbx_sip.sip.validity import check_request, check_response

Serve = Callable[[Request, ServerTransaction], None]
"""Answers a request through its transaction, now or later; may raise BadRequest or BadValue to refuse it."""

FAULT = "Server Internal Error"
"""The reason of a 500 where serving itself failed."""

OnRefusal = Callable[[BadRequest, Response, Link], None]


class UserAgent:
    """One end of SIP. Make it inside a running loop, then let its transports listen.

    on_refusal: told of each refusal and its answer before it is sent, of a 500 after that.
    """

    def __init__(
        self,
        serve: Serve,
        acknowledge: Callable[[Request], None],
        on_error: Callable[[Exception], None],
        supported: Collection[str],
        limits: Limits | None = None,
        tls_client: ssl.SSLContext | None = None,
    ) -> None:
        """serve: gets every request but ACK and CANCEL. acknowledge: gets the ACK of each 2xx.

        on_error: told when serve failed; the request gets a 500. supported: option tags in small letters.
        """
        self.on_refusal: OnRefusal = lambda *_: None
        self.transports = Transports(self._receive, on_error, limits, tls_client)
        self.transactions = Transactions(asyncio.get_running_loop().call_later, self._on_request)
        self._serve = serve
        self._acknowledge = acknowledge
        self._supported = supported

    async def close(self) -> None:
        """End every transaction and close every socket."""
        self.transactions.close()
        await self.transports.close()

    def _receive(self, message: Request | Response, link: Link) -> None:
        try:
            if isinstance(message, Request):
                check_request(message, self._supported)
                self.transactions.receive_request(message, link)
            else:
                check_response(message)
                self.transactions.receive_response(message)
        except BadMessage:
            self.transports.count("messages_unreadable")
        except BadRequest as refusal:
            self.transports.count("requests_refused")
            if refusal.request.method != "ACK":
                link.send(write_message(self._refuse(refusal, _stable_tag(refusal.request), link)))

    def _on_request(self, request: Request, transaction: ServerTransaction | None) -> None:
        if transaction is None:
            self._acknowledge(request)
            return
        try:
            if request.method == "CANCEL":
                self._cancel(request, transaction)
            else:
                self._serve(request, transaction)
        except BadRequest as refusal:
            transaction.respond(self._refuse(refusal, make_tag(), transaction.link))
        except BadValue:
            bad = BadRequest(400, "Bad Request", request)
            transaction.respond(self._refuse(bad, make_tag(), transaction.link))
        except Exception:
            fault = BadRequest(500, FAULT, request)
            response = build_response(request, 500, tag=make_tag())
            transaction.respond(response)
            self.on_refusal(fault, response, transaction.link)
            raise

    def _cancel(self, request: Request, transaction: ServerTransaction) -> None:
        invite = self.transactions.find_cancelled(request)
        tag = make_tag()
        transaction.respond(build_response(request, 200 if invite else 481, tag=tag))
        if invite:
            invite.cancel(build_response(invite.request, 487, tag=tag))

    def _refuse(self, refusal: BadRequest, tag: str, link: Link) -> Response:
        response = build_response(refusal.request, refusal.status, refusal.reason, tag=tag, headers=refusal.headers)
        self.on_refusal(refusal, response, link)
        return response


def _stable_tag(request: Request) -> str:
    """A tag that is the same when the request comes again: no transaction remembers it."""
    ways = "".join(request.headers.all("Via")).encode("utf-8", "surrogateescape")
    return hashlib.sha256(ways).hexdigest()[:16]
