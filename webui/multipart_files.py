"""Files out of a submitted form as they arrive: nothing is kept in memory but the chunk that is at hand."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header
from starlette.exceptions import HTTPException
from starlette.requests import Request

if TYPE_CHECKING:
    from python_multipart.multipart import MultipartCallbacks

_BAD_REQUEST = 400


@dataclass(frozen=True, slots=True)
class FileBegins:
    """A file follows. name: as the browser sent it, which may be anything."""

    name: str


class FileEnds:
    """All of the file was there."""


Piece = FileBegins | bytes | FileEnds


async def file_pieces(request: Request) -> AsyncIterator[Piece]:
    """The files of a form one after the other; other fields are left out.

    Raises: HTTPException 400 where the body is no form with files; ClientDisconnect.
    Source: RFC 7578.
    """
    kind, options = parse_options_header(request.headers.get("content-type", ""))
    if kind != b"multipart/form-data" or b"boundary" not in options:
        raise HTTPException(_BAD_REQUEST, "This is no form with files.")
    parts = _Parts()
    try:
        parser = MultipartParser(options[b"boundary"], parts.callbacks)
        async for chunk in request.stream():
            parser.write(chunk)
            for piece in parts.take():
                yield piece
        parser.finalize()
    except FormParserError as exc:
        raise HTTPException(_BAD_REQUEST, "The form cannot be read.") from exc


class _Parts:
    """What the parser finds in one chunk."""

    def __init__(self) -> None:
        self._pieces: list[Piece] = []
        self._field = b""
        self._value = b""
        self._disposition = b""
        self._is_file = False

    @property
    def callbacks(self) -> "MultipartCallbacks":
        """For the parser."""
        return {
            "on_part_begin": self._begin,
            "on_header_field": self._header_field,
            "on_header_value": self._header_value,
            "on_header_end": self._header_end,
            "on_headers_finished": self._headers_finished,
            "on_part_data": self._data,
            "on_part_end": self._end,
        }

    def take(self) -> list[Piece]:
        """What was found since the last time."""
        found, self._pieces = self._pieces, []
        return found

    def _begin(self) -> None:
        self._disposition, self._is_file = b"", False

    def _header_field(self, data: bytes, start: int, end: int) -> None:
        self._field += data[start:end]

    def _header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def _header_end(self) -> None:
        if self._field.lower() == b"content-disposition":
            self._disposition = self._value
        self._field = self._value = b""

    def _headers_finished(self) -> None:
        _, options = parse_options_header(self._disposition)
        if name := options.get(b"filename"):
            self._is_file = True
            self._pieces.append(FileBegins(name.decode("utf-8", "replace")))

    def _data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self._pieces.append(data[start:end])

    def _end(self) -> None:
        if self._is_file:
            self._pieces.append(FileEnds())
