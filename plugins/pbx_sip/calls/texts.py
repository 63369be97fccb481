"""Whatever is handed to the hub holds nothing but text: also what a telephone system sent in letters of its own."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass, replace
from enum import Enum
from typing import Any, TypeVar, cast

from plugins.pbx_sip.sip.text import make_readable

_Facts = TypeVar("_Facts")


def make_all_readable(facts: _Facts) -> _Facts:
    """The same facts, with every text in them as people want to read it."""
    return cast("_Facts", _read(facts))


def _read(value: Any) -> Any:
    if isinstance(value, str):
        return value if isinstance(value, Enum) else make_readable(value)
    if isinstance(value, tuple):
        return tuple(map(_read, value))
    if isinstance(value, Mapping):
        return {_read(key): _read(each) for key, each in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        return replace(value, **{field.name: _read(getattr(value, field.name)) for field in fields(value)})
    return value
