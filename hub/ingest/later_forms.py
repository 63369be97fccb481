"""Background work: the stored form and the peaks of recordings that were too long to make them before the catalog."""

import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import structlog

from hub import ids
from hub.catalog.errors import NoSuchMedia
from hub.catalog.later_media import add_media
from hub.catalog.prepared import MediaKind, PreparedMedia
from hub.catalog.recording import Media
from hub.catalog.views import media_of
from hub.config.policy import MediaPolicy, Verification
from hub.db.database import Database
from hub.ingest.committer import LATER_FORM
from hub.ingest.desk_pool import DeskFailed, DeskPool
from hub.ingest.fetching import fetch
from hub.ingest.preparation import wanted_by
from hub.ingest.shelf import Shelf
from hub.jobs.context import Handler, JobContext
from hub.jobs.job import Rule
from hub.jobs.queue import enqueue_all
from hub.sdk import RetryLater
from hub.vault.copies import remove_job
from hub.vault.placement import stem_of
from hub.vault.stores import Stores

RULES = {LATER_FORM: Rule(attempts=3, longest_s=4 * 3600.0)}
_log = structlog.get_logger(__name__)


class LaterForms:
    """The handler of this kind of job. policy: what people prefer now. scratch: a folder with room for an original."""

    def __init__(self, db: Database, stores: Stores, scratch: Path, policy: Callable[[], MediaPolicy]) -> None:
        self._db = db
        self._stores = stores
        self._scratch = scratch
        self._policy = policy
        self._desks = DeskPool(1)  # its own, so that no long recording holds up a short one

    def handlers(self) -> Mapping[str, Handler]:
        """What a worker of `hub.jobs` is given."""
        return {LATER_FORM: self.make}

    def close(self) -> None:
        """End the desk, also at work."""
        self._desks.kill()
        self._desks.close()

    def make(self, job: JobContext) -> None:
        """Make what one recording lacks.

        Raises: RetryLater; DeskCrashed (counted, and given up after a few); JobHopeless (no intact original is left).
        """
        recording_id = ids.from_text(job.payload["recording"])
        with self._db.read() as session:
            media = media_of(session, recording_id)
        try:
            self._make_all(job, recording_id, media)
        finally:
            self._desks.close()  # such work is rare, and an idle desk takes memory

    def _make_all(self, job: JobContext, recording_id: int, media: Sequence[Media]) -> None:
        made = {(each.kind, each.part) for each in media}
        for original in media:
            job.check()
            lacks_peaks = (MediaKind.PEAKS, original.part) not in made
            lacks_form = (MediaKind.DERIVED, original.part) not in made
            if original.kind is MediaKind.ORIGINAL and original.copies and (lacks_peaks or lacks_form):
                self._make_one(job, recording_id, original)

    def _make_one(self, job: JobContext, recording_id: int, original: Media) -> None:
        policy = self._policy()
        with tempfile.TemporaryDirectory(dir=self._scratch, prefix="form-") as folder:
            path = Path(folder) / "original"
            copy = fetch(self._stores, original, path)
            try:
                finding = self._desks.examine(path, Path(folder) / "made", wanted_by(policy), lambda: not job.is_ending)
            except DeskFailed as exc:
                job.check()
                raise RetryLater(str(exc)) from exc
            shelf = Shelf(
                stores=self._stores,
                store_id=copy.store_id,
                stem=stem_of(copy.key),
                part=original.part,
                read_back=policy.verify is Verification.READ_BACK,
            )
            if finding.encode_error:
                _log.warning("form.not_made", recording_id=ids.to_text(recording_id), reason=finding.encode_error)
            self._add(recording_id, shelf.put_made(Path(folder), replace(finding, duration_s=original.duration_s)))

    def _add(self, recording_id: int, media: list[PreparedMedia]) -> None:
        try:
            with self._db.write() as session:
                added = add_media(session, recording_id, media)
                if left := [item for item in media if item not in added]:  # another form was made meanwhile
                    enqueue_all(session, [remove_job(left, [recording_id])])
        except NoSuchMedia:
            for item in media:
                if item.store_id is not None:
                    self._stores.delete(item.store_id, item.key)
