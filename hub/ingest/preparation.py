"""From a spool entry to a recording that only lacks its place in the catalog: desk and vault, one after the other."""

import math
import time
from dataclasses import dataclass

from hub.catalog.prepared import PreparedMedia, PreparedRecording
from hub.config.policy import MediaPolicy, Verification
from hub.ingest.desk_pool import DeskPool
from hub.ingest.entry import MADE_STEM, Entry
from hub.ingest.finding import Finding, Wanted
from hub.ingest.shelf import Shelf, dropped_original
from hub.observe.metrics import ROOM_SECONDS
from hub.sdk import RecordingDraft
from hub.steps import DurableStep, reached
from hub.vault.placement import make_stem
from hub.vault.stores import Stores

_BUDGET_CPU_S = 1.0


@dataclass(frozen=True, slots=True)
class Preparation:
    """A prepared recording; findings: what the desk said of each media file, in their order."""

    recording: PreparedRecording
    findings: tuple[Finding, ...]

    @property
    def is_complete(self) -> bool:
        """Whether no form or peaks were left for later."""
        return all(finding.is_complete for finding in self.findings)


def wanted_by(policy: MediaPolicy, budget_cpu_s: float | None = None, *, form_waits: bool = False) -> Wanted:
    """What the desk is to make under `policy`."""
    return Wanted(
        form=policy.stored_form.value,
        opus_bps=policy.opus_bitrate_bps,
        opus_complexity=policy.opus_complexity,
        budget_cpu_s=budget_cpu_s,
        form_waits=form_waits,
        folds=policy.keep_original,
    )


def examine(entry: Entry, policy: MediaPolicy, desks: DeskPool, waiting_items: int = 0) -> tuple[Finding, ...]:
    """Let the desk look at each media file; what it makes lies in the entry's folder.

    waiting_items: how many entries wait for the same.

    Raises: DeskCrashed (over one of the files), DeskFailed.
    """
    began_s = time.monotonic()
    # An original that is not kept cannot be turned into another form later.
    is_behind = waiting_items > policy.backlog_items
    wanted = wanted_by(policy, _BUDGET_CPU_S, form_waits=is_behind) if policy.keep_original else wanted_by(policy)
    findings = tuple(
        desks.examine(media.path, entry.folder / f"{MADE_STEM}{part}", wanted) for part, media in enumerate(entry.media)
    )
    reached(DurableStep.DESK_FORMS_WRITTEN)
    ROOM_SECONDS.labels("desk").observe(time.monotonic() - began_s)
    return findings


def store(
    entry: Entry,
    draft: RecordingDraft,
    findings: tuple[Finding, ...],
    policy: MediaPolicy,
    stores: Stores,
    store_id: int,
) -> Preparation:
    """Put all of it into the primary storage, verified.

    Raises: BadRecording (bytes changed in the spool); RetryLater, AuthError, StoreFault (the store).
    """
    media: list[PreparedMedia] = []
    for part, (file, finding) in enumerate(zip(entry.media, findings, strict=True)):
        shelf = Shelf(
            stores=stores,
            store_id=store_id,
            stem=make_stem(entry.recording_id, draft.started_at, part),
            part=part,
            read_back=policy.verify is Verification.READ_BACK,
        )
        if policy.keep_original or finding.derived is None or finding.problem:
            media.append(shelf.put_original(file.path, file.size_bytes, file.sha256, finding))
        else:
            media.append(dropped_original(part, file.size_bytes, file.sha256, finding))
        media += shelf.put_made(entry.folder, finding)
    reached(DurableStep.VAULT_STORED)
    recording = PreparedRecording(
        recording_id=entry.recording_id,
        receipt_id=entry.receipt_id,
        instance_id=entry.instance_id,
        draft=draft,
        received_at=entry.received_at,
        duration_s=_duration_s(draft, findings),
        has_speech=any(finding.has_speech for finding in findings),
        mixed=_is_mixed(draft, findings),
        media=tuple(media),
        problem=next((finding.problem for finding in findings if finding.problem), None),
    )
    return Preparation(recording, findings)


def _duration_s(draft: RecordingDraft, findings: tuple[Finding, ...]) -> float:
    """What the source says, otherwise the length of all parts."""
    said_s = draft.duration_s
    if said_s is not None and math.isfinite(said_s) and said_s >= 0:
        return said_s
    return sum(finding.duration_s for finding in findings)


def _is_mixed(draft: RecordingDraft, findings: tuple[Finding, ...]) -> bool | None:
    """Whether one channel carries both parties; None where that cannot be told."""
    channels = max((finding.channels for finding in findings), default=0)
    if draft.mixed is not None or not channels:
        return draft.mixed
    if channels > 1 or len(findings) > 1:
        return False
    return True if len(draft.parties) > 1 else None
