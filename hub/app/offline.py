"""What the command line does on the catalog by itself, whether the hub runs or not."""

from typing import Any

from sqlalchemy import func, select

from hub.audit.models import AuditLine
from hub.audit.verification import verify
from hub.catalog.models import Party, Placement, Recording
from hub.config import HubConfig
from hub.db.database import Database
from hub.db.errors import DatabaseBroken
from hub.db.migrations import HEAD

_COUNTED = {"recordings": Recording, "parties": Party, "stored_objects": Placement, "audit_lines": AuditLine}


def open_database(config: HubConfig) -> Database:
    """The catalog of this configuration, not touched yet."""
    return Database(config.database_url)


def describe_database(config: HubConfig) -> dict[str, Any]:
    """Where the catalog is, its revision and how much it holds.

    Raises: DatabaseAway, DatabaseBroken.
    """
    database = open_database(config)
    try:
        found = database.revision()
        facts: dict[str, Any] = {
            "database": config.database_shown,
            "revision": found or "none",
            "up_to_date": found == HEAD,
        }
        if found == HEAD:
            with database.read() as session:
                for name, model in _COUNTED.items():
                    facts[name] = session.scalar(select(func.count()).select_from(model.__table__)) or 0
        return facts
    finally:
        database.close()


def verify_trail(config: HubConfig) -> tuple[bool, dict[str, Any]]:
    """Whether the audit chain holds, and what the walk through it found.

    Raises: DatabaseAway, DatabaseBroken.
    """
    database = open_database(config)
    try:
        if database.revision() != HEAD:
            raise DatabaseBroken(
                f"{config.database_shown} is not at this version's revision", hint="Run `recording-hub db upgrade`."
            )
        verdict = verify(database)
    finally:
        database.close()
    facts: dict[str, Any] = {
        "lines": verdict.lines,
        "dropped": verdict.dropped,
        "erased": verdict.erased,
        "unsealed": verdict.unsealed,
        "head": verdict.head.as_json() if verdict.head else None,
    }
    if verdict.problems:
        facts["problems"] = [f"line {problem.seq}: {problem.text}" for problem in verdict.problems]
    return verdict.intact, facts
