import threading
from dataclasses import replace

import pytest
from sqlalchemy import select

from hub.access.accounts import Accounts
from hub.access.errors import InvalidEntry, NotThere, PasswordRefused, SetupRefused, SignInRefused
from hub.access.models import PersonRow, SessionRow, SetupTokenRow
from hub.access.passwords import Passwords
from hub.access.permissions import PERMISSIONS
from hub.access.person import Person
from hub.access.sessions import Sessions
from hub.audit.models import AuditLine, AuditPrivate
from hub.db.database import Database
from tests.unit.access.conftest import ACTOR, GOOD_PASSWORD, CountedPasswords, SetClock


def _audited(db: Database, action: str) -> int:
    with db.read() as session:
        return len(session.scalars(select(AuditLine.id).where(AuditLine.action == action)).all())


def test_a_fresh_hub_needs_a_set_up_token_and_stores_only_its_hash(accounts: Accounts, db: Database) -> None:
    assert accounts.setup_token_needed()
    token = accounts.issue_setup_token()
    with db.read() as session:
        row = session.scalars(select(SetupTokenRow)).one()
    assert token.encode() not in row.token_hash
    assert len(token) >= 43


def test_the_set_up_token_works_once(accounts: Accounts) -> None:
    token = accounts.issue_setup_token()
    person = accounts.create_first_administrator(token, "maria", "Maria", GOOD_PASSWORD, ACTOR)
    assert person.is_administrator
    assert person.permissions == PERMISSIONS.keys
    assert not accounts.setup_token_needed()
    with pytest.raises(SetupRefused):
        accounts.create_first_administrator(token, "mallory", "Mallory", GOOD_PASSWORD, ACTOR)
    with pytest.raises(SetupRefused):
        accounts.issue_setup_token()


def test_a_set_up_token_expires_after_a_day_and_a_newer_one_replaces_it(accounts: Accounts, clock: SetClock) -> None:
    first = accounts.issue_setup_token()
    second = accounts.issue_setup_token()
    with pytest.raises(SetupRefused):
        accounts.check_setup_token(first)
    accounts.check_setup_token(second)
    clock.move(hours=24)
    with pytest.raises(SetupRefused, match="not valid"):
        accounts.create_first_administrator(second, "maria", "Maria", GOOD_PASSWORD, ACTOR)
    assert accounts.setup_token_needed()


def test_a_refused_password_leaves_the_set_up_token_usable(accounts: Accounts) -> None:
    token = accounts.issue_setup_token()
    with pytest.raises(PasswordRefused):
        accounts.create_first_administrator(token, "maria", "Maria", "short", ACTOR)
    assert accounts.create_first_administrator(token, "maria", "Maria", GOOD_PASSWORD, ACTOR).is_administrator


