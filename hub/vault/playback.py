"""Media for listeners: in a form that a browser plays, in ranges, from the first store that answers."""

import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from typing import BinaryIO

import structlog

from hub.catalog.prepared import MediaKind
from hub.catalog.recording import Media, RecordingDetail, StoredCopy
from hub.errors import HubError
from hub.sdk import NotFound, PluginError
from hub.vault.formats import content_type, extension
from hub.vault.peaks import HEADER_BYTES, find_level
from hub.vault.stores import Stores
from hub.vault.stream import FileMissing, MediaStream, StoreAway

PLAY, ORIGINAL, PARALLEL = "play", "original", "parallel"
_DEADLINE_S = 10.0
_AVOIDED_S = 30.0  # a store that did not answer is asked last for this long
_FIRST_READ_BYTES = 32 * 1024
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class PlaybackProblem:
    """Why a recording cannot be played now. away: a store that has it does not answer; otherwise it is missing."""

    away: bool
    text: str


class Playback:
    """Opens media of recordings that the caller may see; safe to call from several threads."""

    def __init__(self, stores: Stores, *, deadline_s: float = _DEADLINE_S) -> None:
        self._stores = stores
        self._deadline_s = deadline_s
        self._avoid_until_s: dict[int, float] = {}

    def open(self, recording: RecordingDetail, form: str = PLAY, part: int = 0) -> MediaStream:
        """One media object of a recording.

        form: "play" (what a browser plays), "original", "parallel" (the same call as another device recorded it: each
        is a part), or a stored form by its extension, such as "opus".
        Raises: FileMissing if there is no such form.
        """
        media = _choose(recording, form, part)
        if media is None:
            raise FileMissing(_describe_lack(recording, form))
        kind = {MediaKind.ORIGINAL: ".orig", MediaKind.PARALLEL: ".parallel"}.get(media.kind, "")
        number = f"-{part}" if part else ""
        began = recording.started_at.strftime("%Y-%m-%d_%H-%M-%S")
        return MediaStream(
            size_bytes=media.size_bytes,
            content_type=content_type(media.container),
            filename=f"{began}_{recording.text_id}{number}{kind}.{extension(media.container, media.codec)}",
            etag=media.sha256,
            reader=lambda offset, length: self._read(media, offset, length),
        )

    def peaks(self, recording: RecordingDetail, level: int, part: int = 0) -> bytes:
        """One level of the waveform, as a peaks object of its own (layout: `hub.vault.peaks`).

        Raises: FileMissing, also if it was never measured; StoreAway.
        """
        media = next((each for each in recording.media if each.kind is MediaKind.PEAKS and each.part == part), None)
        if media is None:
            raise FileMissing("This recording has no waveform.")
        with closing(self._read(media, 0, _FIRST_READ_BYTES)) as reader:
            head = reader.read()
        try:
            found = find_level(head[:HEADER_BYTES], level)
        except ValueError as exc:
            raise FileMissing(f"The waveform of this recording is damaged: {exc}.") from exc
        data = head[found.offset : found.offset + found.size_bytes]
        if len(data) < found.size_bytes:
            offset = found.offset + len(data)
            with closing(self._read(media, offset, found.size_bytes - len(data))) as reader:
                data += reader.read()
        return found.wrap(data)

    def problem(self, recording: RecordingDetail) -> PlaybackProblem | None:
        """Why it cannot be played now, None if it can."""
        try:
            self.open(recording).open(0, 1).close()
        except FileMissing as exc:
            return PlaybackProblem(away=False, text=str(exc))
        except StoreAway as exc:
            return PlaybackProblem(away=True, text=f"{exc} {exc.hint}".strip())
        return None

    def close(self) -> None:
        """Nothing is held between calls."""

    def _read(self, media: Media, offset: int, length: int | None) -> BinaryIO:
        """Open it in the first store that has it and answers."""
        away: HubError | PluginError | None = None
        for copy in self._in_order(media):
            try:
                return self._open_copy(copy, offset, length)
            except NotFound:
                _log.error("object.missing", store_id=copy.store_id, key=copy.key)
            except (HubError, PluginError) as exc:
                _log.warning("store.away", store_id=copy.store_id, reason=str(exc))
                self._avoid_until_s[copy.store_id] = time.monotonic() + _AVOIDED_S
                away = exc
        if away is not None:
            raise StoreAway(f"{self._stores.name(media.copies[0].store_id)} does not answer: {away}", hint=away.hint)
        raise FileMissing

    def _open_copy(self, copy: StoredCopy, offset: int, length: int | None) -> BinaryIO:
        opened = self._stores.open(copy.store_id, copy.key, offset, length, deadline_s=self._deadline_s)
        try:
            opened.peek(1)  # some stores find out only when they are read
        except BaseException:
            opened.close()
            raise
        return opened

    def _in_order(self, media: Media) -> Iterator[StoredCopy]:
        """Copies in the order of their making, those in stores that were away just now at the end."""
        now_s = time.monotonic()
        yield from sorted(media.copies, key=lambda copy: self._avoid_until_s.get(copy.store_id, 0.0) > now_s)


def _choose(recording: RecordingDetail, form: str, part: int) -> Media | None:
    stored = [media for media in recording.media if media.part == part and media.copies]
    if form == PARALLEL:
        return next((media for media in stored if media.kind is MediaKind.PARALLEL), None)
    found = [media for media in stored if media.kind is not MediaKind.PARALLEL]
    if form == PLAY:
        playable = [media for media in found if media.browser_playable]
        return next(iter(sorted(playable, key=lambda media: media.kind is not MediaKind.DERIVED)), None)
    if form == ORIGINAL:
        return next((media for media in found if media.kind is MediaKind.ORIGINAL), None)
    forms = (media for media in found if media.kind is not MediaKind.PEAKS)
    return next((media for media in forms if extension(media.container, media.codec) == form), None)


def _describe_lack(recording: RecordingDetail, form: str) -> str:
    if form == ORIGINAL:
        return "The original was not kept; its seal is."
    if form == PLAY and recording.problem:
        return f"This recording cannot be played: {recording.problem[1]}."
    return "This recording has no such form." if form != PLAY else "This recording has no form that a browser plays."
