"""Whether a message is one that a server has to serve, or a client may believe.

The reader takes nearly anything; here is what must not be answered with a success.

Source: RFC 3261 sections 8.1.1, 8.1.3.3, 8.2 and 18.3; RFC 4475.
"""

from collections.abc import Collection

from plugins.pbx_sip.sip.errors import BadMessage, BadRequest, BadValue
from plugins.pbx_sip.sip.fields import parse_number
from plugins.pbx_sip.sip.message import VERSION, Request, Response
from plugins.pbx_sip.sip.params import split_list
from plugins.pbx_sip.sip.uri import SCHEMES

_NEEDED = ("Via", "From", "To", "Call-ID", "CSeq")
_SINGLE = ("From", "To", "Call-ID", "CSeq", "Max-Forwards", "Content-Length")


def check_request(request: Request, supported: Collection[str] | None = None) -> None:
    """Refuse a request that no server could serve.

    supported: option tags in small letters; without them Require is not looked at. Whoever gets a refused ACK drops it.

    Raises: BadRequest with 400, 416, 420 or 505.
    """
    if request.version != VERSION:
        raise BadRequest(505, "Version Not Supported", request)
    _check_target(request)
    for check in (_check_presence, _check_places, _check_cseq, _check_length):
        try:
            check(request)
        except BadValue as error:
            raise BadRequest(400, f"Bad Request: {_printable(error)}", request) from None
    if supported is not None and request.method not in {"ACK", "CANCEL"}:
        unknown = [tag for tag in request.tokens("Require") if tag.lower() not in supported]
        if unknown:
            raise BadRequest(420, "Bad Extension", request, (("Unsupported", ", ".join(unknown)),))


def check_response(response: Response) -> None:
    """Refuse a response that answers nothing we could have asked: it has to have one Via, and what names the request.

    Raises: BadMessage.
    """
    if len(response.headers.items("Via")) != 1:
        raise BadMessage("the response is not for us")
    try:
        _ = response.via, response.cseq, response.sender, response.to, response.call_id
    except BadValue as error:
        raise BadMessage(str(error)) from None


def _check_target(request: Request) -> None:
    try:
        target = request.target
    except BadValue as error:
        raise BadRequest(400, f"Bad Request: {_printable(error)}", request) from None
    if target.headers:
        raise BadRequest(400, "Bad Request: header fields inside the URI", request)
    if target.scheme not in SCHEMES:
        raise BadRequest(416, "Unsupported URI Scheme", request)


def _check_presence(request: Request) -> None:
    for name in _NEEDED:
        if name not in request.headers:
            raise BadValue(f"there is no {name}")
    for name in _SINGLE:
        values = request.headers.all(name)
        if len(values) > 1 and len(set(values)) > 1:
            raise BadValue(f"there is more than one {name}")


def _check_places(request: Request) -> None:
    """Via, From, To and Contact lead the way back."""
    if not all(item for value in request.headers.all("Via") for item in split_list(value)):
        raise BadValue("a Via is empty")
    _ = request.via, request.sender, request.to, request.addresses("Contact")


def _check_cseq(request: Request) -> None:
    if request.cseq.method != request.method:
        raise BadValue("the method of CSeq is another")
    hops = request.number("Max-Forwards")
    if hops is not None and hops > 255:
        raise BadValue("Max-Forwards is too large")


def _check_length(request: Request) -> None:
    length = request.headers.get("Content-Length")
    if length is not None and parse_number(length) > len(request.body):
        raise BadValue("the body is shorter than Content-Length says")


def _printable(error: BadValue) -> str:
    """What the error says, as a reason phrase may say it."""
    return "".join(sign if sign.isascii() and sign.isprintable() else "?" for sign in str(error))[:120]
