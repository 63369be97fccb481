"""Reading calls that go on: permission and scope in one place, for pages, API and the line to the supervisor alike."""

from hub.access.errors import NotThere
from hub.access.permissions import require
from hub.access.person import Person
from hub.access.scope import visible_live
from hub.catalog import live_calls
from hub.catalog.live_calls import ListedCall, LiveQuery
from hub.catalog.query import Cursor, Page
from hub.db.database import Database


class LiveReader:
    """What a person may know of calls that go on; every method checks the permission and the person's scope."""

    def __init__(self, db: Database) -> None:
        self._db = db

    def search(
        self, person: Person, query: LiveQuery, *, before: Cursor | None = None, limit: int = 50
    ) -> Page[ListedCall]:
        """One page, the newest calls first. before: older than this place.

        Raises: Forbidden.
        """
        require(person, "live.list")
        with self._db.read() as session:
            return live_calls.search(session, visible_live(person), query, before=before, limit=limit)

    def count(self, person: Person, query: LiveQuery) -> int:
        """How many there are.

        Raises: Forbidden.
        """
        require(person, "live.list")
        with self._db.read() as session:
            return live_calls.count(session, visible_live(person), query)

    def find(self, person: Person, live_id: int) -> ListedCall:
        """One call.

        Raises: Forbidden; NotThere, alike for what is over, never was and what the person may not see.
        """
        require(person, "live.list")
        with self._db.read() as session:
            found = live_calls.find(session, visible_live(person), live_id)
        if found is None:
            raise NotThere("This call is over, or you may not see it.")
        return found
