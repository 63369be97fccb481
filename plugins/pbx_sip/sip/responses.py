"""Answers to requests.

Source: RFC 3261 sections 8.2.6 and 21; RFC 4028, 4412, 6665 and 7866 for the later statuses.
"""

from collections.abc import Iterable
from dataclasses import replace
from http import HTTPStatus

from plugins.pbx_sip.sip.headers import Field, Headers, expand_name
from plugins.pbx_sip.sip.message import Request, Response

REASONS = {
    100: "Trying",
    180: "Ringing",
    183: "Session Progress",
    200: "OK",
    202: "Accepted",
    300: "Multiple Choices",
    301: "Moved Permanently",
    302: "Moved Temporarily",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    405: "Method Not Allowed",
    406: "Not Acceptable",
    407: "Proxy Authentication Required",
    408: "Request Timeout",
    413: "Request Entity Too Large",
    415: "Unsupported Media Type",
    416: "Unsupported URI Scheme",
    420: "Bad Extension",
    421: "Extension Required",
    422: "Session Interval Too Small",
    423: "Interval Too Brief",
    480: "Temporarily Unavailable",
    481: "Call/Transaction Does Not Exist",
    482: "Loop Detected",
    483: "Too Many Hops",
    486: "Busy Here",
    487: "Request Terminated",
    488: "Not Acceptable Here",
    489: "Bad Event",
    491: "Request Pending",
    500: "Server Internal Error",
    501: HTTPStatus.NOT_IMPLEMENTED.phrase,
    503: "Service Unavailable",
    504: "Server Time-out",
    505: "Version Not Supported",
    513: "Message Too Large",
    603: "Decline",
}
_COPIED = {"via", "from", "to", "call-id", "cseq"}


def trim_request(request: Request) -> Request:
    """What is worth keeping of a request once it is answered: the fields that every response copies."""
    return replace(
        request, headers=Headers(field for field in request.headers if expand_name(field[0]) in _COPIED), body=b""
    )


def build_response(
    request: Request,
    status: int,
    reason: str = "",
    *,
    tag: str = "",
    headers: Iterable[Field] = (),
    body: bytes = b"",
) -> Response:
    """The answer to a request: what has to be copied of it, then the given header fields.

    reason: the usual one unless given. tag: set in To unless the request has one there already.
    """
    copied = {"record-route", *_COPIED} if 100 < status < 300 else _COPIED
    fields: list[Field] = []
    for name, value in request.headers:
        key = expand_name(name)
        if key not in copied:
            continue
        needs_tag = tag and key == "to" and ";tag=" not in value.rpartition(">")[2].replace(" ", "").lower()
        fields.append((name, f"{value};tag={tag}" if needs_tag else value))
    return Response(
        headers=Headers([*fields, *headers]), body=body, status=status, reason=reason or REASONS.get(status, "")
    )
