"""Many rows at once are written as one by one."""

from sqlalchemy import select

from hub.catalog.models import Preference, Recording
from hub.db.bulk import insert_rows


def test_rows_arrive_with_every_kind_of_value(db):
    rows = [{"id": n, "revision": n, "content": {"ü": [n, None, 1.5]}, "changed_ms": n * 10**12} for n in (1, 2)]
    with db.write() as session:
        insert_rows(session, Preference.table(), rows)
    with db.read() as session:
        assert [dict(row._mapping) for row in session.execute(select(Preference.table()))] == rows


def test_the_order_of_a_rows_columns_does_not_matter(db):
    with db.write() as session:
        first = {"id": 1, "revision": 2, "content": {}, "changed_ms": 3}
        insert_rows(session, Preference.table(), [first, dict(reversed((first | {"id": 2}).items()))])
    with db.read() as session:
        assert session.execute(select(Preference.id, Preference.revision)).all() == [(1, 2), (2, 2)]


def test_no_rows_are_no_work(db):
    with db.write() as session:
        insert_rows(session, Recording.table(), [])
