"""How a call detail completes a recording: it fills what is empty and overwrites nothing."""

from collections.abc import Mapping
from dataclasses import replace

from hub.catalog.content import Content
from hub.catalog.terms import digits_of
from hub.sdk import Direction, Party


def fill(content: Content, detail: Content, rule: str) -> Content:
    """`content` with its empty fields taken from `detail`; the same object if nothing was empty.

    rule: the provenance of what is filled.
    """
    filled: dict[str, object] = {}
    if content.direction is Direction.UNKNOWN and detail.direction is not Direction.UNKNOWN:
        filled["direction"] = detail.direction
    for name in ("call_id", "owner", "agent", "target", "skill", "parties"):
        if not getattr(content, name) and getattr(detail, name):
            filled[name] = getattr(detail, name)
    provenance = dict.fromkeys(filled, rule)
    if content.parties and (parties := _named(content.parties, detail.parties)) != content.parties:
        filled["parties"] = parties
        provenance |= _name_provenance(content.parties, parties, rule)
    more = {name: value for name, value in detail.fields.items() if value and not content.fields.get(name)}
    if more:
        filled["fields"] = {**content.fields, **more}
        provenance |= dict.fromkeys(more, rule)
    if not filled:
        return content
    return replace(content, provenance={**content.provenance, **provenance}, **filled)  # type: ignore[arg-type]


def _named(parties: tuple[Party, ...], known: tuple[Party, ...]) -> tuple[Party, ...]:
    """The parties, those without a name with the name that their number has in `known`."""
    names = {_number(party): party.name for party in known if party.name and party.number}
    return tuple(
        party if party.name or not party.number else replace(party, name=names.get(_number(party), ""))
        for party in parties
    )


def _name_provenance(before: tuple[Party, ...], after: tuple[Party, ...], rule: str) -> Mapping[str, str]:
    return {f"name of {new.number}": rule for old, new in zip(before, after, strict=True) if old.name != new.name}


def _number(party: Party) -> str:
    return digits_of(party.number) or party.number
