"""Out of the drain: into quarantine, or back into the spool while even that cannot be written."""

from dataclasses import dataclass

import structlog

from hub.ingest.conditions import Conditions
from hub.ingest.entry import Entry
from hub.ingest.quarantine import Quarantine, Reason, Room
from hub.ingest.spool import Claim
from hub.ingest.work import Work

_PAUSE_S = 5.0
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Aside:
    """The way from the drain into quarantine."""

    work: Work
    quarantine: Quarantine
    conditions: Conditions

    def put(self, claim: Claim, entry: Entry | None, room: Room, reason: Reason) -> None:
        """Set an entry aside; its claim ends. entry: None if it cannot be read."""
        device = self.conditions.device(entry.instance_id) if entry else ""
        try:
            self.quarantine.set_aside(claim, entry, room, reason, device)
        except OSError as exc:
            _log.warning("quarantine.away", receipt_id=claim.receipt_id, reason=str(exc))
            self.work.put_back(claim, _PAUSE_S)
        else:
            self.work.done(claim.receipt_id)
