"""What PostgreSQL and SQLite spell differently."""

from sqlalchemy import Table, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session


def is_postgres(session: Session) -> bool:
    """Whether several transactions may write at once."""
    return session.get_bind().dialect.name == "postgresql"


def insert_into(session: Session, table: Table) -> postgresql.Insert | sqlite.Insert:
    """An insert that can say what to do on conflict."""
    return postgresql.insert(table) if is_postgres(session) else sqlite.insert(table)


def lock_device(session: Session, space: int, device_id: int, *, shared: bool) -> None:
    """On PostgreSQL take a lock of one device until the transaction ends; on SQLite every writer is alone anyway.

    space: what the lock is for. shared: with others who share it.
    """
    if is_postgres(session):
        take = func.pg_advisory_xact_lock_shared if shared else func.pg_advisory_xact_lock
        session.execute(select(take(space, func.hashint8(device_id))))
