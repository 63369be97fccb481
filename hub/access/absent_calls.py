"""Reading the account of calls without a recording: permission and scope in one place, for pages and API alike."""

from hub.access.permissions import require
from hub.access.person import Person
from hub.access.scope import visible_absences
from hub.db.database import Database
from hub.db.page import Cursor, Page
from hub.rules.absences import AbsenceQuery, AbsentRow, page_of_absences


class AbsentCallReader:
    """What a person may see of calls without a recording."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def list(
        self,
        person: Person,
        query: AbsenceQuery,
        *,
        before: Cursor | None = None,
        after: Cursor | None = None,
        limit: int = 50,
    ) -> Page[AbsentRow]:
        """One page, the newest first; older than `before` or newer than `after`.

        Raises: Forbidden.
        """
        require(person, "absence.list")
        visible = visible_absences(person)
        with self._db.read() as session:
            return page_of_absences(session, visible, query, before=before, after=after, limit=limit)
