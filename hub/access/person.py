"""Someone who uses the hub."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """A signed-in person, or the one behind an API token.

    permissions: what this sign-in may do, implied ones included; a token may carry fewer than its person has.
    is_administrator: sees every recording; it grants no permission by itself.
    locale, timezone: "" follows the hub. theme: "auto", "light" or "dark".
    """

    id: int
    login: str
    name: str
    is_administrator: bool
    permissions: frozenset[str]
    locale: str = ""
    timezone: str = ""
    theme: str = "auto"
