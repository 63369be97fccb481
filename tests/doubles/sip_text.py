"""SIP messages as text, for tests that say only what matters to them."""

from plugins.pbx_sip.sip.message import Request, Response, read_message


def sdp(host: str, *ports: int, codec: int = 0, direction: str = "sendrecv") -> str:
    """A session description with one audio section for each port."""
    media = "".join(f"m=audio {port} RTP/AVP {codec}\r\na={direction}\r\n" for port in ports)
    return f"v=0\r\no=- 1 1 IN IP4 {host}\r\ns=-\r\nc=IN IP4 {host}\r\nt=0 0\r\n{media}"


def request(method: str, call_id: str = "c1", *, caller: str = "201", called: str = "305", **more: str) -> Request:
    """A request of the caller; `tag`: that of the called one, `by_called`: sent by it; `number` of its CSeq; `body`; `headers`.

    `caller_tag`: that of the caller; `via`: who sends it, and its branch.
    """
    message = _message(f"{method} sip:{called}@pbx SIP/2.0", method, call_id, caller, called, more)
    assert isinstance(message, Request)
    return message


def response(status: str, method: str = "INVITE", call_id: str = "c1", **more: str) -> Response:
    """The answer to a request of the same call."""
    caller, called = more.pop("caller", "201"), more.pop("called", "305")
    message = _message(f"SIP/2.0 {status}", method, call_id, caller, called, {"tag": "b"} | more)
    assert isinstance(message, Response)
    return message


def _message(
    start: str, method: str, call_id: str, caller: str, called: str, more: dict[str, str]
) -> Request | Response:
    tag = f";tag={more['tag']}" if more.get("tag") else ""
    ends = [f"<sip:{caller}@pbx>;tag={more.get('caller_tag', 'a')}", f"<sip:{called}@pbx>{tag}"]
    if more.get("by_called"):
        ends.reverse()
    body = more.get("body", "")
    lines = [
        start,
        f"Via: SIP/2.0/UDP {more.get('via', '192.0.2.9;branch=z9hG4bK1')}",
        f"From: {ends[0]}",
        f"To: {ends[1]}",
        f"Call-ID: {call_id}",
        f"CSeq: {more.get('number', '1')} {method}",
        *more.get("headers", "").splitlines(),
        f"Content-Type: {more.get('content_type', 'application/sdp')}",
        f"Content-Length: {len(body)}",
    ]
    return read_message(("\r\n".join(lines) + "\r\n\r\n" + body).encode())
