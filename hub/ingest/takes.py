"""Background work: what a recording lacks is filled from another device's recording of the same call."""

import hashlib
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import structlog

from hub import ids
from hub.catalog.errors import NoSuchMedia
from hub.catalog.mended_timeline import FilledSpan
from hub.catalog.prepared import MediaKind, PreparedMedia, TakeState
from hub.catalog.recording import Media, RecordingDetail
from hub.catalog.takes import KnownTake, Taken, complete, find_takes
from hub.clock import to_ms
from hub.config.policy import HubPreferences, MediaPolicy, Verification
from hub.db.database import Database
from hub.ingest.committer import FILL
from hub.ingest.desk_pool import DeskFailed, DeskPool
from hub.ingest.fetching import fetch
from hub.ingest.finding import Finding, MadeFile
from hub.ingest.mending import MENDED_NAME, Mended, Order
from hub.ingest.preparation import wanted_by
from hub.ingest.shelf import Shelf, original_of
from hub.ingest.work import Devices
from hub.jobs.context import Handler, JobContext
from hub.jobs.job import NewJob, Rule
from hub.jobs.queue import enqueue_all
from hub.sdk import EventKind, Party, RetryLater, TimelineEvent
from hub.vault.copies import copy_job, free_job
from hub.vault.placement import make_stem
from hub.vault.stores import Stores

RULES = {FILL: Rule(attempts=3, longest_s=4 * 3600.0)}
_KEY_MARGIN_S, _KEY_S = 0.05, 0.1
_AT_END_S = 0.05
_FOREVER_S = 1e6
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Work:
    """A recording and the take that it is filled from."""

    recording: RecordingDetail
    take: KnownTake
    is_filled: bool

    @property
    def base(self) -> Media | None:
        """The sound as it is now: what was filled before, otherwise the original."""
        media = [each for each in self.recording.media if each.part == 0 and each.copies]
        original = next((each for each in media if each.kind is MediaKind.ORIGINAL), None)
        derived = next((each for each in media if each.kind is MediaKind.DERIVED), None)
        return (derived or original) if self.is_filled else (original or derived)

    @property
    def parallel(self) -> Media | None:
        """The take's own sound."""
        mine = (each for each in self.recording.media if each.kind is MediaKind.PARALLEL and each.copies)
        return next((each for each in mine if each.part == self.take.part), None)


class TakeFills:
    """The handler of this kind of job.

    preferred: what people prefer now. scratch: a folder with room for the sound of two recordings.
    """

    def __init__(
        self, db: Database, stores: Stores, scratch: Path, preferred: Callable[[], HubPreferences], devices: Devices
    ) -> None:
        self._db = db
        self._stores = stores
        self._scratch = scratch
        self._preferred = preferred
        self._devices = devices
        self._desks = DeskPool(1)  # its own, so that no long recording holds up a short one

    def handlers(self) -> Mapping[str, Handler]:
        """What a worker of `hub.jobs` is given."""
        return {FILL: self.fill}

    def close(self) -> None:
        """End the desk, also at work."""
        self._desks.kill()
        self._desks.close()

    def fill(self, job: JobContext) -> None:
        """Fill one recording from each of its takes that waits.

        Raises: RetryLater; DeskCrashed (counted, and given up after a few); JobHopeless (no intact copy is left).
        """
        recording_id = ids.from_text(job.payload["recording"])
        try:
            while work := self._find_work(recording_id):
                job.check()
                self._fill_one(job, work)
        except NoSuchMedia as exc:
            _log.info("take.gone_meanwhile", recording_id=ids.to_text(recording_id), reason=str(exc))
        finally:
            self._desks.close()  # such work is rare, and an idle desk takes memory

    def _find_work(self, recording_id: int) -> _Work | None:
        with self._db.read() as session:
            recording, takes = find_takes(session, recording_id)
        waiting = next((take for take in takes if take.state is TakeState.WAITING), None)
        if recording is None or waiting is None:
            return None
        return _Work(recording, waiting, any(take.state is TakeState.FILLED for take in takes))

    def _fill_one(self, job: JobContext, work: _Work) -> None:
        name = self._devices.name(work.take.instance_id) or "another device"
        if work.base is None or work.parallel is None:
            self._complete(work, Taken(state=TakeState.UNLIKE, device=name))
            return
        with tempfile.TemporaryDirectory(dir=self._scratch, prefix="take-") as folder:
            mended, finding = self._mend(job, work, Path(folder), work.base, work.parallel)
            if finding is None:
                self._complete(work, Taken(state=mended.state, device=name))
                return
            media = self._store(work, Path(folder), finding, work.base)
        lead_ms = round(mended.lead_s * 1000)
        taken = Taken(
            state=mended.state,
            device=name,
            spans=tuple(
                FilledSpan(channel=channel, at_s=at_s, until_s=until_s) for channel, at_s, until_s in mended.filled
            ),
            lead_ms=lead_ms,
            duration_ms=round(mended.duration_s * 1000),
            events=tuple(_moved(work.take.events, mended.lead_s - mended.offset_s)),
            media=tuple(media),
            has_speech=finding.has_speech,
        )
        self._complete(work, taken)

    def _mend(
        self, job: JobContext, work: _Work, folder: Path, base: Media, parallel: Media
    ) -> tuple[Mended, Finding | None]:
        """Let the desk fill the sound and make its form.

        Returns: no finding where nothing was filled.
        """
        paths = folder / "base", folder / "take"
        for media, path in zip((base, parallel), paths, strict=True):
            fetch(self._stores, media, path)
        try:
            mended = self._desks.mend(_order(work, paths, folder, base), lambda: not job.is_ending)
            if mended.state is not TakeState.FILLED:
                return mended, None
            path = folder / MENDED_NAME
            wanted = wanted_by(self._policy)
            finding = self._desks.examine(path, folder / "made", wanted, lambda: not job.is_ending)
        except DeskFailed as exc:
            job.check()
            raise RetryLater(str(exc)) from exc
        if finding.encode_error:
            recording_id = work.recording.text_id
            _log.warning("form.not_made", recording_id=recording_id, reason=finding.encode_error)
        return mended, finding if finding.derived else replace(finding, derived=_as_made(path, finding))

    def _store(self, work: _Work, folder: Path, finding: Finding, base: Media) -> list[PreparedMedia]:
        """Put the new form beside the earlier one, verified."""
        shelf = Shelf(
            stores=self._stores,
            store_id=base.copies[0].store_id,
            stem=make_stem(work.recording.id, work.recording.started_at, 0),
            part=0,
            read_back=self._policy.verify is Verification.READ_BACK,
        )
        return shelf.put_made(folder, finding)

    def _complete(self, work: _Work, taken: Taken) -> None:
        """Write what came of it, and let go of what is not needed any more; all of it or nothing."""
        recording_id = work.recording.id
        timezone = self._devices.timezone(work.recording.device_id)
        try:
            with self._db.write() as session:
                freed = complete(session, recording_id, work.take.part, taken, timezone)
                enqueue_all(session, self._plan_jobs(recording_id, freed, taken))
        except NoSuchMedia:
            objects = [(item.store_id, item.key) for item in taken.media if item.store_id is not None]
            with self._db.write() as session:
                enqueue_all(session, [free_job(objects, [recording_id])])
            raise
        _log.info("take.completed", recording_id=work.recording.text_id, state=taken.state.value)

    def _plan_jobs(self, recording_id: int, freed: Sequence[tuple[int, str]], taken: Taken) -> list[NewJob]:
        jobs = [free_job(freed, [recording_id])] if freed else []
        if taken.state is not TakeState.NOTHING_NEW:
            jobs += [copy_job(recording_id, store) for store in self._preferred().copy_stores]
        return jobs

    @property
    def _policy(self) -> MediaPolicy:
        return self._preferred().media


