"""People and how they sign in."""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from sqlalchemy import exists, select
from sqlalchemy.orm import Session

from hub import ids
from hub.access import people, set_up, throttle
from hub.access.errors import InvalidEntry, NotThere, PasswordRefused, SignInRefused
from hub.access.models import PersonRow
from hub.access.password_policy import check_password
from hub.access.passwords import Passwords
from hub.access.permissions import PERMISSIONS
from hub.access.person import Person
from hub.access.sessions import Sessions, end_all
from hub.access.throttle import Attempt
from hub.audit.action import Action
from hub.audit.actor import Actor
from hub.audit.trail import append
from hub.clock import Clock, to_ms, utc_now
from hub.db.database import Database
from hub.observe.metrics import SIGN_INS

_WRONG = "The login or the password is wrong."
_LONGEST_TRIED = 1024


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Who signed in, and the token for the browser."""

    person: Person
    session_token: str


@dataclass(frozen=True, slots=True)
class Browser:
    """Where a sign-in comes from; replacing: the token that the browser held before."""

    actor: Actor
    agent: str
    replacing: str


class Accounts:
    """Makes people, signs them in, changes and disables them."""

    def __init__(
        self, db: Database, sessions: Sessions, *, passwords: Passwords | None = None, clock: Clock = utc_now
    ) -> None:
        self._db = db
        self._sessions = sessions
        self._passwords = passwords or Passwords()
        self._clock = clock

    def setup_token_needed(self) -> bool:
        """Whether the hub has no administrator yet."""
        with self._db.read() as session:
            return set_up.is_needed(session)

    def issue_setup_token(self) -> str:
        """A one-time set-up token, valid for a day; only its hash is kept, so it can be shown this once.

        Raises: SetupRefused if there is an administrator.
        """
        with self._db.write() as session:
            return set_up.issue(session, self._now_ms())

    def check_setup_token(self, token: str) -> None:
        """Say early that a set-up link does not hold.

        Raises: SetupRefused.
        """
        with self._db.read() as session:
            set_up.check(session, token, self._now_ms(), lock=False)

    def create_first_administrator(self, token: str, login: str, name: str, password: str, actor: Actor) -> Person:
        """Use up the set-up token for the first administrator.

        Raises: SetupRefused, InvalidEntry, PasswordRefused.
        """
        self.check_setup_token(token)
        draft = self._draft(login, name, password, is_administrator=True)
        with self._db.write() as session:
            set_up.check(session, token, self._now_ms(), lock=True).used_ms = self._now_ms()
            row = self._insert(session, draft)
            person = people.person_of(row)
            append(
                session,
                replace(actor, person_id=person.id, login=person.login),
                Action.SETUP,
                subject=people.subject(person.id),
            )
        return person

    def add(
        self,
        login: str,
        name: str,
        password: str,
        actor: Actor,
        *,
        is_administrator: bool = False,
        permissions: Iterable[str] = (),
    ) -> Person:
        """One more person.

        Raises: InvalidEntry, PasswordRefused.
        """
        keys = sorted(set(permissions))
        if unknown := PERMISSIONS.unknown(keys):
            raise InvalidEntry(f"There is no permission {', '.join(unknown)}.", field="permissions")
        draft = self._draft(login, name, password, is_administrator=is_administrator)
        draft.permissions = keys
        with self._db.write() as session:
            row = self._insert(session, draft)
            append(
                session,
                actor,
                Action.PERSON_ADD,
                subject=people.subject(row.id),
                facts={"is_administrator": is_administrator, "permissions": list(keys)},
            )
            return people.person_of(row)

    def _draft(self, login: str, name: str, password: str, *, is_administrator: bool) -> PersonRow:
        login, name = people.check_login(login), people.check_name(name)
        check_password(password, (login, name))
        now_ms = self._now_ms()
        return PersonRow(
            id=ids.new_id(now_ms),
            login=login,
            login_key=people.login_key(login),
            name=name,
            password_hash=self._passwords.hash(password),
            password_changed_ms=now_ms,
            is_administrator=is_administrator,
            is_disabled=False,
            permissions=[],
            locale="",
            timezone="",
            theme="auto",
            created_ms=now_ms,
            revision=1,
        )

    @staticmethod
    def _insert(session: Session, draft: PersonRow) -> PersonRow:
        if session.scalar(select(exists().where(PersonRow.login_key == draft.login_key))):
            raise InvalidEntry("This login is taken.", field="login")
        session.add(draft)
        session.flush()
        return draft

    def sign_in(self, login: str, password: str, actor: Actor, *, agent: str = "", replacing: str = "") -> SignedIn:
        """A new session for whoever knows the password.

        agent: what the browser calls itself. replacing: the token that the browser held before; it counts no more.
        Whether the login exists, is disabled or has another password makes no difference to text or work done.
        Raises: SignInRefused.
        """
        login = login[:_LONGEST_TRIED]
        attempt = self._enter(people.login_key(login), actor)
        with self._db.read() as session:
            row = people.find_by_login(session, login)
            person_id = row.id if row else None
            stored = row.password_hash if row else None
        if not self._passwords.matches(stored, password[:_LONGEST_TRIED]) or person_id is None or stored is None:
            raise self._refused(person_id, actor)
        renewed = self._passwords.hash(password) if self._passwords.is_outdated(stored) else None
        return self._admit(person_id, stored, renewed, attempt, Browser(actor, agent, replacing))

    def _enter(self, login_key: str, actor: Actor) -> Attempt:
        try:
            with self._db.write() as session:
                return throttle.enter(session, login_key, actor.address, self._now_ms())
        except SignInRefused:
            SIGN_INS.labels("throttled").inc()
            raise

    def _refused(self, person_id: int | None, actor: Actor) -> SignInRefused:
        with self._db.write() as session:
            # what was typed stays out: people type their password into the login field
            subject = "" if person_id is None else people.subject(person_id)
            append(session, actor, Action.SIGN_IN_FAILED, subject=subject)
        SIGN_INS.labels("refused").inc()
        return SignInRefused(_WRONG)

    def _admit(self, person_id: int, stored: str, renewed: str | None, attempt: Attempt, browser: Browser) -> SignedIn:
        with self._db.write() as session:
            row = session.get(PersonRow, person_id, with_for_update=True)
            if row is not None and not row.is_disabled and row.password_hash == stored:
                if renewed is not None:
                    row.password_hash = renewed
                throttle.succeed(session, attempt, person_id, self._now_ms())
                actor = replace(browser.actor, person_id=person_id, login=row.login)
                self._sessions.replace(session, browser.replacing)
                token = self._sessions.start(session, person_id, actor, browser.agent)
                append(session, actor, Action.SIGN_IN, subject=people.subject(person_id))
                SIGN_INS.labels("ok").inc()
                return SignedIn(people.person_of(row), token)
        raise self._refused(person_id, browser.actor)

    def find(self, person_id: int) -> Person | None:
        """The person with this id who is not disabled, or None."""
        with self._db.read() as session:
            row = session.get(PersonRow, person_id)
            return None if row is None or row.is_disabled else people.person_of(row)

    def change_password(self, person: Person, current: str, new: str, actor: Actor, *, session_token: str = "") -> None:
        """Set another password; all sessions but that of `session_token` end.

        Raises: InvalidEntry (field "current": the password is wrong), PasswordRefused, SignInRefused (too many tries).
        """
        attempt = self._enter(people.login_key(person.login), actor)
        with self._db.read() as session:
            row = session.get(PersonRow, person.id)
            stored = row.password_hash if row else None
        if not self._passwords.matches(stored, current[:_LONGEST_TRIED]):
            raise InvalidEntry("The present password is wrong.", field="current")
        if new == current:
            raise PasswordRefused("This is the password you have.", code="same")
        check_password(new, (person.login, person.name))
        renewed = self._passwords.hash(new)
        with self._db.write() as session:
            row = session.get_one(PersonRow, person.id, with_for_update=True)
            row.password_hash = renewed
            row.password_changed_ms = self._now_ms()
            row.revision += 1
            throttle.succeed(session, attempt, person.id, self._now_ms())
            ended = end_all(session, person.id, keep=session_token)
            append(
                session,
                actor,
                Action.PASSWORD_CHANGE,
                subject=people.subject(person.id),
                facts={"sessions_ended": ended},
            )

    def change_own(self, person: Person, actor: Actor, *, name: str, locale: str, timezone: str, theme: str) -> Person:
        """How a person is called and how the hub looks to them.

        Raises: InvalidEntry.
        """
        values = {"name": people.check_name(name), "locale": locale, "timezone": timezone, "theme": theme}
        people.check_look(locale, timezone, theme)
        with self._db.write() as session:
            row = session.get_one(PersonRow, person.id, with_for_update=True)
            changed = sorted(field for field, value in values.items() if getattr(row, field) != value)
            if changed:
                for field in changed:
                    setattr(row, field, values[field])
                row.revision += 1
                append(
                    session,
                    actor,
                    Action.PERSON_CHANGE,
                    subject=people.subject(person.id),
                    facts={"fields": list(changed)},
                )
            changed_person = people.person_of(row)
        return replace(changed_person, permissions=person.permissions)

    def disable(self, person_id: int, actor: Actor) -> None:
        """Shut someone out at once: their sessions end and their tokens count no more.

        Raises: NotThere, InvalidEntry (the last administrator stays).
        """
        with self._db.write() as session:
            row = self._existing(session, person_id)
            others = select(exists().where(PersonRow.is_administrator, ~PersonRow.is_disabled, PersonRow.id != row.id))
            if row.is_administrator and not session.scalar(others):
                raise InvalidEntry("The last administrator cannot be disabled.", field="is_disabled")
            row.is_disabled = True
            row.revision += 1
            ended = end_all(session, person_id)
            append(
                session,
                actor,
                Action.PERSON_CHANGE,
                subject=people.subject(person_id),
                facts={"is_disabled": True, "sessions_ended": ended},
            )

    def enable(self, person_id: int, actor: Actor) -> None:
        """Let someone in again.

        Raises: NotThere.
        """
        with self._db.write() as session:
            row = self._existing(session, person_id)
            row.is_disabled = False
            row.revision += 1
            append(
                session,
                actor,
                Action.PERSON_CHANGE,
                subject=people.subject(person_id),
                facts={"is_disabled": False},
            )

    @staticmethod
    def _existing(session: Session, person_id: int) -> PersonRow:
        row = session.get(PersonRow, person_id, with_for_update=True)
        if row is None:
            raise NotThere("There is no such person.")
        return row

    def _now_ms(self) -> int:
        return to_ms(self._clock())
