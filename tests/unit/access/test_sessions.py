from dataclasses import replace

import pytest
from sqlalchemy import select

from hub.access import opaque
from hub.access.accounts import Accounts
from hub.access.errors import NotThere
from hub.access.models import SessionRow
from hub.access.person import Person
from hub.access.sessions import Sessions
from hub.db.database import Database
from tests.unit.access.conftest import ACTOR, GOOD_PASSWORD, SetClock


@pytest.fixture
def token(accounts: Accounts, administrator: Person) -> str:
    return accounts.sign_in("maria", GOOD_PASSWORD, ACTOR, agent="Firefox").session_token


def test_a_token_has_256_bits_and_only_its_hash_is_stored(token: str, db: Database) -> None:
    assert len(token) == 43
    with db.read() as session:
        row = session.scalars(select(SessionRow)).one()
    assert row.token_hash == opaque.digest(token)


def test_a_session_ends_after_half_an_hour_without_use(sessions: Sessions, token: str, clock: SetClock) -> None:
    clock.move(minutes=29)
    assert sessions.find(token)
    clock.move(minutes=29)
    assert sessions.find(token)
    clock.move(minutes=30)
    assert sessions.find(token) is None


def test_a_session_ends_after_twelve_hours_of_use(sessions: Sessions, token: str, clock: SetClock) -> None:
    for _ in range(12 * 4 - 1):
        clock.move(minutes=15)
        assert sessions.find(token)
    clock.move(minutes=15)
    assert sessions.find(token) is None


def test_a_page_that_asks_by_itself_keeps_no_session_alive(sessions: Sessions, token: str, clock: SetClock) -> None:
    for _ in range(5):
        clock.move(minutes=5)
        assert sessions.find(token, counts=False)
    clock.move(minutes=5)
    assert sessions.find(token, counts=False) is None


def test_the_limits_can_be_set(db: Database, sessions: Sessions, token: str, clock: SetClock) -> None:
    strict = Sessions(db, idle_s=60, absolute_s=90, clock=clock)
    clock.move(seconds=59)
    assert strict.find(token)
    clock.move(seconds=31)
    assert strict.find(token) is None
    assert sessions.find(token)


@pytest.mark.parametrize("stranger", ["", "x", "A" * 43, "\ud800", "'; DROP TABLE person; --"])
def test_a_made_up_token_finds_nobody(sessions: Sessions, token: str, stranger: str) -> None:
    assert sessions.find(stranger) is None


def test_a_person_sees_their_own_sessions_and_which_one_asks(
    accounts: Accounts, sessions: Sessions, administrator: Person, listener: Person, token: str, clock: SetClock
) -> None:
    accounts.sign_in("otto", GOOD_PASSWORD, ACTOR)
    clock.move(seconds=1)
    other = accounts.sign_in("maria", GOOD_PASSWORD, replace(ACTOR, address="192.0.2.8"), agent="x" * 999)
    listed = sessions.list(administrator, current=token)
    assert [(info.address, info.is_current) for info in listed] == [("192.0.2.8", False), ("192.0.2.7", True)]
    assert len(listed[0].agent) == 255
    sessions.revoke(administrator, listed[0].id, ACTOR)
    assert sessions.find(other.session_token) is None
    assert sessions.find(token)


def test_nobody_ends_the_session_of_another(
    accounts: Accounts, sessions: Sessions, administrator: Person, listener: Person, token: str
) -> None:
    (info,) = sessions.list(administrator)
    with pytest.raises(NotThere):
        sessions.revoke(listener, info.id, ACTOR)
    with pytest.raises(NotThere):
        sessions.revoke(administrator, 1, ACTOR)
    assert sessions.find(token)


def test_all_other_sessions_can_be_ended_at_once(
    accounts: Accounts, sessions: Sessions, administrator: Person, token: str
) -> None:
    others = [accounts.sign_in("maria", GOOD_PASSWORD, ACTOR).session_token for _ in range(2)]
    assert sessions.revoke_others(administrator, token, ACTOR) == 2
    assert sessions.find(token)
    assert not any(map(sessions.find, others))


def test_signing_out_ends_the_session_for_good(sessions: Sessions, token: str) -> None:
    sessions.end(token, ACTOR)
    sessions.end(token, ACTOR)
    assert sessions.find(token) is None


def test_sessions_that_are_over_are_swept_out_by_the_next_sign_in(
    accounts: Accounts, token: str, clock: SetClock, db: Database
) -> None:
    clock.move(hours=1)
    accounts.sign_in("maria", GOOD_PASSWORD, ACTOR)
    with db.read() as session:
        assert len(session.scalars(select(SessionRow)).all()) == 1
