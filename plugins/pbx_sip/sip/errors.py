"""What can be wrong with SIP that others sent."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from plugins.pbx_sip.sip.message import Request


class SipError(ValueError):
    """Something that others sent does not follow SIP."""


class BadMessage(SipError):
    """The bytes are no SIP message; nobody can be answered."""


class BadValue(SipError):
    """A header field or URI does not say what it has to."""


class BadRequest(SipError):
    """A request that cannot be served.

    status and reason belong into the answer, as do the fields in headers; request is what could be read of it, enough
    to answer.
    """

    def __init__(self, status: int, reason: str, request: "Request", headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(f"{status} {reason}")
        self.status = status
        self.reason = reason
        self.request = request
        self.headers = headers
