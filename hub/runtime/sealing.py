"""Secrets of an instance apart from its other settings: sealed one by one, each bound to its instance and field.

A secret's place is "password", or "servers.0.password" in a table.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from hub.config.secrets import SecretBox
from hub.runtime.fields import FieldType, FormField


def take_apart(fields: Sequence[FormField], settings: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """Settings (as `forms.plain` gives them) without their secrets, and the secrets that are set by their place."""
    kept, secrets = dict(settings), dict[str, str]()
    for field in fields:
        value = settings.get(field.name)
        if field.secret:
            kept.pop(field.name, None)
            if value:
                secrets[field.name] = str(value)
        elif field.type is FieldType.TABLE and value:
            rows = []
            for number, row in enumerate(value):
                row_kept, row_secrets = take_apart(field.columns, row)
                rows.append(row_kept)
                secrets |= {f"{field.name}.{number}.{place}": secret for place, secret in row_secrets.items()}
            kept[field.name] = rows
    return kept, secrets


def put_together(settings: Mapping[str, Any], secrets: Mapping[str, str]) -> dict[str, Any]:
    """What `take_apart` took apart; a place that is no longer there is left out."""
    whole = dict(settings)
    for place, secret in secrets.items():
        table, dot, rest = place.partition(".")
        if not dot:
            whole[place] = secret
            continue
        number, _, column = rest.partition(".")
        rows = whole.get(table)
        if isinstance(rows, list) and number.isdecimal() and int(number) < len(rows):
            row = {**rows[int(number)], column: secret}
            whole[table] = [*rows[: int(number)], row, *rows[int(number) + 1 :]]
    return whole


def seal_all(box: SecretBox, instance_id: int, secrets: Mapping[str, str]) -> dict[str, str]:
    """Each secret sealed for its place."""
    return {place: box.seal(secret, _context(instance_id, place)) for place, secret in secrets.items()}


def unseal_all(box: SecretBox, instance_id: int, sealed: Mapping[str, str]) -> dict[str, str]:
    """Each secret opened.

    Raises: SecretError if one cannot be.
    """
    return {place: box.unseal(text, _context(instance_id, place)) for place, text in sealed.items()}


def reseal_all(box: SecretBox, instance_id: int, sealed: Mapping[str, str]) -> dict[str, str]:
    """Each secret under the box's current master key.

    Raises: SecretError if one cannot be opened.
    """
    return {place: box.reseal(text, _context(instance_id, place)) for place, text in sealed.items()}


def _context(instance_id: int, place: str) -> str:
    return f"instance:{instance_id}:{place}"
