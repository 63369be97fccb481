"""Many rows into one table: what SQLAlchemy's executemany does, without its work for each row and column."""

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from sqlalchemy import Dialect, Table, insert
from sqlalchemy.orm import Session

_Processor = Callable[[Any], Any]


def insert_rows(session: Session, table: Table, rows: Sequence[Mapping[str, Any]]) -> None:
    """Insert `rows`, which all have the same columns, in this order; no rows are no work."""
    if not rows:
        return
    connection = session.connection()
    sql, columns = _prepare(table, tuple(rows[0]), connection.dialect)
    values: list[Any]
    if connection.dialect.positional:
        values = [tuple([process(row[name]) if process else row[name] for name, process in columns]) for row in rows]
    else:
        values = [{name: process(row[name]) if process else row[name] for name, process in columns} for row in rows]
    connection.exec_driver_sql(sql, values)


@lru_cache(maxsize=256)
def _prepare(
    table: Table, names: tuple[str, ...], dialect: Dialect
) -> tuple[str, tuple[tuple[str, _Processor | None], ...]]:
    """The statement, and for each column, in the statement's order, what makes its value one of the driver's."""
    compiled = insert(table).compile(dialect=dialect, column_keys=list(names))
    order = tuple(getattr(compiled, "positiontup", None) or names)
    processors = {name: table.c[name].type.dialect_impl(dialect).bind_processor(dialect) for name in names}
    return str(compiled), tuple((name, processors[name]) for name in order)
