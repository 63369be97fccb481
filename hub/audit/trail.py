"""Writing the trail: a line is inserted in the transaction of the act it tells of."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from pydantic import JsonValue
from sqlalchemy import insert
from sqlalchemy.orm import Session

from hub.audit.action import Action
from hub.audit.actor import Actor
from hub.audit.chain import commitment, fresh_salt
from hub.audit.models import AuditLine, AuditPrivate
from hub.clock import to_ms, utc_now
from hub.db.bulk import insert_rows
from hub.db.plain import storable_json, storable_text
from hub.db.types import canonical_json

LOGIN = "actor.login"
ADDRESS = "actor.address"
_NOTHING: Mapping[str, JsonValue] = {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Fact:
    """One line of a batch that tells nothing private: the hub's own acts, and seals of recordings."""

    subject: str
    facts: Mapping[str, JsonValue] = field(default_factory=dict)


def append(
    session: Session,
    actor: Actor,
    action: Action,
    *,
    subject: str = "",
    details: Mapping[str, JsonValue] = _NOTHING,
    facts: Mapping[str, JsonValue] = _NOTHING,
) -> None:
    """Add one line, sealed within a second.

    subject: what was acted on, such as "recording:<id>". details: may be private (names, numbers, addresses, what was
    searched); only salted commitments to them are chained, and they can be erased. facts: never private; chained.
    """
    private = _private_values(actor, details)
    salts = {key: fresh_salt() for key in private}
    row = _row(actor, action, to_ms(utc_now()))
    row |= {
        "subject": storable_text(subject),
        "facts": storable_json(facts),
        "commitments": {key: commitment(salts[key], key, value) for key, value in private.items()},
    }
    line_id = session.execute(insert(AuditLine.table()).returning(AuditLine.id), row).scalar_one()
    if private:
        session.execute(
            insert(AuditPrivate.table()),
            [{"line_id": line_id, "key": key, "salt": salts[key], "value": value} for key, value in private.items()],
        )


def append_facts(session: Session, actor: Actor, action: Action, lines: Sequence[Fact]) -> None:
    """Add many lines of the hub's own acts in one statement."""
    shared = _row(actor, action, to_ms(utc_now())) | {"commitments": {}}
    rows = [shared | {"subject": storable_text(line.subject), "facts": storable_json(line.facts)} for line in lines]
    insert_rows(session, AuditLine.table(), rows)


def _row(actor: Actor, action: Action, at_ms: int) -> dict[str, Any]:
    return {
        "at_ms": at_ms,
        "action": action.value,
        "person_id": actor.person_id,
        "via": actor.via,
        "request_id": storable_text(actor.request_id, 64),
    }


def _private_values(actor: Actor, details: Mapping[str, JsonValue]) -> dict[str, str]:
    """Key -> canonical JSON; the hub itself is no person."""
    values: dict[str, Any] = {}
    if actor.via != "system":
        values[LOGIN] = actor.login
        if actor.address:
            values[ADDRESS] = actor.address
    values |= details
    return {storable_text(key, 64): canonical_json(storable_json(value)) for key, value in values.items()}
