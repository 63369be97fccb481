"""Column types that mean the same on SQLite and PostgreSQL."""

import json
from enum import StrEnum
from typing import Any, Generic, TypeVar

from sqlalchemy import JSON, BigInteger, Dialect, Integer, LargeBinary, String, Text, TypeDecorator
from sqlalchemy.dialects.postgresql import JSONB

BigId = BigInteger().with_variant(Integer(), "sqlite")
"""A 64-bit key or a time in milliseconds; INTEGER on SQLite, where it may then be the row's own id."""

Json = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
"""Any JSON value."""

E = TypeVar("E", bound=StrEnum)


def canonical_json(value: Any) -> str:
    """The one text form of a JSON value: sorted keys, no spaces, characters as they are."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"), allow_nan=False)


class CanonicalJson(TypeDecorator[Any]):
    """A JSON value kept as its canonical text, byte for byte, so that it can be hashed again."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> str:  # noqa: ARG002, D102
        return canonical_json(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> Any:  # noqa: ARG002, D102
        return None if value is None else json.loads(value)


class HexBytes(TypeDecorator[str]):
    """Lowercase hex in Python, half as many bytes in the table; "" is NULL."""

    impl = LargeBinary
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:  # noqa: ARG002, D102
        return bytes.fromhex(value) if value else None

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str:  # noqa: ARG002, D102
        return value.hex() if value else ""


class Word(TypeDecorator[E], Generic[E]):
    """A member of a `StrEnum`, stored as its value."""

    impl = String
    cache_ok = True

    def __init__(self, kind: type[E]) -> None:
        super().__init__(24)
        self.kind = kind

    def process_bind_param(self, value: E | str | None, dialect: Dialect) -> str | None:  # noqa: ARG002, D102
        return None if value is None else self.kind(value).value

    def process_result_value(self, value: str | None, dialect: Dialect) -> E | None:  # noqa: ARG002, D102
        return None if value is None else self.kind(value)
