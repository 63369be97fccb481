"""Who acts."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Actor:
    """The one who does something, as the audit trail names them.

    person_id: None for the hub itself and for people it does not know (a refused sign-in).
    via: "web", "api", "cli" or "system". address, request_id: where the request came from, "" if it was none.
    """

    person_id: int | None
    login: str
    via: str
    address: str = ""
    request_id: str = ""


SYSTEM = Actor(None, "system", "system")
