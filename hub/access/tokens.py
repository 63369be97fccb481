"""API tokens: for programs, with some of their person's permissions and an end."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select, update

from hub import ids
from hub.access import opaque, people
from hub.access.errors import InvalidEntry, NotThere
from hub.access.models import ApiTokenRow, PersonRow
from hub.access.permissions import PERMISSIONS
from hub.access.person import Person
from hub.audit.action import Action
from hub.audit.actor import Actor
from hub.audit.trail import append
from hub.clock import Clock, from_ms, to_ms, utc_now
from hub.db.database import Database
from hub.db.errors import DatabaseAway

LONGEST_LIFE = timedelta(days=366)
MOST_PER_PERSON = 50
_LONGEST_NAME = 100
_TOUCH_MS = 60_000
_ENDING = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class ApiToken:
    """What is known of a token; the token itself is not. ending: its last letters, to tell tokens apart."""

    id: int
    name: str
    ending: str
    permissions: tuple[str, ...]
    created_at: datetime
    expires_at: datetime
    last_used_at: datetime | None
    revoked_at: datetime | None


@dataclass(frozen=True, slots=True)
class Bearer:
    """A token at work: its person with no more permissions than the token carries."""

    person: Person
    token: ApiToken


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token just made; `plain` is shown this once."""

    plain: str
    token: ApiToken


class ApiTokens:
    """Makes, finds, lists and revokes tokens."""

    def __init__(self, db: Database, *, clock: Clock = utc_now) -> None:
        self._db = db
        self._clock = clock

    def create(
        self, person: Person, name: str, permissions: Iterable[str], expires_at: datetime, actor: Actor
    ) -> NewToken:
        """A token for `person` with some of the permissions they have.

        Raises: InvalidEntry.
        """
        now_ms = to_ms(self._clock())
        name = _check_name(name)
        keys = _check_permissions(person, permissions)
        row = ApiTokenRow(
            id=ids.new_id(now_ms),
            person_id=person.id,
            name=name,
            token_hash=opaque.digest(plain := opaque.new_api_token()),
            ending=plain[-_ENDING:],
            permissions=keys,
            created_ms=now_ms,
            expires_ms=_check_end(to_ms(expires_at), now_ms),
        )
        with self._db.write() as session:
            held = session.scalars(
                select(ApiTokenRow.id).where(
                    ApiTokenRow.person_id == person.id,
                    ApiTokenRow.revoked_ms.is_(None),
                    ApiTokenRow.expires_ms > now_ms,
                )
            ).all()
            if len(held) >= MOST_PER_PERSON:
                raise InvalidEntry(f"You have {MOST_PER_PERSON} tokens; revoke one that is not used.", field="name")
            session.add(row)
            session.flush()
            append(
                session,
                actor,
                Action.TOKEN_ADD,
                subject=_subject(row.id),
                facts={"person": ids.to_text(person.id), "permissions": list(keys), "expires_ms": row.expires_ms},
            )
            return NewToken(plain, _token_of(row))

    def find(self, bearer: str) -> Bearer | None:
        """Who is behind a token, or None if it is unknown, expired, revoked or its person is disabled."""
        if not opaque.is_api_token(bearer):
            return None
        now_ms = to_ms(self._clock())
        with self._db.read() as session:
            found = session.execute(
                select(ApiTokenRow, PersonRow)
                .join(PersonRow, PersonRow.id == ApiTokenRow.person_id)
                .where(
                    ApiTokenRow.token_hash == opaque.digest(bearer),
                    ApiTokenRow.revoked_ms.is_(None),
                    ApiTokenRow.expires_ms > now_ms,
                    ~PersonRow.is_disabled,
                )
            ).one_or_none()
            if found is None:
                return None
            token, person = _token_of(found[0]), people.person_of(found[1])
            touch = now_ms - (found[0].last_used_ms or 0) >= _TOUCH_MS
        if touch:
            self._touch(token.id, now_ms)
        allowed = PERMISSIONS.expand(token.permissions) & person.permissions
        return Bearer(replace(person, permissions=allowed), token)

    def _touch(self, token_id: int, now_ms: int) -> None:
        try:
            with self._db.write() as session:
                session.execute(update(ApiTokenRow).where(ApiTokenRow.id == token_id).values(last_used_ms=now_ms))
        except DatabaseAway:
            return  # when it was last used is worth less than the answer

    def list(self, person: Person) -> tuple[ApiToken, ...]:
        """The person's tokens, the newest first, those that ended included."""
        with self._db.read() as session:
            rows = session.scalars(
                select(ApiTokenRow).where(ApiTokenRow.person_id == person.id).order_by(ApiTokenRow.id.desc())
            )
            return tuple(_token_of(row) for row in rows)

    def revoke(self, person: Person, token_id: int, actor: Actor) -> None:
        """End one of the person's own tokens; to do it twice changes nothing.

        Raises: NotThere.
        """
        with self._db.write() as session:
            row = session.get(ApiTokenRow, token_id, with_for_update=True)
            if row is None or row.person_id != person.id:
                raise NotThere("There is no such token, or it is not yours.")
            if row.revoked_ms is None:
                row.revoked_ms = to_ms(self._clock())
                append(session, actor, Action.TOKEN_REVOKE, subject=_subject(token_id))


def _subject(token_id: int) -> str:
    return f"token:{ids.to_text(token_id)}"


def _check_name(name: str) -> str:
    name = name.strip()
    if not name or len(name) > _LONGEST_NAME or not name.isprintable():
        raise InvalidEntry(f"Name the token in 1 to {_LONGEST_NAME} visible characters.", field="name")
    return name


def _check_permissions(person: Person, permissions: Iterable[str]) -> list[str]:
    keys = sorted(set(permissions))
    if not keys:
        raise InvalidEntry("Choose at least one permission.", field="permissions")
    if unknown := PERMISSIONS.unknown(keys):
        raise InvalidEntry(f"There is no permission {', '.join(unknown)}.", field="permissions")
    if missing := sorted(PERMISSIONS.expand(keys) - person.permissions):
        raise InvalidEntry(f"You do not have {', '.join(missing)} yourself.", field="permissions")
    return keys


def _check_end(expires_ms: int, now_ms: int) -> int:
    if expires_ms <= now_ms:
        raise InvalidEntry("The end lies in the past.", field="expires_at")
    if expires_ms > now_ms + int(LONGEST_LIFE.total_seconds() * 1000):
        raise InvalidEntry(f"A token lives {LONGEST_LIFE.days} days at most.", field="expires_at")
    return expires_ms


def _token_of(row: ApiTokenRow) -> ApiToken:
    return ApiToken(
        id=row.id,
        name=row.name,
        ending=row.ending,
        permissions=tuple(row.permissions),
        created_at=from_ms(row.created_ms),
        expires_at=from_ms(row.expires_ms),
        last_used_at=None if row.last_used_ms is None else from_ms(row.last_used_ms),
        revoked_at=None if row.revoked_ms is None else from_ms(row.revoked_ms),
    )
