"""What SQLite's planner assumes of the large tables: as measured with a million recordings, for good.

Without this it would guess ten recordings for each direction and each device. Nobody runs ANALYZE on a running hub, and
so the plan of a search never changes overnight. PostgreSQL keeps statistics of its own.
"""

import sqlalchemy as sa
from alembic import op

_MEASURED = (
    ("mention", "ix_mention_recording_id_roles", "2000000 2 1"),
    ("mention", "mention", "2000000 2500 1 1"),
    ("number", "sqlite_autoindex_number_1", "100000 1 1"),
    ("party", "ix_party_recording_id_roles", "2000000 2 1"),
    ("party", "party", "2000000 20 1 1"),
    ("recording", "ix_recording_call_id_start_ms", "1000000 2 1"),
    ("recording", "ix_recording_device_id_start_ms_id", "1000000 125000 1 1"),
    ("recording", "ix_recording_direction_start_ms_id", "1000000 333000 1 1"),
    ("recording", "ix_recording_long_start_ms_id", "10000 1 1"),
    ("recording", "ix_recording_problem_start_ms_id", "200 1 1"),
    ("recording", "ix_recording_start_ms_id", "1000000 1 1"),
)


def create_statistics(dialect: str) -> None:
    """Write them down for SQLite; connections that are opened later plan by them."""
    if dialect != "sqlite":
        return
    op.execute("ANALYZE alembic_version")  # makes the table of statistics
    table = sa.table("sqlite_stat1", sa.column("tbl"), sa.column("idx"), sa.column("stat"))
    op.execute(table.delete())
    op.bulk_insert(table, [{"tbl": on, "idx": index, "stat": stat} for on, index, stat in _MEASURED])
