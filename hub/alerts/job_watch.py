"""Alarms about the queue of background work, made from the queue itself, so that none can be missed."""

from datetime import timedelta

from hub.alerts.board import HUB, Board
from hub.alerts.codes.system import JOB_DEAD, JOBS_LATE
from hub.clock import Clock, utc_now
from hub.db.database import Database
from hub.jobs import listing
from hub.sdk import Alarm

_PREFIX = "jobs."
_REASON_LENGTH = 300


class JobWatch:
    """Compares the queue with the board; one alarm for each kind of work that was given up, however many jobs.

    late: how long a due job may wait for a worker.
    """

    def __init__(
        self, db: Database, board: Board, *, late: timedelta = timedelta(minutes=15), clock: Clock = utc_now
    ) -> None:
        self._db = db
        self._board = board
        self._late = late
        self._clock = clock

    def look(self) -> None:
        """Raise what is wrong and clear what is right again.

        Raises: DatabaseAway.
        """
        wanted = {alarm.key: alarm for alarm in self._wrong()}
        shown = {alarm.key: alarm for alarm in self._board.list_open(HUB) if alarm.key.startswith(_PREFIX)}
        for key, alarm in wanted.items():
            if key not in shown or shown[key].text != alarm.text:
                self._board.raise_alarm(HUB, alarm)
        for key in shown.keys() - wanted.keys():
            self._board.clear(HUB, key)

    def _wrong(self) -> list[Alarm]:
        with self._db.read() as session:
            dead = listing.dead_jobs(session)
            late = listing.count_late(session, self._clock() - self._late)
        alarms = [
            JOB_DEAD.alarm(
                f"{_PREFIX}dead:{kind.kind}", kind=kind.kind, jobs=kind.count, reason=kind.last_error[:_REASON_LENGTH]
            )
            for kind in dead
        ]
        if late:
            minutes = int(self._late.total_seconds() // 60)
            alarms.append(JOBS_LATE.alarm(f"{_PREFIX}late", jobs=late, minutes=minutes))
        return alarms
