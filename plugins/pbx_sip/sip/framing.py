"""Messages in a stream of bytes, as TCP and TLS carry them.

Source: RFC 3261 sections 7.5 and 18.3, RFC 5626 section 4.4.1 (keep-alive).
"""

import re
from collections.abc import Iterator
from dataclasses import replace
from enum import Enum

from plugins.pbx_sip.sip.errors import BadMessage, BadRequest, BadValue
from plugins.pbx_sip.sip.fields import parse_number
from plugins.pbx_sip.sip.message import HEAD_END, Request, Response, read_head

HEAD_BYTES_MAX = 64 * 1024
BODY_BYTES_MAX = 1024 * 1024
_END_BYTES = 4  # a blank line with the end of the line before it
_BLANKS = b"\r\n\t \0"
_FOLD = re.compile(rb"\r?\n[ \t]+")


class KeepAlive(Enum):
    """PING wants a PONG, which wants nothing."""

    PING = b"\r\n\r\n"
    PONG = b"\r\n"


Frame = Request | Response | KeepAlive


class StreamFramer:
    """Cuts one stream into messages; what stands between them and is none is passed over, up to a limit."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._searched = 0
        self._junk_bytes = 0
        self._line_ends = 0  # since the last message or ping
        self._head: Request | Response | None = None
        self._body_bytes = 0

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that are complete now; run it to its end.

        After an error the place of the next message is lost: the connection has to be closed.

        Raises: BadRequest with 400 or 413 where a request does not say usably how long it is; BadMessage.
        """
        self._buffer += data
        while True:
            if self._head is None:
                if keep_alive := self._cut_blanks():
                    yield keep_alive
                if not self._cut_head():
                    return
            if self._head is not None:
                if len(self._buffer) < self._body_bytes:
                    return
                yield self._cut_body(self._head)

    def _cut_blanks(self) -> KeepAlive | None:
        """Drop what may stand before a message: line ends, which may be a keep-alive."""
        if not self._buffer or self._buffer[0] not in _BLANKS:
            return None
        rest = self._buffer.lstrip(_BLANKS)
        line_ends = self._buffer.count(b"\n", 0, len(self._buffer) - len(rest))
        self._buffer = rest
        self._searched = 0
        self._line_ends += line_ends
        if self._line_ends >= 2:
            self._line_ends %= 2
            return KeepAlive.PING
        return KeepAlive.PONG if line_ends and not rest else None

    def _cut_head(self) -> bool:
        """Cut the lines up to the next blank line, if they are all there; whether they are a message or junk."""
        buffer = self._buffer
        end = HEAD_END.search(buffer, max(0, self._searched - _END_BYTES))
        self._searched = len(buffer)
        if (end.start() if end else len(buffer)) > HEAD_BYTES_MAX:
            raise BadMessage(f"more than {HEAD_BYTES_MAX} bytes come before the body")
        if end is None:
            return False
        block = bytes(buffer[: end.start()])
        del buffer[: end.end()]
        self._searched = 0
        self._line_ends = 0
        head = _find_head(block)
        if head is not None:
            self._body_bytes = _measure_body(head)
            self._head = head
            self._junk_bytes = 0
            return True
        self._junk_bytes += len(block)
        if self._junk_bytes > HEAD_BYTES_MAX:
            raise BadMessage("what comes is no SIP")
        return True

    def _cut_body(self, head: Request | Response) -> Request | Response:
        body = bytes(self._buffer[: self._body_bytes])
        del self._buffer[: self._body_bytes]
        self._head = None
        return replace(head, body=body)


def _find_head(block: bytes) -> Request | Response | None:
    """The message without its body; lines before its first are passed over."""
    try:
        return read_head(block)
    except BadMessage:
        lines = _FOLD.sub(b" ", block).split(b"\n")
    for place, line in enumerate(lines):
        try:
            read_head(line)
        except BadMessage:
            continue
        return read_head(b"\n".join(lines[place:]))
    return None


def _measure_body(head: Request | Response) -> int:
    """The bytes of the body; a message without a length has none unless it says what its body is."""
    lengths = set(head.headers.all("Content-Length")) or {"" if "Content-Type" in head.headers else "0"}
    try:
        length = parse_number(",".join(lengths))
    except BadValue as error:
        if isinstance(head, Request):
            raise BadRequest(400, "Bad Content-Length", head) from None
        raise BadMessage(str(error)) from None
    if length <= BODY_BYTES_MAX:
        return length
    if isinstance(head, Request):
        raise BadRequest(413, "Request Entity Too Large", head)
    raise BadMessage(f"a body of {length} bytes is too large")
