"""Media on its way to a listener: whole, or the range that a player asks for."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import BinaryIO
from urllib.parse import quote

from anyio import CancelScope, to_thread
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from hub.observe.metrics import PLAYED_BYTES
from hub.vault.stream import MediaStream

_CHUNK_BYTES = 131_072
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Span:
    """Bytes from `offset`, `length` of them."""

    offset: int
    length: int


class Unsatisfiable(ValueError):
    """The range begins behind the end."""


def span_of(header: str | None, size_bytes: int) -> Span | None:
    """The one range that a header asks for; None for all of it, also where the header asks for several.

    Raises: Unsatisfiable.
    Source: RFC 9110 section 14.2: a server may ignore the Range header.
    """
    match = _RANGE.fullmatch((header or "").strip())
    if match is None or match.groups() == ("", ""):
        return None
    first, last = match.groups()
    if not first:  # the last so many bytes
        length = min(int(last), size_bytes)
        if length == 0:
            raise Unsatisfiable
        return Span(size_bytes - length, length)
    if last and int(last) < int(first):
        return None
    if int(first) >= size_bytes:
        raise Unsatisfiable
    end = min(int(last) if last else size_bytes - 1, size_bytes - 1)
    return Span(int(first), end - int(first) + 1)


def media_response(
    request: Request, stream: MediaStream, *, form: str, download: bool, ranges: bool = True
) -> Response:
    """Serve `stream`; it is opened here, so that a missing file can still be told by the status.

    form: what is served, for the metrics: "play" or "original". download: to be saved under its name, not played.
    ranges: whether parts of it can be asked for.
    Raises: FileMissing, StoreAway; HTTPException 416.
    """
    etag = f'"{stream.etag}"'
    headers = {
        "Accept-Ranges": "bytes" if ranges else "none",
        "ETag": etag,
        "Cache-Control": "private, no-store",
        "Content-Disposition": _disposition(stream.filename, download=download),
    }
    wanted = request.headers.get("range")
    if not ranges or request.headers.get("if-range", etag) != etag:
        wanted = None
    try:
        span = span_of(wanted, stream.size_bytes)
    except Unsatisfiable:
        size = {"Content-Range": f"bytes */{stream.size_bytes}"}
        raise HTTPException(416, "The range begins behind the end.", headers=size) from None
    whole = span is None
    span = span or Span(0, stream.size_bytes)
    headers["Content-Length"] = str(span.length)
    if not whole:
        headers["Content-Range"] = f"bytes {span.offset}-{span.offset + span.length - 1}/{stream.size_bytes}"
    if request.method == "HEAD":
        return Response(status_code=200 if whole else 206, headers=headers, media_type=stream.content_type)
    answer = _MediaResponse(stream.open(span.offset, span.length), form, headers, stream.content_type)
    answer.status_code = 200 if whole else 206
    return answer


class _MediaResponse(StreamingResponse):
    """A reader's bytes in chunks, each read in a thread; closed in any case, also when the listener goes away."""

    def __init__(self, reader: BinaryIO, form: str, headers: dict[str, str], content_type: str) -> None:
        super().__init__(self._chunks(), headers=headers, media_type=content_type)
        self._reader = reader
        self._form = form

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await super().__call__(scope, receive, send)
        finally:
            with CancelScope(shield=True):
                await to_thread.run_sync(self._reader.close)

    async def _chunks(self) -> AsyncIterator[bytes]:
        while chunk := await to_thread.run_sync(self._reader.read, _CHUNK_BYTES):
            PLAYED_BYTES.labels(self._form).inc(len(chunk))
            yield chunk


def _disposition(filename: str, *, download: bool) -> str:
    """How the browser names it; source: RFC 6266 with the UTF-8 form of RFC 8187."""
    kind = "attachment" if download else "inline"
    plain = re.sub(r'[^\x20-\x7e]|["\\%]', "_", filename)
    return f"{kind}; filename=\"{plain}\"; filename*=utf-8''{quote(filename, safe='')}"
