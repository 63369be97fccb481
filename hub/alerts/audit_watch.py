"""An alarm while the audit trail does not prove its own past."""

from hub.alerts.board import HUB, Board
from hub.alerts.codes.system import AUDIT_BROKEN
from hub.audit.chain import Head
from hub.audit.verification import verify
from hub.db.database import Database

_KEY = "audit.chain"


class AuditWatch:
    """Walks the whole chain; it remembers the last proven head, so that a chain that was cut short is noticed too."""

    _proven: Head | None = None

    def __init__(self, db: Database, board: Board) -> None:
        self._db = db
        self._board = board

    def look(self) -> None:
        """Raise the first break that is found, or clear the alarm.

        Raises: DatabaseAway.
        """
        verdict = verify(self._db, self._proven)
        if verdict.intact:
            self._proven = verdict.head
            self._board.clear(HUB, _KEY)
        else:
            self._board.raise_alarm(HUB, AUDIT_BROKEN.alarm(_KEY, reason=verdict.problems[0].text))
