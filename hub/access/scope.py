"""Which recordings a person may see: the one function that every list, page, count, download and live view goes by."""

from sqlalchemy import false, true

from hub.access.person import Person
from hub.catalog.query import Visible


def visible(person: Person) -> Visible:
    """An administrator sees every recording; nobody else sees any until roles give them a scope."""
    return Visible(true() if person.is_administrator else false())
