from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from hub.alerts.board import Board
from hub.audit.actor import Actor
from hub.db.database import Database
from hub.sdk import Alarm, Severity

NAS = "instance:7"
MARIA = Actor(3, "maria", "web", "192.0.2.7", "0123456789ABC")


class SetClock:
    """A clock that stands until it is moved."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 21, 10, 0, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, **span: float) -> None:
        self.now += timedelta(**span)


def an_alarm(
    key: str = "mount", *, severity: Severity = Severity.MAJOR, text: str = "Gone.", code: str = "DEVICE_DOWN"
) -> Alarm:
    return Alarm(key=key, code=code, severity=severity, text=text, hint="Look.")


@pytest.fixture
def clock() -> SetClock:
    return SetClock()


@pytest.fixture
def board(db: Database, clock: SetClock) -> Iterator[Board]:
    made = Board(db, clock=clock)
    yield made
    made.close(1.0)
