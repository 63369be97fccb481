"""What the drain has to say to people: alarms that are raised once for a trouble and cleared once it is over."""

import threading
from collections.abc import Callable

from sqlalchemy.orm import Session

from hub.alerts.board import HUB, Board
from hub.alerts.codes.calls import CALLS_MISSING, MANDATORY_NOT_RECORDED
from hub.alerts.codes.files import FILE_ENCODE_ERROR, FILE_PARSE_ERROR
from hub.alerts.codes.storage import SPOOL_FULL, SPOOL_STUCK, STORAGE_AUTH, STORAGE_DOWN, STORAGE_FULL
from hub.alerts.codes.system import CONFIGURATION_ERROR, DATABASE_DOWN
from hub.ingest.entry import Entry
from hub.rules.absences import Lacking
from hub.sdk import Absence, Alarm
from hub.vault.stores import Trouble

_STORAGE = {Trouble.DOWN: STORAGE_DOWN, Trouble.FULL: STORAGE_FULL, Trouble.AUTH: STORAGE_AUTH}
_ABSENCES = {
    Absence.NO_MEDIA: "it was signalled, and none of its media was received",
    Absence.UNREADABLE: "its media was received and cannot be decoded or decrypted",
    Absence.REFUSED: "the hub refused it when it was signalled",
}
_NAMES_SHOWN = 80


class Conditions:
    """Raises and clears on the board, in the background; a condition from before the last restart is cleared too.

    name_device: what people call a source instance.
    """

    def __init__(self, board: Board, name_device: Callable[[int], str]) -> None:
        self._board = board
        self._name_device = name_device
        self._lock = threading.Lock()
        self._raised: dict[tuple[str, str], Alarm | None] = {}

    def device(self, instance_id: int) -> str:
        """What people call the device."""
        return self._name_device(instance_id) or f"device {instance_id}"

    def store_away(self, store_id: int, name: str, trouble: Trouble, reason: str) -> None:
        """A store takes nothing now."""
        self._raise(f"instance:{store_id}", _STORAGE[trouble].alarm("ingest.storage", store=name, reason=reason))

    def store_back(self, store_id: int) -> None:
        """A store takes objects; one that was the primary before is no trouble any more."""
        with self._lock:
            others = [source for (source, key), alarm in self._raised.items() if key == "ingest.storage" and alarm]
        for source in {f"instance:{store_id}", *others}:
            self._clear(source, "ingest.storage")
        self._clear(HUB, "ingest.no_store")

    def no_store(self) -> None:
        """No primary storage is chosen."""
        reason = "no primary storage is chosen, so recordings wait in the spool"
        self._raise(
            HUB,
            CONFIGURATION_ERROR.alarm("ingest.no_store", attribute="primary storage", subject="the hub", reason=reason),
        )

    def database_away(self, reason: str) -> None:
        """The catalog takes nothing now."""
        self._raise(HUB, DATABASE_DOWN.alarm("ingest.database", reason=reason))

    def database_back(self) -> None:
        """The catalog takes recordings."""
        self._clear(HUB, "ingest.database")

    def spool_full(self, reason: str) -> None:
        """Sources cannot hand anything over."""
        self._raise(HUB, SPOOL_FULL.alarm("ingest.spool_full", reason=reason))

    def spool_has_room(self) -> None:
        """Sources can hand over again."""
        self._clear(HUB, "ingest.spool_full")

    def spool_stuck(self, items: int, since: str, reason: str) -> None:
        """Recordings wait for long."""
        self._raise(HUB, SPOOL_STUCK.alarm("ingest.spool_stuck", items=items, since=since, reason=reason))

    def spool_moves(self) -> None:
        """Recordings do not wait any more."""
        self._clear(HUB, "ingest.spool_stuck")

    def not_understood(self, entry: Entry, reason: str) -> None:
        """A file was catalogued though its content is not understood."""
        alarm = FILE_PARSE_ERROR.alarm("ingest.file_parse", file=_short(entry.origin_name), reason=reason)
        self._board.raise_soon(f"instance:{entry.instance_id}", alarm)

    def not_encoded(self, entry: Entry, codec: str, target: str, reason: str) -> None:
        """The stored form of a file could not be made."""
        alarm = FILE_ENCODE_ERROR.alarm(
            "ingest.file_encode", file=_short(entry.origin_name), codec=codec, target=target, reason=reason
        )
        self._board.raise_soon(f"instance:{entry.instance_id}", alarm)

    def not_recorded(self, session: Session, lacking: Lacking) -> None:
        """Calls that should have been recorded were not; told in the transaction that keeps them."""
        last = lacking.last
        facts = {
            "calls": lacking.calls,
            "device": self.device(lacking.device_id),
            "rule": last.rule,
            "reason": last.text or _ABSENCES[last.why],
        }
        if lacking.is_mandatory:
            alarm = MANDATORY_NOT_RECORDED.alarm("rules.mandatory", **facts)
        else:
            alarm = CALLS_MISSING.alarm("rules.missing", **facts)
        self._board.raise_in(session, f"instance:{lacking.device_id}", alarm)

    def _raise(self, source: str, alarm: Alarm) -> None:
        with self._lock:
            known = self._raised.get((source, alarm.key))
            if known == alarm:
                return
            self._raised[source, alarm.key] = alarm
        self._board.raise_soon(source, alarm)

    def _clear(self, source: str, key: str) -> None:
        """Clear what is raised, and once what an earlier process may have left."""
        with self._lock:
            if self._raised.get((source, key), ...) is None:
                return
            self._raised[source, key] = None
        self._board.clear_soon(source, key)


def _short(name: str) -> str:
    return name if len(name) <= _NAMES_SHOWN else f"…{name[1 - _NAMES_SHOWN :]}"
