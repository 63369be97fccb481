"""A note on the board for each change of the configuration, read from the audit trail, so that none is missed."""

from hub.alerts.board import HUB, Board
from hub.alerts.codes.system import CONFIGURATION_CHANGED
from hub.audit import Action, head
from hub.audit.listing import AuditEntry, sealed_after
from hub.db.database import Database

_WORDS = {
    Action.DEVICE_ADD: "{name} was added",
    Action.DEVICE_CHANGE: "{name} was changed",
    Action.DEVICE_DELETE: "{name} was deleted",
    Action.SETTINGS_CHANGE: "{name} were changed",
    Action.RULES_ADD: "{name} was added to the recording rules",
    Action.RULES_CHANGE: "{name} was changed in the recording rules",
    Action.RULES_DELETE: "{name} was deleted from the recording rules",
    Action.SECRETS_ROTATE: "the master key was rotated",
}


class ConfigurationWatch:
    """Follows the trail from where it stands now; what the hub sets up by itself is no news."""

    def __init__(self, db: Database, board: Board) -> None:
        self._db = db
        self._board = board
        self._seq: int | None = None

    def look(self) -> None:
        """Note what was changed since the last look.

        Raises: DatabaseAway.
        """
        with self._db.read() as session:
            end = head(session)
            seen = self._seq
            found = [] if seen is None or end is None else sealed_after(session, seen, frozenset(_WORDS))
        for entry in found:
            if entry.via != "system":
                key = f"configuration:{entry.subject}"
                self._board.note(HUB, CONFIGURATION_CHANGED.alarm(key, what=_what(entry)))
        self._seq = found[-1].seq if found else (end.seq if end else 0)


def _what(entry: AuditEntry) -> str:
    name = entry.details.get("name") or f"the {entry.subject}"
    by = f" by {entry.login}" if entry.login else ""
    return _WORDS[Action(entry.action)].format(name=name) + by
