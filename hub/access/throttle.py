"""Guessing is slowed down, by account and by address, and nobody is ever locked out for good.

An attempt is counted before the password is looked at, so that guesses made at the same moment count too, and taken
back if it was right. An address from which the account has signed in before has a count of its own: what strangers
do elsewhere does not close the account to the people at their own desks.
"""

import hashlib
import ipaddress
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from hub.access.errors import SignInRefused
from hub.access.models import KnownAddressRow, ThrottleRow
from hub.db.model import Model

_FORGET_MS = 24 * 3_600_000
_KNOWN_FOR_MS = 90 * 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class Pace:
    """How many failures are free, and how long the wait then grows: 1 s, 2 s, 4 s ... up to `longest_s`."""

    free: int
    longest_s: int

    def wait_ms(self, failures: int) -> int:
        """How long to wait after that many failures in a row."""
        over = failures - self.free
        return 0 if over <= 0 else min(1 << min(over - 1, 20), self.longest_s) * 1000


ACCOUNT_PACE = Pace(free=5, longest_s=300)
ADDRESS_PACE = Pace(free=30, longest_s=900)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try that was let through."""

    account_key: str
    address_key: str
    known_key: str


def enter(session: Session, login_key: str, address: str, now_ms: int) -> Attempt:
    """Count an attempt as failed until `succeed` says otherwise.

    Raises: SignInRefused if the account or the address has to wait.
    """
    session.execute(delete(ThrottleRow).where(ThrottleRow.last_ms < now_ms - _FORGET_MS))
    session.execute(delete(KnownAddressRow).where(KnownAddressRow.seen_ms < now_ms - _KNOWN_FOR_MS))
    place = _network(address)
    known_key = _key("known", login_key, place)
    known = session.get(KnownAddressRow, known_key) is not None
    attempt = Attempt(
        account_key=_key("account", login_key, place if known else ""),
        address_key=_key("address", place) if place else "",
        known_key=known_key if place else "",
    )
    wait_ms = _count(session, attempt.account_key, ACCOUNT_PACE, now_ms)
    if attempt.address_key:
        wait_ms = max(wait_ms, _count(session, attempt.address_key, ADDRESS_PACE, now_ms))
    if wait_ms:
        seconds = -(-wait_ms // 1000)
        text = f"There were too many wrong passwords. Try again in {seconds} seconds."
        if seconds == 1:
            text = "There were too many wrong passwords. Try again in a second."
        raise SignInRefused(text, retry_after_s=seconds)
    return attempt


def succeed(session: Session, attempt: Attempt, person_id: int, now_ms: int) -> None:
    """The password was right: the account's count starts anew, the address gets its one attempt back."""
    session.execute(delete(ThrottleRow).where(ThrottleRow.key == attempt.account_key))
    if attempt.address_key:
        session.execute(
            update(ThrottleRow)
            .where(ThrottleRow.key == attempt.address_key, ThrottleRow.failures > 0)
            .values(failures=ThrottleRow.failures - 1, closed_until_ms=0)
        )
    if attempt.known_key:
        _ensure(session, KnownAddressRow, {"key": attempt.known_key, "person_id": person_id, "seen_ms": now_ms})
        session.execute(update(KnownAddressRow).where(KnownAddressRow.key == attempt.known_key).values(seen_ms=now_ms))


def _count(session: Session, key: str, pace: Pace, now_ms: int) -> int:
    """Count one more failure; returns the wait in ms if the door is closed now, in which case nothing is counted."""
    _ensure(session, ThrottleRow, {"key": key, "failures": 0, "last_ms": now_ms, "closed_until_ms": 0})
    row = session.scalars(select(ThrottleRow).where(ThrottleRow.key == key).with_for_update()).one()
    if row.closed_until_ms > now_ms:
        return row.closed_until_ms - now_ms
    row.failures += 1
    row.last_ms = now_ms
    row.closed_until_ms = now_ms + pace.wait_ms(row.failures)
    session.flush()
    return 0


def _ensure(session: Session, model: type[Model], values: dict[str, Any]) -> None:
    """Insert a row unless it is there, also when two sign-ins do so at the same moment."""
    insert = sqlite.insert if session.get_bind().dialect.name == "sqlite" else postgresql.insert
    session.execute(insert(model).values(**values).on_conflict_do_nothing())


def _key(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()


def _network(address: str) -> str:
    """The address, or its /64 for IPv6, since one customer has all of it."""
    try:
        parsed = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((int(parsed) >> 64 << 64, 64)))
    return str(parsed)
