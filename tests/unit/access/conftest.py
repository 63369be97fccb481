from collections.abc import Callable  # noqa: TC003
from datetime import UTC, datetime, timedelta

import pytest

from hub.access.accounts import Accounts
from hub.access.passwords import Passwords
from hub.access.person import Person
from hub.access.sessions import Sessions
from hub.audit.actor import Actor
from hub.db.database import Database

GOOD_PASSWORD = "fjord lamp apricot 7"
ACTOR = Actor(None, "", "web", "192.0.2.7", "0123456789ABC")


class SetClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **span: float) -> None:
        self.now += timedelta(**span)


class CountedPasswords(Passwords):
    """Real hashing with small parameters; counts how often it works."""

    def __init__(self) -> None:
        super().__init__(memory_kib=64, passes=1, lanes=1)
        self.checks = 0
        self.on_check: Callable[[], object] = int

    def matches(self, stored: str | None, password: str) -> bool:
        self.checks += 1
        self.on_check()
        return super().matches(stored, password)


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def passwords() -> CountedPasswords:
    return CountedPasswords()


@pytest.fixture
def sessions(db: Database, clock: SetClock) -> Sessions:
    return Sessions(db, clock=clock)


@pytest.fixture
def accounts(db: Database, sessions: Sessions, passwords: CountedPasswords, clock: SetClock) -> Accounts:
    return Accounts(db, sessions, passwords=passwords, clock=clock)


@pytest.fixture
def administrator(accounts: Accounts) -> Person:
    token = accounts.issue_setup_token()
    return accounts.create_first_administrator(token, "maria", "Maria Keller", GOOD_PASSWORD, ACTOR)


@pytest.fixture
def listener(accounts: Accounts, administrator: Person) -> Person:
    return accounts.add("otto", "Otto Weber", GOOD_PASSWORD, ACTOR, permissions=["recording.play"])
