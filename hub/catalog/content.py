"""What a recording says about its call: the part that a later call detail may complete."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from hub.db.plain import storable_json, storable_text
from hub.sdk import CallDetail, Direction, Owner, OwnerKind, Party, RecordingDraft, Role

TEXT_LENGTH = 255


@dataclass(frozen=True, slots=True, kw_only=True)
class Content:
    """Call id, direction, parties, owner, agent, target, skill, other fields, and which rule filled what."""

    call_id: str
    direction: Direction
    parties: tuple[Party, ...]
    owner: Owner | None
    agent: str
    target: str
    skill: str
    fields: Mapping[str, str]
    provenance: Mapping[str, str]


def content_of(draft: RecordingDraft | CallDetail) -> Content:
    """The content of a draft or call detail, in a form that every database takes."""
    return Content(
        call_id=_text(draft.call_id),
        direction=draft.direction,
        parties=tuple(replace(party, number=_text(party.number), name=_text(party.name)) for party in draft.parties),
        owner=None
        if draft.owner is None
        else replace(draft.owner, id=_text(draft.owner.id), name=_text(draft.owner.name)),
        agent=_text(draft.agent),
        target=_text(draft.target),
        skill=_text(draft.skill),
        fields=storable_json(draft.fields),
        provenance=storable_json(draft.provenance) if isinstance(draft, RecordingDraft) else {},
    )


def columns_of(content: Content) -> dict[str, Any]:
    """The columns of `recording` that hold a content."""
    owner = content.owner
    return {
        "call_id": content.call_id,
        "direction": content.direction,
        "parties": [party_json(party) for party in content.parties],
        "owner_kind": None if owner is None else owner.kind,
        "owner_id": "" if owner is None else owner.id,
        "owner_name": "" if owner is None else owner.name,
        "agent": content.agent,
        "target": content.target,
        "skill": content.skill,
        "fields": content.fields,
        "provenance": content.provenance,
    }


def content_from(row: Any) -> Content:
    """The content that a row of `recording` holds."""
    return Content(
        call_id=row.call_id,
        direction=row.direction,
        parties=tuple(party_from(value) for value in row.parties),
        owner=owner_from(row),
        agent=row.agent,
        target=row.target,
        skill=row.skill,
        fields=row.fields,
        provenance=row.provenance,
    )


def owner_from(row: Any) -> Owner | None:
    """The owner that a row of `recording` holds."""
    return (
        None if row.owner_kind is None else Owner(kind=OwnerKind(row.owner_kind), id=row.owner_id, name=row.owner_name)
    )


def party_json(party: Party) -> dict[str, Any]:
    """A party as JSON, without what it leaves open."""
    values: dict[str, Any] = {"number": party.number, "role": party.role.value}
    if party.name:
        values["name"] = party.name
    for key in ("channel", "joined_s", "left_s"):
        if (value := getattr(party, key)) is not None:
            values[key] = value
    return values


def party_from(value: Mapping[str, Any]) -> Party:
    """The party that `party_json` wrote."""
    return Party(
        number=value["number"],
        name=value.get("name", ""),
        role=Role(value["role"]),
        channel=value.get("channel"),
        joined_s=value.get("joined_s"),
        left_s=value.get("left_s"),
    )


def _text(text: str) -> str:
    return storable_text(text, TEXT_LENGTH)
