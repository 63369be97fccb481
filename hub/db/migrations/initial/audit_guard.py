"""Triggers that keep the audit trail as it was written.

A line may be sealed once. Lines may go only with a segment that is marked as dropped. Private values may be erased and
not changed. The head only grows.
"""

from alembic import op

_FIXED = ("id", "at_ms", "action", "person_id", "via", "request_id", "subject", "facts", "commitments")
_KEYS = {"audit_line": ("id",), "audit_private": ("line_id", "key"), "audit_segment": ("day",), "audit_head": ("id",)}
_DROPPED = (
    "EXISTS (SELECT 1 FROM audit_segment WHERE dropped_ms IS NOT NULL AND OLD.seq BETWEEN first_seq AND last_seq)"
)


def create_audit_guard(dialect: str) -> None:
    """Create the triggers."""
    same = "IS NOT DISTINCT FROM" if dialect == "postgresql" else "IS"
    unchanged = " AND ".join(f"NEW.{column} {same} OLD.{column}" for column in _FIXED)
    rules = (
        ("audit_line", "INSERT", "NEW.seq IS NULL AND NEW.hash IS NULL"),
        ("audit_line", "UPDATE", f"OLD.seq IS NULL AND NEW.seq IS NOT NULL AND NEW.hash IS NOT NULL AND {unchanged}"),
        ("audit_line", "DELETE", _DROPPED),
        ("audit_private", "UPDATE", "FALSE"),
        ("audit_segment", "UPDATE", _segment_unchanged(same)),
        ("audit_segment", "DELETE", "FALSE"),
        ("audit_head", "UPDATE", "NEW.id = OLD.id AND NEW.seq > OLD.seq"),
        ("audit_head", "DELETE", "FALSE"),
    )
    for table, verb, allowed in rules:
        (_guard_postgres if dialect == "postgresql" else _guard_sqlite)(table, verb, allowed)
    for table, key in _KEYS.items():
        if dialect == "postgresql":
            _guard_truncate(table)
        else:
            _refuse_replace(table, key)


def _segment_unchanged(same: str) -> str:
    columns = ("day", "first_seq", "last_seq", "last_hash", "closed_ms")
    fixed = " AND ".join(f"NEW.{column} {same} OLD.{column}" for column in columns)
    return f"OLD.dropped_ms IS NULL AND NEW.dropped_ms IS NOT NULL AND {fixed}"


def _guard_sqlite(table: str, verb: str, allowed: str) -> None:
    op.execute(
        f"CREATE TRIGGER {table}_guard_{verb.lower()} BEFORE {verb} ON {table} WHEN NOT ({allowed}) "
        f"BEGIN SELECT RAISE(ABORT, '{table} refuses this {verb}'); END"
    )


def _refuse_replace(table: str, key: tuple[str, ...]) -> None:
    """INSERT OR REPLACE would delete the old row without a word to the DELETE trigger."""
    same = " AND ".join(f"{column} = NEW.{column}" for column in key)
    there = f"EXISTS (SELECT 1 FROM {table} WHERE {same})"  # noqa: S608 - constants
    op.execute(
        f"CREATE TRIGGER {table}_guard_replace BEFORE INSERT ON {table} WHEN {there} "
        f"BEGIN SELECT RAISE(ABORT, '{table} refuses this REPLACE'); END"
    )


def _guard_postgres(table: str, verb: str, allowed: str) -> None:
    name = f"{table}_guard_{verb.lower()}"
    row = "OLD" if verb == "DELETE" else "NEW"
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"IF NOT ({allowed}) THEN RAISE EXCEPTION '{table} refuses this {verb}'; END IF; RETURN {row}; END $$"
    )
    op.execute(f"CREATE TRIGGER {name} BEFORE {verb} ON {table} FOR EACH ROW EXECUTE FUNCTION {name}()")


def _guard_truncate(table: str) -> None:
    name = f"{table}_guard_truncate"
    op.execute(
        f"CREATE FUNCTION {name}() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN "
        f"RAISE EXCEPTION '{table} refuses this TRUNCATE'; END $$"
    )
    op.execute(f"CREATE TRIGGER {name} BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION {name}()")
