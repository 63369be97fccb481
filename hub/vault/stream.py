"""Media on its way out of the vault: what a web page needs to serve it in ranges."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from hub.errors import HubError


class FileMissing(HubError):
    """Every store that should hold it answered, and none has it."""

    def __init__(self, message: str = "The audio is not in any store any more.", *, hint: str = "") -> None:
        super().__init__(message, hint=hint)


class StoreAway(HubError):
    """No store that may hold it answers now."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MediaStream:
    """One media object of a recording; etag: its SHA-256, as its bytes never change.

    reader: opens `length` bytes (None: to the end) from byte `offset`; the caller closes it.
    """

    size_bytes: int
    content_type: str
    filename: str
    etag: str
    reader: Callable[[int, int | None], BinaryIO]

    def open(self, offset: int = 0, length: int | None = None) -> BinaryIO:
        """Read a range.

        Raises: FileMissing; StoreAway.
        """
        return self.reader(offset, length)
