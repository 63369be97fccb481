import threading
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from hub.access import throttle
from hub.access.accounts import Accounts
from hub.access.errors import SignInRefused
from hub.access.models import ThrottleRow
from hub.access.person import Person
from hub.db.database import Database
from tests.unit.access.conftest import ACTOR, GOOD_PASSWORD, CountedPasswords, SetClock

STRANGER = replace(ACTOR, address="198.51.100.9")


def _fail(accounts: Accounts, login: str = "maria", actor: object = STRANGER) -> int:
    with pytest.raises(SignInRefused) as refused:
        accounts.sign_in(login, "wrong", actor)  # type: ignore[arg-type]
    return refused.value.retry_after_s


def test_five_failures_are_free_then_the_wait_doubles(
    accounts: Accounts, administrator: Person, clock: SetClock, passwords: CountedPasswords
) -> None:
    for _ in range(6):
        assert _fail(accounts) == 0
    assert passwords.checks == 6
    for wait in (1, 2, 4, 8, 16, 32):
        assert _fail(accounts) == wait
        clock.move(seconds=wait)
        assert _fail(accounts) == 0
    assert passwords.checks == 12


def test_guesses_made_at_the_same_moment_all_count(
    accounts: Accounts, administrator: Person, passwords: CountedPasswords
) -> None:
    together = threading.Barrier(8)
    refusals: list[int] = []

    def guess() -> None:
        together.wait()
        refusals.append(_fail(accounts))

    threads = [threading.Thread(target=guess) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert passwords.checks == 6
    assert sorted(refusals) == [0, 0, 0, 0, 0, 0, 1, 1]


def test_waiting_never_grows_beyond_five_minutes_and_ends(
    accounts: Accounts, administrator: Person, clock: SetClock
) -> None:
    for _ in range(25):
        clock.move(seconds=300)
        assert _fail(accounts) == 0
    assert _fail(accounts) == 300
    clock.move(seconds=300)
    assert accounts.sign_in("maria", GOOD_PASSWORD, STRANGER).session_token


def test_the_right_password_during_the_wait_is_refused_without_work(
    accounts: Accounts, administrator: Person, passwords: CountedPasswords
) -> None:
    for _ in range(6):
        _fail(accounts)
    before = passwords.checks
    with pytest.raises(SignInRefused):
        accounts.sign_in("maria", GOOD_PASSWORD, STRANGER)
    assert passwords.checks == before


def test_an_unknown_login_is_slowed_like_a_known_one(accounts: Accounts, administrator: Person) -> None:
    known = [_fail(accounts, "maria", replace(ACTOR, address=f"198.51.100.{n}")) for n in range(8)]
    unknown = [_fail(accounts, "nobody", replace(ACTOR, address=f"203.0.113.{n}")) for n in range(8)]
    assert known == unknown
    assert known[-1] > 0


def test_strangers_do_not_shut_people_out_at_their_own_desks(accounts: Accounts, administrator: Person) -> None:
    accounts.sign_in("maria", GOOD_PASSWORD, ACTOR)
    for n in range(12):
        _fail(accounts, "maria", replace(ACTOR, address=f"198.51.100.{n}"))
    assert _fail(accounts, "maria", replace(ACTOR, address="198.51.100.99")) > 0
    assert accounts.sign_in("maria", GOOD_PASSWORD, ACTOR).session_token


def test_one_address_that_tries_many_logins_is_slowed(
    accounts: Accounts, administrator: Person, clock: SetClock
) -> None:
    waits = [_fail(accounts, f"login{n}") for n in range(32)]
    assert waits[30] == 0
    assert waits[31] == 1
    clock.move(seconds=900)
    assert accounts.sign_in("maria", GOOD_PASSWORD, STRANGER).session_token


def test_success_clears_the_account_and_not_what_the_address_did_before(
    accounts: Accounts, administrator: Person, db: Database
) -> None:
    for _ in range(4):
        _fail(accounts)
    accounts.sign_in("maria", GOOD_PASSWORD, STRANGER)
    with db.read() as session:
        assert [row.failures for row in session.scalars(select(ThrottleRow))] == [4]


def test_old_counts_are_forgotten(accounts: Accounts, administrator: Person, clock: SetClock, db: Database) -> None:
    _fail(accounts, "someone")
    clock.move(hours=25)
    _fail(accounts, "someone else")
    with db.read() as session:
        assert {row.failures for row in session.scalars(select(ThrottleRow))} == {1}


def test_a_customers_whole_ipv6_network_counts_as_one_address() -> None:
    assert throttle._network("2001:db8:1:2:aaaa::1") == throttle._network("2001:db8:1:2:bbbb::2")
    assert throttle._network("2001:db8:1:2::1") != throttle._network("2001:db8:1:3::1")
    assert throttle._network("::ffff:192.0.2.1") == "192.0.2.1"


@given(st.text(max_size=60))
def test_any_address_text_is_taken(address: str) -> None:
    assert isinstance(throttle._network(address), str)


@given(st.integers(min_value=0, max_value=10**9))
def test_the_wait_is_bounded_and_never_negative(failures: int) -> None:
    assert 0 <= throttle.ACCOUNT_PACE.wait_ms(failures) <= 300_000
