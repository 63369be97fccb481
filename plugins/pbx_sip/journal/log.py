"""The segments of a journal as one log: written at its new end, freed at its old end."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from plugins.pbx_sip.journal.batch import Batch
from plugins.pbx_sip.journal.entries import Place
from plugins.pbx_sip.journal.flush import Flush
from plugins.pbx_sip.journal.layout import BATCH_BYTES_MAX, PAGE_BYTES, Bytes
from plugins.pbx_sip.journal.seals import Seals
from plugins.pbx_sip.journal.segment import SegmentWriter, segment_path

_BEFORE = 1  # the number of all writes of other processes


class Log:
    """Segment files, of which only the newest is written to. sizes: bytes of each."""

    def __init__(self, folder: Path, sizes: dict[int, int], segment_bytes: int, seals: Seals) -> None:
        """Go on, in a new segment, behind those that there are."""
        self.sizes = sizes
        self.segment_bytes = min(segment_bytes, BATCH_BYTES_MAX)
        self._folder = folder
        self._seals = seals
        self._flush = Flush(folder, sizes, _BEFORE)
        self._written = _BEFORE
        self._needed_until = dict.fromkeys(sizes, _BEFORE)
        self._writer: SegmentWriter | None = None

    def write(self, batch: Batch, data: Sequence[Bytes]) -> tuple[int, int]:
        """Write a batch and what follows its tables, all of it or nothing.

        Returns: the segment, and where the data begins there.
        Raises: OSError; ValueError (too much at once).
        """
        size_bytes = batch.head_bytes + PAGE_BYTES + batch.data_bytes
        if size_bytes > BATCH_BYTES_MAX:
            raise ValueError(f"{size_bytes} bytes are too many to be written at once")
        if len(batch.replaced):
            self._end_segment()
        writer = self._open(size_bytes)
        batch = replace(batch, padding_bytes=writer.find_padding(batch.head_bytes, data))
        data_at = writer.size_bytes + batch.head_bytes + batch.padding_bytes
        writer.write([batch.encode(writer.salt, writer.number, writer.size_bytes, self._seals), *data])
        self.sizes[writer.number] = writer.size_bytes
        self._written = self._flush.add(writer.number)
        if len(batch.replaced):
            self._needed_until |= dict.fromkeys(batch.replaced["segment"].tolist(), self._written)
            self._end_segment()
        return writer.number, data_at

    def sync(self) -> None:
        """Wait until all that was written before is on the disk; from any thread. Raises: OSError."""
        self._flush.run()

    def older(self) -> list[int]:
        """All segments but the newest, whose number must not be given again, oldest first."""
        return sorted(self.sizes)[:-1]

    @property
    def end(self) -> Place:
        """The place before which all lies that was written."""
        newest = max(self.sizes, default=0)
        return newest, self.sizes.get(newest, 0)

    def hold(self, number: int) -> None:
        """Free a segment only when the next write is on the disk."""
        self._needed_until[number] = self._written + 1

    def free(self, number: int) -> int:
        """Delete a segment, unless what is written instead of it may not be on the disk yet.

        Returns: bytes freed.
        Raises: OSError.
        """
        if self._needed_until.get(number, 0) > self._flush.done:
            return 0
        segment_path(self._folder, number).unlink(missing_ok=True)
        self._needed_until.pop(number, None)
        return self.sizes.pop(number)

    def close(self) -> None:
        """Bring all to the disk. Raises: OSError."""
        self._end_segment()
        self.sync()

    def _open(self, size_bytes: int) -> SegmentWriter:
        """The segment in which there is room for so much."""
        writer = self._writer
        if writer is None or not writer.has_room(size_bytes, self.segment_bytes):
            self._end_segment()
            writer = self._writer = SegmentWriter(self._folder, max(self.sizes, default=0) + 1, self._seals)
            self.sizes[writer.number] = writer.size_bytes
        return writer

    def _end_segment(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None
