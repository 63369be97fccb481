"""Kinds of values that several models share: ids, moments, limits."""

import base64
import re
from datetime import UTC, datetime
from typing import Annotated, Any

from pydantic import AwareDatetime, BeforeValidator, Field, PlainSerializer, WithJsonSchema

from hub import ids

_ONE_LINE = r"^[^\x00-\x1f\x7f]*$"
ID_PATTERN = "^[0-7][0-9A-HJKMNP-TV-Z]{12}$"
_MOMENT = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,9})?([Zz]|[+-]\d\d:\d\d)", re.ASCII)


def _id_of(value: Any) -> int:
    return value if isinstance(value, int) else _id_of_text(value)  # a number is one of our own, on its way out


def _id_of_text(value: Any) -> int:
    if not isinstance(value, str) or not re.fullmatch(ID_PATTERN, value, re.ASCII):
        raise ValueError("an id has 13 characters, such as 1J4ZQ6F0M3K8T")
    return ids.from_text(value)


def _moment_of(value: Any) -> Any:
    if isinstance(value, datetime) or (isinstance(value, str) and _MOMENT.fullmatch(value)):
        return value
    raise ValueError("write it as 2026-11-21T10:15:00Z, with Z or an offset")


def _utc_text(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


Id = Annotated[
    int,
    BeforeValidator(_id_of),
    PlainSerializer(ids.to_text, return_type=str),
    WithJsonSchema({"type": "string", "pattern": ID_PATTERN, "examples": ["1J4ZQ6F0M3K8T"]}),
]
"""An id: 13 characters outside, a number inside."""

IdIn = Annotated[
    int,
    Field(strict=False),
    BeforeValidator(_id_of_text),
    WithJsonSchema({"type": "string", "pattern": ID_PATTERN, "examples": ["1J4ZQ6F0M3K8T"]}),
]
"""An id in the body of a request: text only, since a number would be another id than it seems."""

Moment = Annotated[
    AwareDatetime,
    Field(strict=False),
    BeforeValidator(_moment_of),
    PlainSerializer(_utc_text, return_type=str),
    WithJsonSchema({"type": "string", "format": "date-time", "examples": ["2026-11-21T10:15:00Z"]}),
]
"""A moment: ISO 8601 with an offset going in, UTC coming out."""

Limit = Annotated[int, Field(ge=1, le=500, description="How many at most.", examples=[50])]

Base64 = Annotated[
    bytes,
    PlainSerializer(lambda content: base64.b64encode(content).decode(), return_type=str),
    WithJsonSchema({"type": "string", "contentEncoding": "base64"}),
]
"""Bytes, as base64 outside."""

SearchText = Annotated[str, Field(max_length=400, pattern=_ONE_LINE)]
"""What is looked for: one line of text."""

OneLine = Annotated[str, Field(pattern=_ONE_LINE)]
"""A text without line ends and other control characters."""