def test_two_at_once_with_the_same_set_up_token_make_one_administrator(accounts: Accounts, db: Database) -> None:
    token = accounts.issue_setup_token()
    together = threading.Barrier(2)
    refused: list[Exception] = []

    def create(login: str) -> None:
        together.wait()
        try:
            accounts.create_first_administrator(token, login, "Someone", GOOD_PASSWORD, ACTOR)
        except SetupRefused as exc:
            refused.append(exc)

    threads = [threading.Thread(target=create, args=(login,)) for login in ("maria", "mallory")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with db.read() as session:
        assert len(session.scalars(select(PersonRow)).all()) == 1
    assert len(refused) == 1


def test_signing_in_gives_a_session_and_an_audit_line(
    accounts: Accounts, sessions: Sessions, administrator: Person, db: Database
) -> None:
    signed_in = accounts.sign_in("Maria", GOOD_PASSWORD, ACTOR, agent="Firefox")
    assert signed_in.person == administrator
    assert sessions.find(signed_in.session_token) == administrator
    assert _audited(db, "session.sign_in") == 1


@pytest.mark.parametrize("login", ["MARIA", " maria ", "\N{FULLWIDTH LATIN CAPITAL LETTER M}ARIA"])
def test_a_login_is_found_in_any_spelling(accounts: Accounts, administrator: Person, login: str) -> None:
    assert accounts.sign_in(login, GOOD_PASSWORD, ACTOR).person.id == administrator.id


def test_unknown_wrong_and_disabled_are_refused_alike_with_the_same_work(
    accounts: Accounts, administrator: Person, listener: Person, passwords: CountedPasswords, db: Database
) -> None:
    accounts.disable(listener.id, ACTOR)
    texts, checks = set(), set()
    for login, password in (("nobody", GOOD_PASSWORD), ("maria", "wrong"), ("otto", GOOD_PASSWORD), ("otto", "wrong")):
        before = passwords.checks
        with pytest.raises(SignInRefused) as refused:
            accounts.sign_in(login, password, ACTOR)
        texts.add((str(refused.value), refused.value.retry_after_s))
        checks.add(passwords.checks - before)
    assert len(texts) == 1
    assert checks == {1}
    assert _audited(db, "session.sign_in_failed") == 4


def test_the_hash_that_nobody_has_costs_as_much_as_a_real_one() -> None:
    passwords = Passwords(memory_kib=64, passes=1)
    nobody, real = passwords._nobody, passwords.hash(GOOD_PASSWORD)
    assert [len(part) for part in nobody.split("$")] == [len(part) for part in real.split("$")]
    assert nobody.split("$")[:4] == real.split("$")[:4]
    assert not passwords.matches(None, GOOD_PASSWORD)
    assert not passwords.is_outdated(nobody)


def test_what_was_typed_as_a_login_is_not_kept(accounts: Accounts, administrator: Person, db: Database) -> None:
    with pytest.raises(SignInRefused):
        accounts.sign_in("my secret typed too early", "x", ACTOR)
    with db.read() as session:
        assert not [value for value in session.scalars(select(AuditPrivate.value)) if "too early" in value]


def test_a_hash_with_old_parameters_is_made_anew_at_sign_in(
    accounts: Accounts, sessions: Sessions, administrator: Person, db: Database, clock: SetClock
) -> None:
    stronger = Accounts(db, sessions, passwords=Passwords(memory_kib=128, passes=1), clock=clock)
    stronger.sign_in("maria", GOOD_PASSWORD, ACTOR)
    with db.read() as session:
        assert "m=128," in (session.get_one(PersonRow, administrator.id).password_hash or "")
    assert stronger.sign_in("maria", GOOD_PASSWORD, ACTOR).session_token


def test_a_person_disabled_while_the_password_was_checked_does_not_get_in(
    accounts: Accounts, administrator: Person, listener: Person, passwords: CountedPasswords, db: Database
) -> None:
    passwords.on_check = lambda: accounts.disable(listener.id, ACTOR)
    with pytest.raises(SignInRefused):
        accounts.sign_in("otto", GOOD_PASSWORD, ACTOR)
    with db.read() as session:
        assert not session.scalars(select(SessionRow).where(SessionRow.person_id == listener.id)).all()


def test_a_browser_that_signs_in_again_gets_a_new_session_and_loses_the_old(
    accounts: Accounts, sessions: Sessions, administrator: Person
) -> None:
    old = accounts.sign_in("maria", GOOD_PASSWORD, ACTOR).session_token
    new = accounts.sign_in("maria", GOOD_PASSWORD, ACTOR, replacing=old).session_token
    assert new != old
    assert sessions.find(old) is None
    assert sessions.find(new)


def test_disabling_someone_ends_their_sessions_at_once(
    accounts: Accounts, sessions: Sessions, administrator: Person, listener: Person
) -> None:
    token = accounts.sign_in("otto", GOOD_PASSWORD, ACTOR).session_token
    accounts.disable(listener.id, ACTOR)
    assert sessions.find(token) is None
    assert accounts.find(listener.id) is None
    accounts.enable(listener.id, ACTOR)
    assert sessions.find(token) is None
    assert accounts.sign_in("otto", GOOD_PASSWORD, ACTOR).session_token


def test_the_last_administrator_cannot_be_disabled(accounts: Accounts, administrator: Person) -> None:
    with pytest.raises(InvalidEntry, match="last administrator"):
        accounts.disable(administrator.id, ACTOR)
    second = accounts.add("vera", "Vera", GOOD_PASSWORD, ACTOR, is_administrator=True)
    accounts.disable(administrator.id, ACTOR)
    with pytest.raises(InvalidEntry):
        accounts.disable(second.id, ACTOR)
    with pytest.raises(NotThere):
        accounts.disable(1, ACTOR)


def test_a_new_password_ends_all_other_sessions(
    accounts: Accounts, sessions: Sessions, administrator: Person, db: Database
) -> None:
    here = accounts.sign_in("maria", GOOD_PASSWORD, ACTOR).session_token
    elsewhere = accounts.sign_in("maria", GOOD_PASSWORD, ACTOR).session_token
    accounts.change_password(administrator, GOOD_PASSWORD, "another harbour stone", ACTOR, session_token=here)
    assert sessions.find(here)
    assert sessions.find(elsewhere) is None
    assert _audited(db, "person.password_change") == 1
    with pytest.raises(SignInRefused):
        accounts.sign_in("maria", GOOD_PASSWORD, ACTOR)
    assert accounts.sign_in("maria", "another harbour stone", ACTOR).session_token


def test_changing_the_password_needs_the_present_one_and_is_slowed_like_signing_in(
    accounts: Accounts, administrator: Person
) -> None:
    for _ in range(6):
        with pytest.raises(InvalidEntry) as refused:
            accounts.change_password(administrator, "guess", "another harbour stone", ACTOR)
        assert refused.value.field == "current"
    with pytest.raises(SignInRefused):
        accounts.change_password(administrator, GOOD_PASSWORD, "another harbour stone", ACTOR)


def test_the_same_password_again_is_no_new_password(accounts: Accounts, administrator: Person) -> None:
    with pytest.raises(PasswordRefused) as refused:
        accounts.change_password(administrator, GOOD_PASSWORD, GOOD_PASSWORD, ACTOR)
    assert refused.value.code == "same"


def test_logins_are_unique_in_every_spelling(accounts: Accounts, administrator: Person) -> None:
    with pytest.raises(InvalidEntry, match="taken"):
        accounts.add("MARIA", "Another", GOOD_PASSWORD, ACTOR)


@pytest.mark.parametrize("login", ["", " ", "a b", "a\nb", "x" * 65, "a\u200bb", "ﷺ" * 20])
def test_a_login_that_people_could_not_read_is_refused(accounts: Accounts, login: str) -> None:
    with pytest.raises(InvalidEntry) as refused:
        accounts.add(login, "Name", GOOD_PASSWORD, ACTOR)
    assert refused.value.field == "login"


def test_a_person_changes_how_the_hub_looks_to_them(
    accounts: Accounts, administrator: Person, listener: Person
) -> None:
    look = {"name": "Otto W.", "locale": "pt_BR", "timezone": "Europe/Berlin", "theme": "dark"}
    changed = accounts.change_own(listener, ACTOR, **look)
    assert changed == replace(listener, name="Otto W.", locale="pt_BR", timezone="Europe/Berlin", theme="dark")
    for field, value in (("locale", "../x"), ("timezone", "Mars/Base"), ("theme", "pink"), ("name", "")):
        with pytest.raises(InvalidEntry) as refused:
            accounts.change_own(listener, ACTOR, **{**look, field: value})
        assert refused.value.field == field


def test_unknown_permissions_are_refused(accounts: Accounts) -> None:
    with pytest.raises(InvalidEntry, match=r"recording\.teleport"):
        accounts.add("x", "X", GOOD_PASSWORD, ACTOR, permissions=["recording.teleport"])


def test_more_than_a_short_queue_of_sign_ins_is_asked_to_come_back() -> None:
    passwords = Passwords(memory_kib=64, passes=1)
    taken = [passwords._queue.acquire(blocking=False) for _ in range(8)]
    assert all(taken)
    with pytest.raises(SignInRefused) as refused:
        passwords.matches(None, "x")
    assert refused.value.retry_after_s > 0
    passwords._queue.release()
    assert passwords.matches(None, "x") is False
