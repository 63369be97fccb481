"""Contract of a migrator: it reads a legacy recorder."""

from abc import abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from hub.sdk.plugin import Plugin, S
from hub.sdk.recording import RecordingDraft


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """What is there, before anything is taken."""

    recordings: int
    media_bytes: int | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class LegacyItem:
    """One legacy recording; `cursor` sorts strictly upwards, so that a run can go on after it."""

    cursor: str
    draft: RecordingDraft


class Migrator(Plugin[S]):
    """Reads a legacy recorder and never writes to it; the hub owns progress, retries and verification."""

    @abstractmethod
    def survey(self) -> Survey:
        """Count without reading media."""

    @abstractmethod
    def read(self, after: str, batch: int) -> Iterator[Sequence[LegacyItem]]:
        """Batches of at most `batch` items with a cursor above `after` ("": from the start).

        Raises: RetryLater, AuthError. What is wrong with one item stands in its draft's `problem`.
        """
