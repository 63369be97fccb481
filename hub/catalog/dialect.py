"""What PostgreSQL and SQLite spell differently."""

from collections.abc import Sequence

from sqlalchemy import ARRAY, BigInteger, ColumnElement, Table, bindparam, func, select
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.orm import Session

from hub.db.types import canonical_json


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


def lock_number(session: Session, space: int, number: int) -> None:
    """On PostgreSQL take a lock of one 32-bit number, alone, until the transaction ends."""
    if is_postgres(session):
        session.execute(select(func.pg_advisory_xact_lock(space, number - (1 << 31))))


def is_among(session: Session, column: ColumnElement[int], ids: Sequence[int]) -> ColumnElement[bool]:
    """Whether the column is one of these ids: one parameter, however many they are."""
    if is_postgres(session):
        return column == func.any(bindparam(None, list(ids), type_=ARRAY(BigInteger), unique=True))
    listed = func.json_each(bindparam(None, canonical_json(list(ids)), unique=True)).table_valued("value")
    return column.in_(select(listed.c.value))
