"""What plug-ins and the hub hand each other, as the kit for partners says it in its declarations."""

import re
from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from enum import Enum
from inspect import formatannotation, getdoc
from typing import Any

from hub import sdk

_MODELS = (
    sdk.RecordingDraft,
    sdk.Party,
    sdk.MediaFile,
    sdk.TimelineEvent,
    sdk.Owner,
    sdk.Notice,
    sdk.CallDetail,
    sdk.Receipt,
    sdk.LiveCall,
    sdk.ControlResult,
    sdk.CallOutline,
    sdk.Verdict,
    sdk.AbsentCall,
    sdk.Health,
    sdk.Alarm,
)
_WORDS = (
    sdk.Direction,
    sdk.Role,
    sdk.EventKind,
    sdk.OwnerKind,
    sdk.NoticeKind,
    sdk.Stage,
    sdk.LiveState,
    sdk.CallControl,
    sdk.Recorded,
    sdk.Absence,
    sdk.HealthState,
    sdk.Severity,
)
_MODULE = re.compile(r"\b[a-z_.]+\.(?=[A-Za-z])")


def describe_models() -> Iterator[tuple[str, str, list[tuple[str, str, str]]]]:
    """Name, what there is to say of it, and (field, type, default) of each."""
    for model in _MODELS:
        yield model.__name__, getdoc(model) or "", [_row(field) for field in fields(model)]


def list_words() -> list[tuple[str, str]]:
    """The name of each enumeration, and its values."""
    return [(f"`{each.__name__}`", ", ".join(f"`{one.value}`" for one in each)) for each in _WORDS]


def _row(field: Field[Any]) -> tuple[str, str, str]:
    kind = field.type if isinstance(field.type, str) else formatannotation(field.type)
    return f"`{field.name}`", f"`{_MODULE.sub('', kind)}`", _default(field)


def _default(field: Field[Any]) -> str:
    if field.default_factory is not MISSING:
        return f"`{getattr(field.default_factory, '__name__', '')}()`"
    if field.default is MISSING:
        return "needed"
    return f"`{field.default.value!r}`" if isinstance(field.default, Enum) else f"`{field.default!r}`"
