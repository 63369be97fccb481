"""Puts what a recording consists of into one store, under its keys."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from hub.catalog.prepared import MediaKind, PreparedMedia
from hub.ingest.finding import Finding, MadeFile
from hub.observe.metrics import ROOM_SECONDS
from hub.vault.placement import make_key, place
from hub.vault.stores import Stores


@dataclass(frozen=True, slots=True, kw_only=True)
class Shelf:
    """The place of one part of a recording.

    stem: what its keys begin with. read_back: verify by reading all of each object again.
    """

    stores: Stores
    store_id: int
    stem: str
    part: int
    read_back: bool

    def put_original(self, path: Path, size_bytes: int, sha256: str, finding: Finding) -> PreparedMedia:
        """Store an original file.

        Raises: BadRecording (its bytes changed since its seal); RetryLater, AuthError, StoreFault (the store).
        """
        return self._put(MediaKind.ORIGINAL, path, original_of(finding, size_bytes, sha256), finding)

    def put_made(self, folder: Path, finding: Finding) -> list[PreparedMedia]:
        """Store what the desk made of a file and wrote into `folder`.

        Raises: as `put_original`.
        """
        made = ((MediaKind.DERIVED, finding.derived), (MediaKind.PEAKS, finding.peaks))
        return [self._put(kind, folder / file.name, file, finding) for kind, file in made if file]

    def _put(self, kind: MediaKind, path: Path, file: MadeFile, finding: Finding) -> PreparedMedia:
        key = make_key(self.stem, kind, file.extension)
        began_s = time.monotonic()
        stored = place(
            self.stores, self.store_id, key, _opener(path), (file.size_bytes, file.sha256), read_back=self.read_back
        )
        ROOM_SECONDS.labels("vault").observe(time.monotonic() - began_s)
        playable = finding.browser_playable if kind is MediaKind.ORIGINAL else kind is MediaKind.DERIVED
        return PreparedMedia(
            kind=kind,
            part=self.part,
            store_id=self.store_id,
            key=stored.key,
            size_bytes=file.size_bytes,
            sha256=file.sha256,
            container=file.container,
            codec=file.codec,
            sample_rate_hz=file.sample_rate_hz,
            channels=file.channels,
            duration_s=finding.duration_s,
            bit_rate_bps=_bit_rate(file, finding) if kind is not MediaKind.PEAKS else None,
            browser_playable=playable,
            verified_by=stored.verified_by,
        )


def dropped_original(part: int, size_bytes: int, sha256: str, finding: Finding) -> PreparedMedia:
    """An original that policy does not keep: only its seal stays."""
    file = original_of(finding, size_bytes, sha256)
    return PreparedMedia(
        kind=MediaKind.ORIGINAL,
        part=part,
        store_id=None,
        key="",
        size_bytes=size_bytes,
        sha256=sha256,
        container=file.container,
        codec=file.codec,
        sample_rate_hz=file.sample_rate_hz,
        channels=file.channels,
        duration_s=finding.duration_s,
        bit_rate_bps=_bit_rate(file, finding),
        browser_playable=finding.browser_playable,
    )


def original_of(finding: Finding, size_bytes: int, sha256: str) -> MadeFile:
    """The original itself in the words of what is made of it."""
    return MadeFile(
        name="",
        size_bytes=size_bytes,
        sha256=sha256,
        container=finding.container,
        codec=finding.codec,
        extension=finding.extension,
        sample_rate_hz=finding.sample_rate_hz,
        channels=finding.channels,
    )


def _bit_rate(file: MadeFile, finding: Finding) -> int | None:
    return round(file.size_bytes * 8 / finding.duration_s) if finding.duration_s > 0 else None


def _opener(path: Path) -> Callable[[], BinaryIO]:
    return lambda: path.open("rb", buffering=0)
