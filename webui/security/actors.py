"""Who asks: the person of a request, and the actor that its audit lines name."""

from typing import Literal, cast

from starlette.requests import HTTPConnection

from hub.access.person import Person
from hub.audit.actor import Actor


def person_of(connection: HTTPConnection) -> Person | None:
    """The signed-in person, or None."""
    return cast("Person | None", connection.scope.get("state", {}).get("person"))


def address_of(connection: HTTPConnection) -> str:
    """The address the request came from; a trusted proxy's word for it is already in place."""
    return connection.client.host if connection.client else ""


def actor_of(connection: HTTPConnection, via: Literal["web", "api"] = "web") -> Actor:
    """The actor of this request; without a person its login is empty."""
    person = person_of(connection)
    return Actor(
        person.id if person else None,
        person.login if person else "",
        via,
        address_of(connection),
        connection.scope.get("state", {}).get("request_id", ""),
    )
