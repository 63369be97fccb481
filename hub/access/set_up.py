"""The first administrator comes in by a link that works once; no default password exists."""

from datetime import timedelta

from sqlalchemy import delete, exists, select
from sqlalchemy.orm import Session

from hub import ids
from hub.access import opaque
from hub.access.errors import SetupRefused
from hub.access.models import PersonRow, SetupTokenRow

LIFETIME = timedelta(hours=24)
_NOT_VALID = "This set-up link is not valid any more."
_HINT = "Restart the hub: while it has no administrator, it prints a new link."


def is_needed(session: Session) -> bool:
    """Whether the hub has no administrator yet."""
    return not session.scalar(select(exists().where(PersonRow.is_administrator)))


def issue(session: Session, now_ms: int) -> str:
    """A new token; older ones that were not used count no more.

    Raises: SetupRefused if there is an administrator.
    """
    if not is_needed(session):
        raise SetupRefused("The hub has an administrator already.", hint="Sign in instead.")
    session.execute(delete(SetupTokenRow).where(SetupTokenRow.used_ms.is_(None)))
    token = opaque.new_token()
    session.add(
        SetupTokenRow(
            id=ids.new_id(now_ms),
            token_hash=opaque.digest(token),
            created_ms=now_ms,
            expires_ms=now_ms + int(LIFETIME.total_seconds() * 1000),
        )
    )
    return token


def check(session: Session, token: str, now_ms: int, *, lock: bool) -> SetupTokenRow:
    """The row of a token that may be used now.

    lock: hold it for this transaction, so that two requests cannot both use it.
    Raises: SetupRefused.
    """
    query = select(SetupTokenRow).where(SetupTokenRow.token_hash == opaque.digest(token))
    row = session.scalar(query.with_for_update() if lock else query)
    if not is_needed(session):
        raise SetupRefused("The hub has an administrator already.", hint="Sign in instead.")
    if row is None or row.used_ms is not None or row.expires_ms <= now_ms:
        raise SetupRefused(_NOT_VALID, hint=_HINT)
    return row