def _order(work: _Work, paths: tuple[Path, Path], folder: Path, base: Media) -> Order:
    recording, take = work.recording, work.take
    return Order(
        base=str(paths[0]),
        take=str(paths[1]),
        folder=str(folder),
        rate_hz=base.sample_rate_hz,
        offset_s=(to_ms(recording.started_at) - take.start_ms) / 1000,
        longest_s=None if take.longest_ms is None else take.longest_ms / 1000,
        gaps=_gaps(recording.events, recording.parties),
        base_shut=_shut(recording.events, recording.duration_s),
        take_gaps=_gaps(take.events, take.parties),
        take_shut=_shut(take.events, _FOREVER_S),
    )


def _gaps(events: Iterable[TimelineEvent], parties: Iterable[Party]) -> list[tuple[int | None, float, float]]:
    channels = {party.number: party.channel for party in parties if party.number}
    return [
        (channels.get(event.party), event.at_s, event.until_s)
        for event in events
        if event.kind is EventKind.GAP and event.until_s is not None
    ]


def _shut(events: Iterable[TimelineEvent], length_s: float) -> list[tuple[float, float]]:
    """Pauses, those that reach an end of the recording without end, and keys, which may be masked."""
    spans = []
    for event in events:
        if event.kind is EventKind.PAUSE:
            until_s = length_s if event.until_s is None else event.until_s
            at_s = -_FOREVER_S if event.at_s <= _AT_END_S else event.at_s
            spans.append((at_s, _FOREVER_S if until_s >= length_s - _AT_END_S else until_s))
        elif event.kind is EventKind.KEY:
            until_s = event.at_s + _KEY_S if event.until_s is None else event.until_s
            spans.append((event.at_s - _KEY_MARGIN_S, until_s + _KEY_MARGIN_S))
    return spans


def _moved(events: Iterable[TimelineEvent], by_s: float) -> Iterable[TimelineEvent]:
    """The events on another time line, as far as they are on it."""
    for event in events:
        until_s = None if event.until_s is None else round(event.until_s + by_s, 3)
        if event.at_s + by_s >= 0:
            yield replace(event, at_s=round(event.at_s + by_s, 3), until_s=until_s)


def _as_made(path: Path, finding: Finding) -> MadeFile:
    """The mended sound itself, where policy wants nothing smaller."""
    with path.open("rb") as file:
        sha256 = hashlib.file_digest(file, "sha256").hexdigest()
    return replace(original_of(finding, path.stat().st_size, sha256), name=path.name)
