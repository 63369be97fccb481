"""Requests and responses: read from bytes as tolerantly as can be, written strictly.

Only the lines are taken apart at first; a header field is understood when it is asked for.

Source: RFC 3261 sections 7, 18.3 and 25.
"""

import re
from dataclasses import dataclass, replace
from functools import cached_property

from plugins.pbx_sip.sip.address import Address, parse_address, parse_addresses
from plugins.pbx_sip.sip.errors import BadMessage, BadValue
from plugins.pbx_sip.sip.fields import ContentType, CSeq, parse_content_type, parse_cseq, parse_number
from plugins.pbx_sip.sip.headers import Field, Headers
from plugins.pbx_sip.sip.params import is_token
from plugins.pbx_sip.sip.uri import Uri, parse_uri
from plugins.pbx_sip.sip.via import Via, parse_via

VERSION = "SIP/2.0"
HEAD_END = re.compile(rb"\r?\n\r?\n")
_FOLD = re.compile(r"\n[ \t]+")
_BEFORE = b"\r\n\t \0"
_BLANK = " \t"


@dataclass(frozen=True, kw_only=True)
class Message:
    """What requests and responses have in common; names of fields are found in every spelling."""

    headers: Headers
    body: bytes = b""

    def _value(self, name: str) -> str:
        value = self.headers.get(name)
        if value is None:
            raise BadValue(f"there is no {name}")
        return value

    @cached_property
    def call_id(self) -> str:
        """Which call this belongs to. Raises: BadValue."""
        return self._value("Call-ID")

    @cached_property
    def sender(self) -> Address:
        """From. Raises: BadValue."""
        return parse_address(self._value("From"))

    @cached_property
    def to(self) -> Address:
        """To. Raises: BadValue."""
        return parse_address(self._value("To"))

    @cached_property
    def cseq(self) -> CSeq:
        """CSeq. Raises: BadValue."""
        return parse_cseq(self._value("CSeq"))

    @cached_property
    def via(self) -> Via:
        """The topmost hop. Raises: BadValue."""
        items = self.headers.items("Via")
        if not items:
            raise BadValue("there is no Via")
        return parse_via(items[0])

    @cached_property
    def contact(self) -> Address | None:
        """The first Contact; None where there is none, or "*". Raises: BadValue."""
        contacts = self.addresses("Contact")
        return contacts[0] if contacts else None

    @cached_property
    def content_type(self) -> ContentType | None:
        """What the body is; None where it is not said. Raises: BadValue."""
        value = self.headers.get("Content-Type")
        return None if value is None else parse_content_type(value)

    def addresses(self, name: str) -> tuple[Address, ...]:
        """The addresses of Contact, Record-Route, P-Asserted-Identity, Diversion and the like. Raises: BadValue."""
        return parse_addresses(self.headers.items(name))

    def tokens(self, name: str) -> tuple[str, ...]:
        """The words of Supported, Require, Allow and the like, as they were written."""
        return tuple(self.headers.items(name))

    def number(self, name: str) -> int | None:
        """The number of a field such as Max-Forwards or Min-SE; None where it is not there. Raises: BadValue."""
        value = self.headers.get(name)
        return None if value is None else parse_number(value)


@dataclass(frozen=True, kw_only=True)
class Request(Message):
    """uri: as it was written."""

    method: str
    uri: str
    version: str = VERSION

    @cached_property
    def target(self) -> Uri:
        """What the request is sent to. Raises: BadValue."""
        return parse_uri(self.uri)


@dataclass(frozen=True, kw_only=True)
class Response(Message):
    """status: 100 to 699."""

    status: int
    reason: str = ""


def read_message(data: bytes) -> Request | Response:
    """The message in a datagram, or in what a stream was cut into.

    Bytes that are no UTF-8 are kept as surrogates. The body ends where Content-Length says, or with the data where it
    says more than there is or nothing usable. A line that is no header field is left out.

    Raises: BadMessage.
    """
    data = data.lstrip(_BEFORE)
    end = HEAD_END.search(data)
    if end is None:
        return read_head(data)
    message = read_head(data[: end.start()])
    return replace(message, body=data[end.end() :][: read_body_length(message.headers)])


def read_head(head: bytes) -> Request | Response:
    """The message without its body, from the bytes up to the blank line.

    Raises: BadMessage.
    """
    text = head.decode("utf-8", "surrogateescape").replace("\r\n", "\n")
    if "\r" in text:
        text = text.replace("\r", " ")
    if "\n " in text or "\n\t" in text:
        text = _FOLD.sub(" ", text)
    start, *lines = text.split("\n")
    start = start.strip(_BLANK)
    if start[:4].upper() == "SIP/":
        return _read_status(start, _read_fields(lines))
    method, _, rest = start.partition(" ")
    uri, _, version = rest.rpartition(" ")  # blanks inside the URI are for whoever serves the request to refuse
    if not is_token(method) or version[:4].upper() != "SIP/":
        raise BadMessage(f"{start[:80]!r} begins no SIP message")
    return Request(headers=_read_fields(lines), method=method, uri=uri.strip(_BLANK), version=version.upper())


def read_body_length(headers: Headers) -> int | None:
    """The bytes of the body that the header fields promise; None where they promise nothing that can be understood."""
    value = headers.get("Content-Length")
    try:
        return None if value is None else parse_number(value)
    except BadValue:
        return None


def _read_fields(lines: list[str]) -> Headers:
    fields: list[Field] = []
    for line in lines:
        name, colon, value = line.partition(":")
        name = name.strip(_BLANK)
        if colon and name:
            fields.append((name, value.strip(_BLANK)))
    return Headers(fields)


def _read_status(start: str, headers: Headers) -> Response:
    version, _, rest = start.partition(" ")
    code, _, reason = rest.lstrip().partition(" ")
    if version.upper() != VERSION or not (len(code) == 3 and code.isascii() and code.isdecimal()):
        raise BadMessage(f"{start[:80]!r} begins no SIP message")
    if not 100 <= int(code) < 700:
        raise BadMessage(f"there is no status {code}")
    return Response(headers=headers, status=int(code), reason=reason.strip(_BLANK))


def write_message(message: Request | Response) -> bytes:
    """The bytes of a message; Content-Length is what the body has, whatever the header fields say.

    Raises: ValueError when a part would break the lines apart.
    """
    if isinstance(message, Request):
        start = f"{message.method} {message.uri} {message.version}"
    else:
        start = f"{VERSION} {message.status} {message.reason}"
    lines = [start, *(f"{name}: {value}" for name, value in message.headers.without("Content-Length"))]
    lines.append(f"Content-Length: {len(message.body)}\r\n\r\n")
    text = "\r\n".join(lines)
    if text.count("\n") != len(lines) + 1 or text.count("\r") != len(lines) + 1:
        raise ValueError(f"a line end stands inside a header field of {start[:80]!r}")
    return text.encode("utf-8", "surrogateescape") + message.body
