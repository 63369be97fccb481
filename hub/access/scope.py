"""Which recordings a person may see: the one function that every list, page, count, download and live view goes by."""

from sqlalchemy import false, true

from hub.access.person import Person
from hub.catalog.query import Visible


def visible(person: Person) -> Visible:
    """An administrator sees every recording; nobody else sees any until roles give them a scope."""
    return Visible(true() if person.is_administrator else false())


def visible_live(person: Person) -> Visible:
    """Of the calls that go on those whose recordings a person would see; `live_number` holds their parties."""
    return Visible(true() if person.is_administrator else false())


def sees_all_live(person: Person) -> bool:
    """Whether of the calls that go on none is kept from a person."""
    return person.is_administrator


def visible_absences(person: Person) -> Visible:
    """Of the calls without recording those whose recordings a person would see; `absent_number` holds their parties."""
    return Visible(true() if person.is_administrator else false())
