"""Signed-in browsers: kept here and not in the cookie, so that a session can be listed and ended."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.orm import Session

from hub import ids
from hub.access import opaque, people
from hub.access.errors import NotThere
from hub.access.models import PersonRow, SessionRow
from hub.access.person import Person
from hub.audit.action import Action
from hub.audit.actor import Actor
from hub.audit.trail import append
from hub.clock import Clock, from_ms, to_ms, utc_now
from hub.db.database import Database
from hub.db.errors import DatabaseAway

IDLE_S = 30 * 60
ABSOLUTE_S = 12 * 3600
_LONGEST_AGENT = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class SessionInfo:
    """One signed-in browser, as its person sees it. agent: what the browser calls itself."""

    id: int
    created_at: datetime
    last_seen_at: datetime
    expires_at: datetime
    address: str
    agent: str
    is_current: bool


class Sessions:
    """Finds, lists and ends sessions.

    idle_s: a session ends when nobody has used it for so long. absolute_s: it ends anyway after so long.
    """

    def __init__(
        self, db: Database, *, idle_s: int = IDLE_S, absolute_s: int = ABSOLUTE_S, clock: Clock = utc_now
    ) -> None:
        self._db = db
        self._idle_ms = idle_s * 1000
        self._absolute_ms = absolute_s * 1000
        self._touch_ms = max(self._idle_ms // 20, 1)
        self._clock = clock

    def start(self, session: Session, person_id: int, actor: Actor, agent: str) -> str:
        """A new session in the caller's transaction; sessions that are over are swept out on the way.

        Returns: the token for the browser.
        """
        now_ms = to_ms(self._clock())
        session.execute(
            delete(SessionRow).where(
                or_(
                    SessionRow.last_seen_ms <= now_ms - self._idle_ms,
                    SessionRow.created_ms <= now_ms - self._absolute_ms,
                )
            )
        )
        token = opaque.new_token()
        session.add(
            SessionRow(
                id=ids.new_id(now_ms),
                person_id=person_id,
                token_hash=opaque.digest(token),
                created_ms=now_ms,
                last_seen_ms=now_ms,
                address=actor.address,
                agent=agent[:_LONGEST_AGENT],
            )
        )
        return token

    def replace(self, session: Session, token: str) -> None:
        """Let a token count no more, in the caller's transaction: a browser that signs in gets a new one."""
        if token:
            session.execute(delete(SessionRow).where(SessionRow.token_hash == opaque.digest(token)))

    def find(self, token: str, *, counts: bool = True) -> Person | None:
        """The person behind a browser's token, or None if there is no such session (any more).

        counts: whether this is somebody's act, which keeps the session alive, or an open page asking by itself.
        """
        if not token:
            return None
        now_ms = to_ms(self._clock())
        with self._db.read() as session:
            found = session.execute(
                select(SessionRow, PersonRow)
                .join(PersonRow, PersonRow.id == SessionRow.person_id)
                .where(SessionRow.token_hash == opaque.digest(token), self._is_alive(now_ms))
            ).one_or_none()
            if found is None or found[1].is_disabled:
                return None
            row, person = found[0], people.person_of(found[1])
            touch = counts and now_ms - row.last_seen_ms >= self._touch_ms
            session_id = row.id
        if touch:
            self._touch(session_id, now_ms)
        return person

    def _is_alive(self, now_ms: int) -> ColumnElement[bool]:
        return (SessionRow.last_seen_ms > now_ms - self._idle_ms) & (SessionRow.created_ms > now_ms - self._absolute_ms)

    def _touch(self, session_id: int, now_ms: int) -> None:
        try:
            with self._db.write() as session:
                session.execute(update(SessionRow).where(SessionRow.id == session_id).values(last_seen_ms=now_ms))
        except DatabaseAway:
            return  # the session only seems idle a little longer than it was

    def list(self, person: Person, current: str = "") -> tuple[SessionInfo, ...]:
        """The person's sessions, the newest first; current: the token of the asking browser."""
        now_ms = to_ms(self._clock())
        with self._db.read() as session:
            rows = session.scalars(
                select(SessionRow)
                .where(SessionRow.person_id == person.id, self._is_alive(now_ms))
                .order_by(SessionRow.id.desc())
            )
            return tuple(self._info(row, opaque.digest(current)) for row in rows)

    def _info(self, row: SessionRow, current: bytes) -> SessionInfo:
        expires_ms = min(row.last_seen_ms + self._idle_ms, row.created_ms + self._absolute_ms)
        return SessionInfo(
            id=row.id,
            created_at=from_ms(row.created_ms),
            last_seen_at=from_ms(row.last_seen_ms),
            expires_at=from_ms(expires_ms),
            address=row.address,
            agent=row.agent,
            is_current=row.token_hash == current,
        )

    def end(self, token: str, actor: Actor) -> None:
        """Sign out; a token without a session is fine."""
        with self._db.write() as session:
            row = session.scalar(select(SessionRow).where(SessionRow.token_hash == opaque.digest(token)))
            if row is not None:
                append(session, actor, Action.SIGN_OUT, subject=people.subject(row.person_id))
                session.delete(row)

    def revoke(self, person: Person, session_id: int, actor: Actor) -> None:
        """End one of the person's own sessions.

        Raises: NotThere.
        """
        with self._db.write() as session:
            row = session.get(SessionRow, session_id)
            if row is None or row.person_id != person.id:
                raise NotThere("This session has ended already, or it is not yours.")
            session.delete(row)
            append(
                session,
                actor,
                Action.SIGN_OUT,
                subject=people.subject(person.id),
                facts={"session": ids.to_text(session_id), "how": "revoked"},
            )

    def revoke_others(self, person: Person, current: str, actor: Actor) -> int:
        """End all of the person's sessions but the asking browser's; returns how many ended."""
        with self._db.write() as session:
            ended = end_all(session, person.id, keep=current)
            if ended:
                append(
                    session,
                    actor,
                    Action.SIGN_OUT,
                    subject=people.subject(person.id),
                    facts={"sessions": ended, "how": "revoked"},
                )
            return ended


def end_all(session: Session, person_id: int, keep: str = "") -> int:
    """Delete the sessions of a person in the caller's transaction, but the one of token `keep`."""
    rows = session.scalars(
        delete(SessionRow)
        .where(SessionRow.person_id == person_id, SessionRow.token_hash != opaque.digest(keep))
        .returning(SessionRow.id)
    )
    return len(rows.all())
